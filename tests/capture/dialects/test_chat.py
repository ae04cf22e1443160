"""POST /chat/completions: what nobody has recorded of it, and what a stream may be made of."""

import json
from decimal import Decimal
from typing import Any

import pytest

from spancast.capture.reading import MAX_CALLS
from spancast.records.call import Attempt, Call, Routing
from tests.support.answers import (
    COST,
    DONE,
    GENERATION,
    JSON,
    MODEL,
    PROVIDER,
    SSE,
    STREAM,
    TEXT,
    USAGE,
    chunk,
    event,
    plain,
)
from tests.support.exchanges import answered, opened, streamed
from tests.support.unrecorded import events, plain_body

PATH = "/chat/completions"
ROUTING = Routing(
    strategy="fallback",
    attempt=2,
    attempts=(Attempt(MODEL, "OpenAI", 429), Attempt(MODEL, "Azure", 200)),
    pipeline=("content-filter", "web"),
    summary="available=2, selected=Azure",
)
CITED = (
    '"annotations":[{"type":"url_citation","url_citation":{"url":"https://a.example"}},'
    '{"type":"url_citation","url_citation":{"url":"https://b.example"}}]'
)


def either(name: str) -> list[Call]:
    """Return the calls of an answer in both its forms."""
    return [answered(PATH, plain_body(name)), streamed(PATH, events(name))]


def test_a_whole_stream_is_a_completed_call() -> None:
    call = streamed(PATH, STREAM, body=b'{"model":"openai/gpt-5-mini","stream":true}')
    assert (call.operation, call.outcome, call.error_type, call.streamed) == ("chat", "completed", None, True)
    assert (call.generation_id, call.response_model, call.provider) == (GENERATION, MODEL, PROVIDER)
    assert (call.input_tokens, call.output_tokens, call.total_tokens) == (16, 18, 34)
    assert (str(call.cost), call.cost_source) == ("0.000106000000000001", "response")
    assert call.finish_reasons == ("stop",)
    assert call.output_chunks == 8
    assert call.time_to_first_token is not None
    assert call.time_to_headers is not None
    assert call.duration is not None
    assert call.time_to_headers <= call.time_to_first_token <= call.duration


@pytest.mark.parametrize(
    "written", ["0.000106000000000001", "3.4e-7", "0", "0.0", "1E-40", "12.50", "0.10000000000000000000001"]
)
def test_dollars_are_digit_for_digit_as_stated(written: str) -> None:
    usage = f'{{"prompt_tokens":1,"completion_tokens":2,"total_tokens":3,"cost":{written}}}'
    for call in (answered(PATH, plain(usage)), streamed(PATH, [chunk("x"), chunk(finish="stop", usage=usage), DONE])):
        assert str(call.cost) == str(Decimal(written))
        assert call.cost_source == "response"


@pytest.mark.parametrize("written", ["null", '"0.1"', "-0.1", "true", "[]", "{}", "1e99", "NaN", "Infinity", "1e-99"])
def test_dollars_that_cannot_be_are_unknown(written: str) -> None:
    usage = f'{{"prompt_tokens":1,"completion_tokens":2,"cost":{written}}}'
    for call in (answered(PATH, plain(usage)), streamed(PATH, [chunk("x"), chunk(finish="stop", usage=usage), DONE])):
        assert (call.cost, call.cost_source, call.outcome) == (None, None, "completed")
        assert (call.input_tokens, call.output_tokens) == (1, 2)


def test_a_cache_hit_is_known_to_cost_nothing() -> None:
    call = answered(PATH, plain_body("chat_cache_hit"), headers={**JSON, "x-openrouter-cache-status": "HIT"})
    assert call.cache_hit is True
    assert (call.cost, call.cost_source) == (0, "response")
    assert (call.input_tokens, call.output_tokens) == (0, 0)


