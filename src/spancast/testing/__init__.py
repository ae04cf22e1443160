"""What you need to test a program that calls OpenRouter: an OpenRouter that runs on this machine.

`Simulator` speaks OpenRouter's dialects on a loopback port, down to keep-alive padding, dated model names and exact
dollars, and tells you afterwards what it served and what it charged:

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

In pytest the fixture `openrouter` is such a simulator, running, one a test. `spancast.testing.simulator` says which
answers it gives, and which faults it can be asked for.

Whoever writes an exporter subclasses `ExporterContract`, in a test file of pytest's; `spancast.testing.contract` says
how.
"""

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from spancast.testing.contract import ExporterContract
    from spancast.testing.simulator import Simulator

__all__ = ["ExporterContract", "Simulator"]

_FROM = {"ExporterContract": "spancast.testing.contract", "Simulator": "spancast.testing.simulator"}


def __getattr__(name: str) -> object:
    """Import what is asked for: pytest imports this package in every test run, and programs may have no pytest."""
    if name not in _FROM:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_FROM[name]), name)
