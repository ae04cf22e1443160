"""An answer, or an event of one, that is too long to be held, and no image, for a caller who streams it."""

import json
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest

from spancast.capture.body.ends import LENGTH, Ends
from spancast.capture.body.reader import PlainReader
from spancast.records.call import Call
from tests.support.answers import GENERATION, JSON, MODEL, PROVIDER, SSE, USAGE
from tests.support.exchanges import streamed

COST = Decimal("0.000106000000000001")
WORDS = [{"token": "two words", "logprob": -0.25, "usage": {"cost": 9}}] * (PlainReader.MAX // 40)


def pieces(body: bytes, size: int) -> Iterator[bytes]:
    return (body[at : at + size] for at in range(0, len(body), size))


def told(before: dict[str, Any], behind: str = "", size: int = 65_536, path: str = "/chat/completions") -> Call:
    body = f"{json.dumps({**before, 'choices': WORDS})[:-1]}{behind}}}".encode()
    assert len(body) > PlainReader.MAX
    return streamed(path, pieces(b"\n  \n" + body, size), headers=JSON)


@pytest.mark.parametrize("size", [1000, 65_536, 10**8])
@pytest.mark.parametrize("colon", [":", ": ", " : "])
def test_what_it_states_at_its_ends_is_known(size: int, colon: str) -> None:
    head = {"id": GENERATION, "provider": PROVIDER, "model": MODEL, "created": 1}
    call = told(head, f',"usage"{colon}{USAGE},"service_tier"{colon}"flex"\n', size)
    assert (call.outcome, call.error_type) == ("completed", None)
    assert (call.generation_id, call.provider, call.response_model) == (GENERATION, PROVIDER, MODEL)
    assert (call.cost, call.input_tokens, call.service_tier) == (COST, 16, "flex")


def test_a_usage_may_stand_before_what_makes_it_long() -> None:
    call = told({"id": "batch_1", "status": "completed", "usage": {"cost": 0.5}}, path="/batches")
    assert (call.response_id, call.status, call.cost) == ("batch_1", "completed", Decimal("0.5"))


def test_a_usage_of_something_within_is_not_its_own() -> None:
    call = told({"id": GENERATION})
    assert (call.outcome, call.generation_id, call.cost) == ("completed", GENERATION, None)


@pytest.mark.parametrize("said", ['"usage":{"cost":9}}', '\\",\\"usage\\":{\\"cost\\":9}}'])
def test_a_usage_that_is_only_spoken_of_is_none(said: str) -> None:
    assert told({"id": GENERATION}, f',"text":{json.dumps(said)}').cost is None


@pytest.mark.parametrize("body", [b"<html>" + b"two words " * 10**6, b"[" + b"1 ,two" * 10**6, b"\xff" * 5 * 10**6])
def test_what_is_no_object_states_nothing(body: bytes) -> None:
    call = streamed("/chat/completions", pieces(body, 65_536), headers={**JSON, "x-generation-id": "gen-1"})
    assert (call.outcome, call.generation_id, call.response_model, call.cost) == ("completed", "gen-1", None, None)


def test_little_is_held_however_small_the_pieces_are() -> None:
    ends = Ends(b'{"id":"gen-1","text":"')
    for _ in range(10**5):
        ends.feed(b"word ")
    ends.feed(b'","usage":{"cost":1}}')
    assert ends.objects() == [b'{"id":"gen-1","usage":{"cost":1}}']
    assert sum(map(len, ends._tail)) < 3 * LENGTH


WHOLE = {"type": "response.completed", "sequence_number": 7}
RESPONSE = {"id": "resp_1", "model": MODEL, "status": "completed"}
BILL = {"input_tokens": 3, "output_tokens": 4, "cost": 0.25}


def event(response: dict[str, Any], **behind: Any) -> bytes:
    return (
        b"event: response.completed\ndata: " + json.dumps({**WHOLE, "response": response, **behind}).encode() + b"\n\n"
    )


@pytest.mark.parametrize("size", [1000, 65_536, 10**8])
@pytest.mark.parametrize("mark", [b"", b"data: [DONE]\n\n"])
@pytest.mark.parametrize(
    "last",
    [
        event({**RESPONSE, "output": WORDS, "usage": BILL, "user": None}),
        event({**RESPONSE, "output": WORDS, "usage": BILL}, more=1),
        event({**RESPONSE, "usage": BILL, "output": WORDS}),
        event({"output": WORDS, **RESPONSE, "usage": BILL}),
        event({"output": WORDS, **RESPONSE, "usage": BILL}).replace(b": ", b":"),
    ],
)
def test_an_event_that_holds_the_whole_answer_is_known_by_its_ends(last: bytes, mark: bytes, size: int) -> None:
    first = b'data: {"type":"response.output_text.delta","delta":"two"}\n\n'
    call = streamed("/responses", pieces(first + last + mark, size), headers=SSE)
    assert (call.outcome, call.error_type, call.cost, call.output_tokens) == ("completed", None, Decimal("0.25"), 4)


def test_an_event_behind_one_that_is_too_long_is_read() -> None:
    long = json.dumps({"id": GENERATION, "choices": [{"index": 0, "delta": {"content": "x", "logprobs": WORDS}}]})
    bill = json.dumps({"id": GENERATION, "model": MODEL, "choices": [], "usage": json.loads(USAGE)})
    call = streamed("/chat/completions", pieces(f"data: {long}\n\ndata: {bill}\n\n".encode(), 65_536), headers=SSE)
    assert (call.response_model, call.cost, call.input_tokens) == (MODEL, COST, 16)


def test_objects_that_nobody_reads_in_one_another_cost_little() -> None:
    body = b'{"id":"gen-1","deep":' + b'{"deep":' * 10**6
    assert Ends(body).objects() == [b'{"id":"gen-1","deep":{"deep":{}}}']