def test_a_free_variant_is_known_to_cost_nothing() -> None:
    call = answered(PATH, plain_body("chat_free"), body=b'{"model":"deepseek/deepseek-r1-0528:free"}')
    assert (call.cost, call.cost_source, call.variant) == (0, "response", "free")
    assert (call.input_tokens, call.output_tokens) == (16, 18)


def test_an_answer_without_a_completion_is_insured_and_known_to_cost_nothing() -> None:
    call = answered(PATH, plain_body("chat_no_completion"))
    assert (call.cost, call.cost_source, call.output_tokens) == (0, "response", 0)
    assert (call.outcome, call.finish_reasons, call.finish_reason) == ("completed", (None,), None)


def test_an_answer_without_a_usage_has_an_unknown_cost() -> None:
    for call in (answered(PATH, plain("null")), streamed(PATH, [chunk("Hello"), chunk(finish="stop"), DONE])):
        assert (call.cost, call.cost_source, call.input_tokens, call.outcome) == (None, None, None, "completed")


def test_routing_metadata_is_kept_of_both_forms() -> None:
    for call in either("chat_metadata"):
        assert (call.routing, call.region) == (ROUTING, "iad")


def test_an_error_in_a_choice_is_the_calls_and_is_known_to_cost_nothing() -> None:
    for call in either("chat_choice_error"):
        assert (call.outcome, call.error_type) == ("error", "provider_unavailable")
        assert call.error_message == "Upstream closed the connection"
        assert (call.http_status, call.finish_reasons) == (200, ("error",))
        assert (call.output_tokens, call.cost, call.cost_source) == (2, 0, "response")


def test_an_error_in_a_stream_is_the_calls() -> None:
    call = streamed(PATH, events("chat_error"))
    assert (call.outcome, call.error_type, call.error_message) == (
        "error",
        "provider_unavailable",
        "Upstream closed the connection",
    )
    assert (call.cost, call.cost_source) == (None, None)


def test_a_finish_reason_of_error_alone_is_an_error() -> None:
    for call in (
        streamed(PATH, [chunk("Hel"), chunk(finish="error"), DONE]),
        answered(PATH, plain(choices=[{"index": 0, "finish_reason": "error"}])),
    ):
        assert (call.outcome, call.error_type, call.error_message) == ("error", "error", None)


@pytest.mark.parametrize("status", [402, 500, 502, 503, 524, 529])
def test_an_http_error_is_told_in_openrouters_words(status: int) -> None:
    expected = {
        402: "payment_required",
        500: "500",
        502: "provider_unavailable",
        503: "provider_overloaded",
        524: "524",
        529: "provider_overloaded",
    }
    call = answered(PATH, plain_body(f"error_{status}"), status=status, headers={**JSON, "retry-after": "7"})
    assert (call.outcome, call.http_status, call.error_type) == ("error", status, expected[status])
    assert call.error_message
    assert "diary" not in repr(call)
    assert (call.cost, call.cost_source, call.retry_after) == (None, None, 7.0)


def test_an_http_error_names_its_provider_and_what_failed_before() -> None:
    assert answered(PATH, plain_body("error_502"), status=502).error_provider == "DeepInfra"
    assert answered(PATH, plain_body("error_503"), status=503).previous_errors == ("429", "timeout")


@pytest.mark.parametrize(
    "body", [b"", b"<html>Bad gateway</html>", b"null", b"[]", b'{"detail":"no"}', b'{"error":null}']
)
def test_an_http_error_in_no_words_is_its_status(body: bytes) -> None:
    call = answered(PATH, body, status=503, headers={"content-type": "text/html"})
    assert (call.outcome, call.error_type, call.error_message) == ("error", "503", None)


@pytest.mark.parametrize("body", [b"", b"\n   \n", b"<html>", b"null", b"[1]", b'"ok"', b'{"id":"gen-1"', b"\xff\xfe"])
def test_a_success_that_holds_no_object_is_an_invalid_response(body: bytes) -> None:
    call = answered(PATH, body)
    assert (call.outcome, call.error_type, call.http_status) == ("error", "invalid_response", 200)


