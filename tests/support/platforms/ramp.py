"""Ramp's endpoint for OpenRouter's Broadcast, as Ramp describes it ("AI token spend management", of April 2026).

It walks `resourceSpans`, `scopeSpans` and `spans`, leaves OpenRouter's connection test out, and keeps a row of each
other span: by the id of the generation, so that one that comes again takes the place of the first.
"""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal
from http.server import BaseHTTPRequestHandler
from typing import Any

from tests.support.platform import Answer, Platform, Received, answer, in_json

KEY = "ramp_bus_0123456789"
PATH = "/developer/v1/ai-usage/openrouter"
_TEST = "openrouter-connection-test"
_KINDS = {"stringValue": str, "intValue": str, "doubleValue": float, "boolValue": bool}
"""The kinds of a value that Ramp knows, and what JSON has them as; integers of 64 bits are text."""
_TEN = Decimal("1e-10")
"""The last digit of ClickHouse's `Decimal(20, 10)`."""


@dataclass(frozen=True, kw_only=True)
class Row:
    """A call as Ramp keeps it. Unknown is `None`."""

    model: str | None
    prompt_tokens: int | None
    completion_tokens: int | None
    cached_tokens: int | None
    reasoning_tokens: int | None
    cost: Decimal | None
    end_user: str | None
    metadata: Mapping[str, str]


class Usage:
    """Answers as Ramp does, and keeps the rows by event."""

    def __init__(self) -> None:
        self.rows: dict[str, Row] = {}
        self.tests = 0
        self.words: list[str] = []
        """Attributes that hold what was said."""

    def __call__(self, handler: BaseHTTPRequestHandler, received: Received) -> bool:
        self._reply(received)(handler, received)
        return False

    def _reply(self, received: Received) -> Answer:
        if (received.method, received.path) != ("POST", PATH):
            return in_json(404, {"error_v2": {"message": "Not found"}})
        if received.headers.get("authorization") != f"Bearer {KEY}":
            return in_json(401, {"error": "invalid_token"})
        if received.headers.get("content-type") != "application/json" or "content-encoding" in received.headers:
            return in_json(415, {"error": "Unsupported media type"})
        seen = json.loads(received.body)
        for span in (s for one in seen["resourceSpans"] for scope in one["scopeSpans"] for s in scope["spans"]):
            if span["name"] == _TEST:
                self.tests += 1
            else:
                self._keep(span)
        return answer(204, {"date": "Mon, 21 Sep 2026 00:00:00 GMT"})

    def _keep(self, span: dict[str, Any]) -> None:
        found = dict(map(_pair, span["attributes"]))
        self.words += [name for name in found if "messages" in name or "instructions" in name]
        cost = found.get("gen_ai.usage.total_cost")
        self.rows[found.get("gen_ai.response.id") or span["spanId"]] = Row(
            model=found.get("gen_ai.request.model"),
            prompt_tokens=found.get("gen_ai.usage.input_tokens"),
            completion_tokens=found.get("gen_ai.usage.output_tokens"),
            cached_tokens=found.get("gen_ai.usage.input_tokens.cached"),
            reasoning_tokens=found.get("gen_ai.usage.output_tokens.reasoning"),
            cost=None if cost is None else Decimal(repr(cost)).quantize(_TEN, ROUND_HALF_EVEN),
            end_user=found.get("user.id"),
            metadata={
                name.removeprefix("trace.metadata."): value
                for name, value in found.items()
                if name.startswith("trace.metadata.")
            },
        )


@contextmanager
def ramp(*first: Any) -> Iterator[tuple[Usage, Platform]]:
    """Open a Ramp that gives the `first` answers before its own."""
    usage = Usage()
    with Platform(*first, usage).open() as platform:
        yield usage, platform


def _pair(pair: dict[str, Any]) -> tuple[str, Any]:
    ((kind, value),) = pair["value"].items()
    if kind == "arrayValue":
        return pair["key"], value
    assert type(value) is _KINDS[kind], pair
    return pair["key"], int(value) if kind == "intValue" else value
