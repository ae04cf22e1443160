"""See every call an application makes to OpenRouter: tokens, exact dollars, model, provider, and the user it was for.

    import spancast

    spancast.start()
    with spancast.attribute(user="u_42"):
        ...                              # any client: openai, openrouter, langchain, httpx, requests, aiohttp

The packages, in the order in which a call passes through them:

- `hooks`            wrap each client's one send method; the caller gets its own response object back
- `capture`          turns the bytes of an exchange into a Call, by OpenRouter's dialects
- `attribution`      finds the user, the session and the tags of a call
- `recording`        opens an exchange for each request, and hands the finished Call to the journal and to `trace`
- `trace`            makes a Call one OpenTelemetry span in the application's own trace, with metrics and events
- `delivery`         stores calls in the journal, moves them to ledger and outbox, and sends them
- `bookkeeping`      the ledger: what was spent, by whom
- `spans`            makes a Call, or another span of the application, the span that exporters get
- `broadcast`        decides what each destination gets: sampling, filters, privacy
- `destinations`     where spans are sent: names, options, exporters

Around them:

- `records`          the types that pass through: Call, late facts, content
- `early_facts`      late facts that a store receives before their call
- `settings`         arguments, variables, files and defaults, resolved
- `semconv`          the names of span attributes
- `contract`         what an exporter may import
- `errors`           what Spancast raises
- `base`             what all of them use, and what knows nothing of OpenRouter

What puts them together:

- `instrumentation`  hooks, recording and tracing, as one
- `workers`          the background workers of a process: couriers, lookups of late costs, pruning
- `runtime`          everything that `start` puts to work
- `api`              `start`, `flush` and `stop`
- `instrumentor`     the OpenTelemetry instrumentor, for spans alone
- `otel`             exporters of ours for OpenTelemetry's SDK
- `ledgers`          the ledger's API for programs
- `live_ledger`      a ledger that is brought up to date on each access
- `call_filter`      which calls to report, as the command and `ledgers` accept it
- `cli`              the command `spancast`
- `testing`          an OpenRouter that runs on this machine, and the suite for exporters
- `bootstrap`        starts Spancast in a program that `spancast run` runs
- `pyinstaller`      the hook for frozen programs

PYTEST_DONT_REWRITE: under `spancast run` this package is imported before pytest can rewrite it, and pytest would warn.
"""

from typing import TYPE_CHECKING, Any

from spancast.attribution.context import attribute
from spancast.destinations.destination import Destination

if TYPE_CHECKING:
    from spancast.api import flush, start, stop
    from spancast.instrumentor import OpenRouterInstrumentor
    from spancast.ledgers import ledger

__all__ = ["Destination", "OpenRouterInstrumentor", "attribute", "flush", "ledger", "start", "stop"]

_LAZY = {
    "flush": "spancast.api",
    "ledger": "spancast.ledgers",
    "start": "spancast.api",
    "stop": "spancast.api",
    "OpenRouterInstrumentor": "spancast.instrumentor",
}


def __getattr__(name: str) -> Any:
    """Import the heavier names on first use, and read the version from the distribution."""
    from importlib import import_module, metadata  # noqa: PLC0415 - a program that uses neither need not import it

    if name == "__version__":
        return metadata.version("spancast")
    if name not in _LAZY:
        raise AttributeError(f"module 'spancast' has no attribute {name!r}")
    return getattr(import_module(_LAZY[name]), name)