def test_an_empty_object_is_an_answer_that_states_nothing() -> None:
    call = answered(PATH, b"{}")
    assert (call.outcome, call.error_type, call.cost) == ("completed", None, None)


def test_tools_and_sources_are_counted_in_both_forms() -> None:
    for call in either("chat_tools"):
        assert (call.tool_calls, call.citations, call.finish_reasons) == (2, 2, ("tool_calls",))
    assert (answered(PATH, plain_body("chat_tools")).server_tool_calls, call.outcome) == (2, "completed")


def test_sources_amid_the_text_are_counted() -> None:
    choice = f'{{"index":0,"delta":{{"content":"",{CITED}}},"finish_reason":null}}'
    cited = event(f'{{"id":"{GENERATION}","choices":[{choice}]}}')
    call = streamed(PATH, [*[chunk("text ")] * 200, cited, *[chunk("text ")] * 200, chunk(finish="stop"), DONE])
    assert call.citations == 2


def test_a_call_of_a_tool_amid_the_text_is_counted_however_little_it_says() -> None:
    choice = {"index": 0, "delta": {"tool_calls": [{"index": 0, "id": "call_0"}]}, "finish_reason": None}
    text = [chunk("text ")] * 200
    assert streamed(PATH, [*text, chunk(choices=[choice]), *text, *STREAM[-3:]]).tool_calls == 1


@pytest.mark.parametrize("kind", ["file", "file_path", None])
def test_a_file_among_the_annotations_is_no_source(kind: str | None) -> None:
    annotations = [{"type": kind, "file": {"hash": "a", "name": "a.pdf"}}, "a", None]
    message = {"role": "assistant", "content": "Hello", "annotations": annotations}
    assert answered(PATH, plain(choices=[{"index": 0, "message": message}])).citations is None
    assert streamed(PATH, [*TEXT, chunk(choices=[choice(0, annotations=annotations)]), *STREAM[-3:]]).citations is None


def test_what_a_plain_answer_lists_is_counted_however_much_it_is() -> None:
    many = MAX_CALLS
    calls = [{"id": f"call_{number}", "type": "function", "function": {"name": "f"}} for number in range(many)]
    message = {"content": "", "annotations": [{"type": "url_citation"}] * many, "tool_calls": calls}
    for more in ({}, {"odd": float("nan")}):
        call = answered(PATH, plain(choices=[{"index": 0, "message": message}], **more))
        assert (call.citations, call.tool_calls) == (many, many)


def test_a_stream_is_whole_when_every_choice_has_said_why_it_ends() -> None:
    chunks = [chunk(choices=[choice(0)]), chunk(choices=[choice(1)]), chunk(choices=[choice(0, "stop")])]
    call = streamed(PATH, [*chunks, chunk(choices=[choice(1, content="and")])])
    assert (call.outcome, call.error_type, call.finish_reasons) == ("error", "incomplete_response", ("stop", None))
    for end in (chunk(choices=[choice(1, "stop")]), chunk(choices=[], usage=USAGE), DONE):
        assert streamed(PATH, [*chunks, end]).outcome == "completed"


