"""Tools for testing a program that calls OpenRouter: an OpenRouter that runs on this machine.

`Simulator` speaks OpenRouter's dialects on a loopback port, down to keep-alive padding, dated model names and exact
dollars, and afterwards lists what it served and what it charged:

    >>> import openai
    >>> from spancast.testing import Simulator
    >>> with Simulator(seed=7) as openrouter:
    ...     with openai.OpenAI(base_url=openrouter.base_url, api_key="sk-or-v1-simulator") as client:
    ...         answer = client.chat.completions.create(
    ...             model="anthropic/claude-haiku-4.5", messages=[{"role": "user", "content": "Hello"}], user="u_42"
    ...         )
    >>> answer.model
    'anthropic/claude-4.5-haiku-20251001'
    >>> bill = openrouter.bills[0]
    >>> bill.user, bill.prompt_tokens, bill.generation_id == answer.id
    ('u_42', 6, True)
    >>> bill.cost
    Decimal('0.000161')

In pytest the fixture `openrouter` is a running simulator, one for each test. See `spancast.testing.simulator` for its
responses, and for the faults that it can inject.

To test an exporter, subclass `ExporterContract` in a test file of pytest's; see `spancast.testing.contract`.

The modules:

- `simulator`  the OpenRouter
- `fixtures`   the fixture for pytest
- `contract`   the suite for exporters
- `spans`      the spans that the suite sends
- `replies`    the replies that the suite has judged
- `bodies`     parsing the bodies of requests
- `purity`     detecting side effects
"""

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from spancast.testing.contract import ExporterContract
    from spancast.testing.simulator import Simulator

__all__ = ["ExporterContract", "Simulator"]

_FROM = {"ExporterContract": "spancast.testing.contract", "Simulator": "spancast.testing.simulator"}


def __getattr__(name: str) -> object:
    """Import on first use: pytest imports this package in every test run, and programs may not have pytest."""
    if name not in _FROM:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_FROM[name]), name)
