"""POST /images: plain, or a stream of typed events whose last one has the usage."""

from decimal import Decimal

import pytest

from spancast.records.call import Call, Modalities
from tests.support.answers import JSON, SSE, event
from tests.support.exchanges import answered, opened, streamed
from tests.support.unrecorded import events

PATH = "/images"
COST = Decimal("0.03422675")
NAMED = {"x-generation-id": "gen-img-1", "x-provider-name": "Google AI Studio"}
MEGABYTES = 8


def image(megabytes: int) -> str:
    return "iVBORw0K" * (megabytes * 1024 * 128)


def check(call: Call) -> None:
    assert (call.operation, call.outcome, call.error_type) == ("image", "completed", None)
    assert (call.generation_id, call.response_id, call.provider) == ("gen-img-1", None, "Google AI Studio")
    assert (call.input_tokens, call.output_tokens, call.total_tokens) == (5, 1537, 1542)
    assert (call.cost, call.cost_source, call.is_byok) == (COST, "response", False)
    assert call.modalities == Modalities(video_input=0, file_input=1, image_output=1537)


def test_a_stream_states_its_usage_in_its_last_event() -> None:
    check(streamed(PATH, events("images"), headers={**SSE, **NAMED}))


def test_a_plain_answer_states_the_same() -> None:
    last = events("images")[-1].decode().removeprefix("data: ").strip()
    usage = last[last.index('"usage"') : -1]
    check(answered(PATH, f'{{"created":0,"data":[{{"b64_json":"aGk="}}],{usage}}}'.encode(), headers={**JSON, **NAMED}))


def test_a_stream_is_whole_with_its_last_event_whoever_closes_it_then() -> None:
    heard = opened(PATH)
    heard.exchange.headers(200, {**SSE, **NAMED})
    heard.feed(events("images"))
    heard.exchange.close()
    check(heard.call)


@pytest.mark.parametrize("size", [700, 65_536, 100_000_000])
def test_an_image_of_any_size_hides_no_usage(size: int) -> None:
    last = events("images")[-1].decode().removeprefix("data: ").strip()
    start = last.index('"b64_json":"') + len('"b64_json":"')
    body = event(last[:start] + image(MEGABYTES) + last[start:])
    assert len(body) > MEGABYTES * 1024 * 1024
    chunks = [body[at : at + size] for at in range(0, len(body), size)]
    check(streamed(PATH, [*events("images")[:-1], *chunks], headers={**SSE, **NAMED}))


def test_an_image_of_any_size_hides_no_usage_of_a_plain_answer() -> None:
    last = events("images")[-1].decode().removeprefix("data: ").strip()
    usage = last[last.index('"usage"') : -1]
    body = f'{{"created":0,"data":[{{"b64_json":"{image(MEGABYTES)}"}}],{usage}}}'.encode()
    chunks = [body[at : at + 65_536] for at in range(0, len(body), 65_536)]
    check(streamed(PATH, chunks, headers={**JSON, **NAMED}))


def test_the_first_piece_is_a_part_of_an_image() -> None:
    heard = opened(PATH)
    heard.exchange.headers(200, SSE)
    heard.feed(events("images")[:2])
    heard.exchange.close()
    assert heard.call.time_to_first_token is not None
    assert (heard.call.outcome, heard.call.cost) == ("closed", None)


def test_an_error_in_a_stream_is_the_calls() -> None:
    call = streamed(PATH, events("images_error"), headers={**SSE, **NAMED})
    assert (call.outcome, call.error_type) == ("error", "upstream_error")
    assert call.error_message == "The upstream provider returned an error"
    assert (call.generation_id, call.cost) == ("gen-img-1", None)