SHAPES = {
    "as OpenRouter writes": '{"id":"gen-1","choices":[{"index":%d,"delta":{"content":"word "},"finish_reason":null}]}',
    "by name": '{"choices":[{"delta":{"content":"word "},"finish_reason":null,"index":%d}],"id":"gen-1"}',
    "the delta first": '{"id":"gen-1","choices":[{"delta":{"content":"word "},"index":%d,"finish_reason":null}]}',
    "a completion": '{"id":"gen-1","choices":[{"text":"word ","index":%d,"finish_reason":null}]}',
    "with spaces": '{"id": "gen-1", "choices": [{"index": %d, "delta": {"content": "word"}, "finish_reason": null}]}',
    "two at once": '{"id":"gen-1","choices":[{"index":0,"finish_reason":null},{"index":%d,"finish_reason":null}]}',
    "with more": '{"id":"gen-1","choices":[{"logprobs":null,"index":%d,"delta":{"a":1},"finish_reason":null}]}',
}
"""Ways to write an event of a choice, by which place its index has."""


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
@pytest.mark.parametrize("pieces", [8, 40, 400])
def test_a_choice_that_begins_amid_the_text_and_never_ends_is_known(shape: str, pieces: int) -> None:
    text, other = [event(shape % 0)] * pieces, event(shape % 2)
    call = streamed(PATH, [*TEXT, *text, other, *text, chunk(finish="stop"), DONE])
    assert (call.finish_reasons, call.output_chunks) == (("stop", None, None), 2 * pieces + 8)


@pytest.mark.parametrize("pieces", [8, 40, 400])
def test_a_service_tier_that_only_the_text_states_is_known(pieces: int) -> None:
    text, tier = [chunk("text ")] * pieces, chunk("text ", service_tier="flex")
    for told in ([tier], [tier] * pieces, [chunk("a", service_tier="auto"), tier, chunk("a", service_tier=None)]):
        assert streamed(PATH, [*TEXT, *text, *told, *text, chunk(finish="stop"), DONE]).service_tier == "flex"


def test_a_service_tier_in_the_text_or_behind_it_takes_nothing_away() -> None:
    text = [chunk('"service_tier":"flex"', service_tier="auto")] * 200
    assert streamed(PATH, [*text, *STREAM[-3:]]).service_tier == "auto"
    assert streamed(PATH, [*text, chunk(finish="stop", service_tier="default"), DONE]).service_tier == "default"
    assert streamed(PATH, [*[chunk("a", service_tier="x" * 600)] * 200, *STREAM[-3:]]).service_tier == "x" * 512


def lines(each: bytes) -> bytes:
    """Return an event whose data is written in many lines."""
    written = json.dumps(json.loads(each.removeprefix(b"data: ")), indent=1)
    return b"".join(b"data: %s\n" % line.encode() for line in written.split("\n")) + b"\n"


def test_an_event_of_many_lines_is_one_and_read_as_such() -> None:
    asked = chunk(choices=[choice(0, tool_calls=[{"index": 0, "id": "call_0", "function": {"name": "f"}}])])
    each = [*[chunk("text ")] * 200, asked, *[chunk("text ")] * 200, *STREAM[-3:-1]]
    call = streamed(PATH, [*map(lines, each), b"data:\n\n", b"data: \n\n", DONE])
    assert (call.tool_calls, call.output_chunks, call.cost) == (1, 403, COST)


def choice(index: int, finish: str | None = None, **delta: Any) -> dict[str, Any]:
    return {"index": index, "delta": {"content": "", **delta}, "finish_reason": finish}


@pytest.mark.parametrize(
    ("said", "field", "expected"),
    [
        (chunk(choices=[choice(0, annotations=[{"type": "url_citation", "url": "u"}])]), "citations", 1),
        (chunk(choices=[choice(0, annotations=[{"file_citation": {}, "type": "file_citation"}])]), "citations", 1),
        (chunk("a", error="boom"), "outcome", "error"),
        (
            chunk(choices=[choice(0), choice(1)]) + chunk(choices=[choice(1, "length")]),
            "finish_reasons",
            ("stop", "length"),
        ),
        (chunk(choices=[choice(0), choice(1, "length")]), "finish_reasons", ("stop", "length")),
        (chunk("a", usage=USAGE), "cost", COST),
    ],
)
@pytest.mark.parametrize("pieces", [8, 40, 400])
def test_what_is_said_amid_the_text_is_heard_however_long_that_is(
    said: bytes, field: str, expected: object, pieces: int
) -> None:
    text = [chunk("text ")] * pieces
    call = streamed(PATH, [*TEXT, said, *text, chunk(finish="stop"), DONE])
    assert getattr(call, field) == expected


