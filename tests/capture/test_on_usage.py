"""Whoever waits for the usage of a stream is told it as soon as the event that states it is whole."""

import gzip
from collections.abc import Iterator

import pytest

from spancast.records.call import Call
from tests.support.answers import COST, DONE, GENERATION, JSON, PROVIDER, SSE, TEXT, USAGE, chunk, event, plain
from tests.support.exchanges import Heard, opened

BILL = chunk(finish="stop", usage=USAGE)
RESPONSES = (
    event('{"type":"response.output_text.delta","delta":"Hello"}'),
    event('{"type":"response.completed","response":{"id":"gen-1","model":"m","usage":' + USAGE + "}}"),
)
MESSAGES = (
    event('{"type":"message_start","message":{"id":"gen-1","usage":{"input_tokens":16,"output_tokens":1}}}'),
    event('{"type":"message_delta","delta":{},"usage":{"output_tokens":18,"cost":0.000106000000000001}}'),
)


def waiting(path: str = "/chat/completions", **headers: str) -> tuple[Heard, list[Call]]:
    """Open a stream for which somebody waits."""
    heard, told = opened(path), list[Call]()
    heard.exchange.on_usage = told.append
    heard.exchange.headers(200, {**SSE, **{name.replace("_", "-"): value for name, value in headers.items()}})
    return heard, told


def test_the_usage_is_told_before_the_end_mark_has_come() -> None:
    heard, told = waiting()
    heard.feed(TEXT)
    assert told == []
    heard.feed([BILL])

    (call,) = told
    assert (call.cost, call.cost_source, call.generation_id, call.provider) == (COST, "response", GENERATION, PROVIDER)
    assert (call.outcome, call.output_chunks, heard.finished) == (None, len(TEXT) + 1, [])


def test_what_is_told_early_changes_nothing_of_the_call() -> None:
    (heard, told), (other, _) = waiting(), waiting()
    other.exchange.on_usage = None
    for each in (heard, other):
        each.feed([*TEXT, BILL, DONE])

    assert len(told) == 1
    clocked = {"duration", "time_to_headers", "time_to_first_token"}
    for field in set(Call.__struct_fields__) - clocked:
        assert getattr(heard.call, field) == getattr(other.call, field)


@pytest.mark.parametrize("where", range(1, len(BILL)))
def test_an_event_that_the_network_cut_is_told_when_it_is_whole(where: int) -> None:
    heard, told = waiting()
    heard.feed([*TEXT, BILL[:where]])
    assert told == []
    heard.feed([BILL[where:]])

    mark = BILL.index(b'"usage":{')
    if mark < where < mark + len(b'"usage":{'):  # cut inside what it is known by: it is known at the end
        heard.feed([DONE])
        assert heard.call.cost == COST
    else:
        assert [call.cost for call in told] == [COST]


@pytest.mark.parametrize("where", range(1, len(MESSAGES[1])))
def test_the_last_of_several_usages_is_told_when_it_is_whole(where: int) -> None:
    heard, told = waiting("/messages")
    first, last = MESSAGES
    heard.feed([first, last[:where], last[where:]])

    mark = last.index(b'"usage":{')
    known = not mark < where < mark + len(b'"usage":{')
    assert (told[-1].input_tokens, told[-1].cost) == (16, COST if known else None)


@pytest.mark.parametrize(("path", "events"), [("/responses", RESPONSES), ("/messages", MESSAGES)])
def test_every_dialect_tells_its_usage(path: str, events: tuple[bytes, ...]) -> None:
    heard, told = waiting(path)
    heard.feed(events)

    assert told[-1].cost == COST
    assert told[-1].output_tokens == 18


def test_a_usage_of_nothing_is_none() -> None:
    heard, told = waiting()
    heard.feed(chunk(word, usage="null") for word in ("Hello", " there"))

    assert told == []


def test_a_compressed_stream_tells_its_usage() -> None:
    heard, told = waiting(content_encoding="gzip")
    heard.feed([gzip.compress(b"".join(TEXT) + BILL)])

    assert [call.cost for call in told] == [COST]


def test_a_body_that_is_no_stream_tells_nothing_early() -> None:
    heard, told = opened(), list[Call]()
    heard.exchange.on_usage = told.append
    heard.exchange.headers(200, JSON)
    heard.exchange.body(plain())

    assert (told, heard.call.cost) == ([], COST)


def test_a_stream_goes_on_whatever_happens_to_what_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("spancast.base.guard.strict", False)
    heard, _ = waiting()

    def fail(_call: Call) -> Iterator[None]:
        raise RuntimeError("no")

    heard.exchange.on_usage = fail
    heard.exchange.headers(200, SSE)
    heard.feed([*TEXT, BILL, DONE])

    assert (heard.call.cost, heard.call.outcome) == (COST, "completed")
