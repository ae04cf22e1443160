"""Row 37: whatever an application puts on a span, it is kept, and so are its neighbours in the request."""

import random
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from spancast.broadcast.safe import safe
from tests.support.spans import of_application

BATCHES, SPANS = 100, 100


class Raising:
    def __str__(self) -> str:
        raise RuntimeError("no text")

    __repr__ = __str__


def nested(levels: int) -> Any:
    value: Any = []
    for _ in range(levels):
        value = [value]
    return value


def cyclic() -> Any:
    value: dict[str, Any] = {}
    value["itself"] = value
    return value


DEEP, CYCLE = nested(100_000), cyclic()
TEXTS = ("", "x", "\ud800", "\udfff\ud800", "\0", "é" * 300, "x" * 3_000, "\u202e", "a.b", "\x1b[31m", "👩‍👩‍👧")
MAKERS: tuple[Callable[[random.Random], Any], ...] = (
    lambda chance: chance.choice((float("nan"), float("inf"), -0.0, 2**70, -(2**63) - 1, None, True, 1 + 2j)),
    lambda chance: chance.choice(TEXTS),
    lambda chance: chance.randbytes(chance.randrange(40)),
    lambda _: object(),
    lambda _: Raising(),
    lambda _: CYCLE,
    lambda chance: DEEP if chance.random() < 0.01 else nested(40),
    lambda chance: [odd(chance) for _ in range(chance.randrange(4))],
    lambda chance: {odd_name(chance): odd(chance) for _ in range(chance.randrange(4))},
    lambda chance: {chance.random(), chance.random()},
)


def odd(chance: random.Random) -> Any:
    return chance.choice(MAKERS)(chance)


def odd_name(chance: random.Random) -> Any:
    return chance.choice((*TEXTS, 7, None, ("a",), "k" * 5_000, f"key {chance.random()}"))


def odd_facts(chance: random.Random) -> dict[str, Any]:
    pairs = {
        name: {odd_name(chance): odd(chance) for _ in range(chance.randrange(5))}
        for name in ("attributes", "content", "tags", "metadata", "resource")
    }
    times = {name: chance.randrange(-(2**70), 2**70) for name in ("start", "end")}
    return pairs | times | {name: chance.choice(TEXTS) for name in ("user", "session", "trace_name", "status_message")}


def checked(seed: int, batches: int) -> None:
    chance = random.Random(seed)
    well = of_application("well", attributes={"a": 1, "b": "text"}, span_id="1" * 16)
    for _ in range(batches):
        made = [safe(of_application("odd", **odd_facts(chance)))[0] for _ in range(SPANS - 1)]
        made = [replace(span, span_id=f"{number + 2:016x}") for number, span in enumerate(made)]
        made.insert(chance.randrange(SPANS), well)
        request = ExportTraceServiceRequest.FromString(b"".join(span.otlp() for span in made))
        spans = [span for one in request.resource_spans for scope in one.scope_spans for span in scope.spans]
        assert [span.span_id.hex() for span in spans] == [span.span_id for span in made]
        (kept,) = [span for span in spans if span.name == "well"]
        assert {each.key for each in kept.attributes} >= {"a", "b"}


def test_a_thousand_odd_spans_are_kept_and_their_neighbours_untouched() -> None:
    checked(seed=0, batches=10)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(1, 11))
def test_of_a_hundred_thousand_odd_spans_each_is_kept_and_its_neighbours_untouched(seed: int) -> None:
    checked(seed, BATCHES)