@pytest.mark.parametrize("named", [{}, {"id": None}], ids=["no id", "null"])
def test_a_call_of_a_tool_amid_the_text_may_be_without_an_id(named: dict[str, None]) -> None:
    pieces = [
        {"tool_calls": [{"index": index, **named, "type": "function", "function": function}]}
        for index in (0, 1)
        for function in ({"name": "look", "arguments": ""}, {"arguments": '{"name":"a"}'})
    ]
    calls = [chunk(choices=[{"index": 0, "delta": delta, "finish_reason": None}]) for delta in pieces]
    assert streamed(PATH, [*[chunk("text ")] * 200, *calls, *STREAM[-3:]]).tool_calls == 2


def test_the_calls_of_tools_in_a_plain_answer_are_as_many_as_are_listed() -> None:
    message = {"role": "assistant", "tool_calls": [{"index": 0, "id": "call_0"}, {"index": 0, "id": "call_1"}]}
    assert answered(PATH, plain(choices=[{"index": 0, "message": message}])).tool_calls == 2


def test_routing_metadata_may_come_behind_the_usage() -> None:
    last = chunk(choices=[], openrouter_metadata={"strategy": "fallback", "region": "iad"})
    call = streamed(PATH, [*STREAM[:-1], last, DONE])
    assert (call.routing, call.region) == (Routing(strategy="fallback"), "iad")


def test_an_error_without_a_code_keeps_its_message_beside_a_finish_reason_of_error() -> None:
    call = streamed(PATH, [*STREAM[:3], chunk(finish="error", error={"code": None, "message": "Oh"}), DONE])
    assert (call.error_type, call.error_message) == ("error", "Oh")


def test_the_choices_of_an_answer_end_each_for_its_own_reason() -> None:
    choices = [
        {"index": 1, "message": {}, "finish_reason": "length", "native_finish_reason": "max_tokens"},
        {"index": 0, "message": {}, "finish_reason": "stop", "native_finish_reason": "end_turn"},
    ]
    call = answered(PATH, plain(choices=choices))
    assert call.finish_reasons == ("stop", "length")
    assert call.native_finish_reasons == ("end_turn", "max_tokens")
    assert call.finish_reason == "stop,length"


def test_a_usage_beside_no_choice_is_read() -> None:
    usage = '{"prompt_tokens":1,"completion_tokens":2,"total_tokens":3,"cost":0.1}'
    last = event(f'{{"id":"{GENERATION}","choices":[],"usage":{usage}}}')
    call = streamed(PATH, [chunk("Hello"), chunk(finish="stop"), last, DONE])
    assert (call.cost, call.finish_reasons) == (Decimal("0.1"), ("stop",))


def spaced(data: str) -> bytes:
    return event(data.replace('":', '": ').replace(',"', ', "'))


def test_a_stream_written_with_spaces_is_read_like_another() -> None:
    tight = [*[chunk(f"{number} ") for number in range(300)], *STREAM[-3:]]
    loose = [spaced(each.decode().removeprefix("data: ").strip()) for each in tight[:-1]] + [DONE]
    assert len(loose[0]) > len(tight[0])
    calls = [streamed(PATH, chunks) for chunks in (tight, loose)]
    assert calls[0].cost == calls[1].cost == Decimal("0.000106000000000001")
    assert calls[0].finish_reasons == calls[1].finish_reasons == ("stop",)
    assert calls[0].output_chunks == calls[1].output_chunks == 302


