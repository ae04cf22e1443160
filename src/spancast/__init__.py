"""See every call an application makes to OpenRouter: tokens, exact dollars, model, provider, and the user it was for.

    import spancast

    spancast.start()
    with spancast.attribute(user="u_42"):
        ...                              # any client: openai, openrouter, langchain, httpx, requests, aiohttp

The house, in the order in which a call passes through it:

- `hooks`         patches the client's one send method; the caller gets its own response object back
- `capture`       bytes in, Call out: OpenRouter's dialects, and nothing else
- `attribution`   whom a call is for
- `recording`     opens an exchange for a request, keeps and traces the Call that comes of it
- `trace`         a Call as one OpenTelemetry span, in the application's own trace; its metrics, its event
- `delivery`      journal (durable), drainer, outbox, couriers
- `bookkeeping`   the ledger: who spent what
- `ledgers`       the same, as a program asks it; `latest` brings it up to date first
- `chosen`        which calls are meant, as people say it to the command or to `ledgers`
- `owed`          the costs that come late: who asks for them, and who waits for them
- `broadcast`     what each destination is sent
- `cli`           the command; `testing` an OpenRouter that runs on this machine

What passes is of `records`; where it goes is in `destinations`, what an owner may choose in `settings`. `contract` is
what an exporter may import; `watch` puts the hooks together with what they talk to, `running` all the stations, and
`api` is what a program says to it; all of them stand on `base`.
"""

from typing import TYPE_CHECKING, Any

from spancast.attribution.context import attribute
from spancast.destinations.destination import Destination

if TYPE_CHECKING:
    from spancast.api import flush, start, stop
    from spancast.instrumentor import OpenRouterInstrumentor
    from spancast.ledgers import ledger

__all__ = ["Destination", "OpenRouterInstrumentor", "attribute", "flush", "ledger", "start", "stop"]

_LATE = {
    "flush": "spancast.api",
    "ledger": "spancast.ledgers",
    "start": "spancast.api",
    "stop": "spancast.api",
    "OpenRouterInstrumentor": "spancast.instrumentor",
}


def __getattr__(name: str) -> Any:
    """Import what is heavier than the rest when it is first used, and tell the version from the distribution."""
    from importlib import import_module, metadata  # noqa: PLC0415 - late on purpose

    if name == "__version__":
        return metadata.version("spancast")
    if name not in _LATE:
        raise AttributeError(f"module 'spancast' has no attribute {name!r}")
    return getattr(import_module(_LATE[name]), name)