def test_text_that_reads_like_json_misleads_nothing() -> None:
    words = [
        '"usage":{"cost":9}',
        '"finish_reason":"length"',
        'data: {"error":{"code":1}}',
        "[DONE]",
        "\n\ndata: [DONE]\n\n",
    ]
    call = streamed(PATH, [*[chunk(word) for word in words * 100], *STREAM[-3:]])
    assert (call.cost, call.finish_reasons) == (Decimal("0.000106000000000001"), ("stop",))
    assert (call.outcome, call.error_type, call.output_chunks) == ("completed", None, 502)


def test_the_first_piece_of_the_answer_is_no_padding_and_no_role() -> None:
    heard = opened(PATH)
    heard.exchange.headers(200, SSE)
    heard.feed([b": OPENROUTER PROCESSING\n\n"] * 3)
    heard.feed(
        [event(f'{{"id":"{GENERATION}","choices":[{{"index":0,"delta":{{"role":"assistant","content":""}}}}]}}')]
    )
    heard.exchange.finish("closed")
    assert heard.call.time_to_first_token is None
    assert heard.call.generation_id == GENERATION


@pytest.mark.parametrize("piece", [{"reasoning": "Hm"}, {"tool_calls": [{"index": 0, "id": "c"}]}, {"images": [{}]}])
def test_the_first_piece_of_an_answer_may_be_no_text(piece: dict[str, Any]) -> None:
    choice = {"index": 0, "delta": {"role": "assistant", "content": None, **piece}, "finish_reason": None}
    call = streamed(PATH, [chunk(choices=[choice]), *STREAM[-3:]])
    assert call.time_to_first_token is not None


def test_a_plain_answer_has_no_first_piece() -> None:
    assert answered(PATH, b"\n         \n\n         \n" + plain()).time_to_first_token is None


@pytest.mark.parametrize(
    "choices", ["null", "{}", "[null]", '["a"]', "[[]]", '[{"delta":7,"index":"x","message":7}]', "7"]
)
def test_odd_choices_spoil_nothing(choices: str) -> None:
    body = f'{{"id":"{GENERATION}","choices":{choices},"usage":{{"cost":0.1}}}}'.encode()
    for call in (answered(PATH, body), streamed(PATH, [event(body.decode()), DONE])):
        assert (call.generation_id, call.cost, call.outcome) == (GENERATION, Decimal("0.1"), "completed")


def test_what_only_pythons_reader_takes_is_read_the_same() -> None:
    odd = plain().replace(b'"object"', b'"odd":"\\ud800","nan":NaN,"object"')
    tools = plain_body("chat_tools").replace(b'"object"', b'"odd":NaN, "object"', 1)
    assert answered(PATH, odd).cost == Decimal("0.000106000000000001")
    assert answered(PATH, odd).finish_reasons == ("stop",)
    assert (answered(PATH, tools).tool_calls, answered(PATH, tools).citations) == (2, 2)


def test_of_many_members_that_name_no_tool_each_is_seen_once() -> None:
    first = event(json.dumps({"choices": [{"index": 0, "delta": {"content": "Hello"}}]}))
    empty = b'data: {"choices":[{"index":0,"delta":{' + b'"tool_calls":[],' * 60_000 + b'"x":1}}]}\n\n'
    call = streamed("/chat/completions", [first, empty, DONE], headers=SSE)
    assert (call.outcome, call.tool_calls) == ("completed", None)


def test_a_choice_that_comes_after_others_is_missed_where_it_does_not_end() -> None:
    """The first choice of two speaks in a batch, after the second, and the stream is cut before it ends."""
    other, first = (
        {"choices": [{"index": index, "delta": {"content": "word"}, "finish_reason": None}]} for index in (1, 0)
    )
    ends = {"choices": [{"index": 1, "delta": {}, "finish_reason": "stop"}]}
    stream = [
        event(json.dumps(other)),
        *[event(json.dumps(other)), event(json.dumps(first))] * 500,
        event(json.dumps(ends)),
    ]
    assert streamed("/chat/completions", stream, headers=SSE).error_type == "incomplete_response"
