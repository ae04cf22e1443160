"""POST /messages: Anthropic's Messages, plain or as a stream of named events."""

import json
from decimal import Decimal

import pytest

from spancast.records.call import Call
from tests.support.answers import GENERATION, JSON, SSE, event
from tests.support.exchanges import answered, opened, streamed
from tests.support.unrecorded import events, plain_body

PATH = "/messages"
COST = Decimal("0.000261")


def either(name: str) -> list[Call]:
    return [answered(PATH, plain_body(name)), streamed(PATH, events(name))]


def cut_behind(count: int, name: str) -> Call:
    """Return the call of a stream that is closed behind its first events."""
    heard = opened(PATH)
    heard.exchange.headers(200, SSE)
    heard.feed(events(name)[:count])
    heard.exchange.close()
    return heard.call


def test_an_answer_states_the_same_in_both_forms() -> None:
    for call in either("messages"):
        assert (call.operation, call.outcome, call.error_type) == ("message", "completed", None)
        assert (call.response_model, call.provider) == ("anthropic/claude-4.5-sonnet-20250929", "Anthropic")
        assert (call.input_tokens, call.output_tokens) == (12, 15)
        assert (call.cost, call.cost_source, call.is_byok) == (COST, "response", False)
        assert call.input_and_output_cost == (Decimal("0.000036"), Decimal("0.000225"))
        assert (call.finish_reasons, call.native_finish_reasons) == (("stop",), ("end_turn",))
        assert (call.tool_calls, call.citations, call.service_tier) == (None, None, "standard")


def test_the_input_includes_what_the_cache_gave_and_took() -> None:
    for call in either("messages_tools"):
        assert call.input_tokens == 5 + 100 + 30
        assert (call.cached_tokens, call.cache_write_tokens) == (100, 30)
        assert (call.cache_write_5m_tokens, call.cache_write_1h_tokens) == (10, 20)
        assert (call.output_tokens, call.reasoning_tokens) == (40, 9)
        assert call.cost == COST


def test_tools_sources_and_routing_are_known_in_both_forms() -> None:
    for call in either("messages_tools"):
        assert (call.tool_calls, call.citations, call.web_searches) == (2, 2, 1)
        assert (call.finish_reasons, call.native_finish_reasons) == (("tool_calls",), ("tool_use",))
        assert call.routing is not None
        assert (call.routing.strategy, call.region) == ("fallback", "iad")


def test_its_id_names_no_generation_unless_it_is_one() -> None:
    call = answered(PATH, plain_body("messages"), headers={**JSON, "x-generation-id": "gen-1"})
    assert (call.response_id, call.generation_id) == ("msg_01XFDUDYJgAACzvnptvVoYEL", "gen-1")
    assert answered(PATH, plain_body("messages")).generation_id is None
    assert answered(PATH, plain_body("messages_tools")).generation_id == GENERATION


@pytest.mark.parametrize(
    ("stop", "finish"),
    [
        ("end_turn", "stop"),
        ("stop_sequence", "stop"),
        ("pause_turn", "stop"),
        ("compaction", "stop"),
        ("max_tokens", "length"),
        ("model_context_window_exceeded", "length"),
        ("tool_use", "tool_calls"),
        ("refusal", "content_filter"),
        ("something_else", "something_else"),
    ],
)
def test_every_stop_reason_has_a_normalised_name(stop: str, finish: str) -> None:
    written = b'"stop_reason": "%s"' % stop.encode()
    call = answered(PATH, plain_body("messages").replace(b'"stop_reason": "end_turn"', written))
    assert (call.finish_reasons, call.native_finish_reasons) == ((finish,), (stop,))


def test_an_error_in_either_form_is_the_calls() -> None:
    body = answered(PATH, plain_body("messages_error"), status=529)
    stream = streamed(PATH, events("messages_error"))
    for call in (body, stream):
        assert (call.outcome, call.error_type, call.error_message) == ("error", "provider_overloaded", "Overloaded")
        assert (call.cost, call.cost_source) == (None, None)
    assert (body.http_status, stream.http_status) == (529, 200)


def test_an_error_in_openrouters_own_words_is_read_too() -> None:
    call = answered(PATH, plain_body("error_402"), status=402)
    assert (call.outcome, call.error_type) == ("error", "payment_required")


@pytest.mark.parametrize("name", ["messages", "messages_tools"])
def test_a_stream_is_whole_with_message_stop_whoever_closes_it_then(name: str) -> None:
    call = cut_behind(-1, name)
    assert (call.outcome, call.error_type, call.cost) == ("completed", None, COST)


def test_a_stream_that_is_cut_has_an_unknown_cost_and_no_tokens_that_only_stood_for_none_yet() -> None:
    call = cut_behind(5, "messages")
    assert (call.outcome, call.cost, call.cost_source) == ("closed", None, None)
    assert (call.input_tokens, call.output_tokens, call.finish_reasons) == (None, None, (None,))
    assert call.response_id == "msg_01XFDUDYJgAACzvnptvVoYEL"


def test_a_stream_that_is_cut_knows_the_input_that_was_stated_and_not_how_much_was_put_out() -> None:
    call = cut_behind(5, "messages_tools")
    assert (call.input_tokens, call.cached_tokens, call.cache_write_tokens) == (135, 100, 30)
    assert call.output_tokens is None


def test_a_stream_that_ends_without_saying_so_is_incomplete() -> None:
    call = streamed(PATH, events("messages")[:-4])
    assert (call.outcome, call.error_type) == ("error", "incomplete_response")


def test_the_first_piece_is_a_content_block_delta() -> None:
    assert cut_behind(4, "messages").time_to_first_token is None
    assert cut_behind(5, "messages").time_to_first_token is not None


def test_a_ping_states_nothing_and_is_no_trouble() -> None:
    ping = b'event: ping\ndata: {"type":"ping"}\n\n'
    call = streamed(PATH, [chunk for each in events("messages") for chunk in (ping, each)])
    assert (call.cost, call.outcome) == (COST, "completed")


@pytest.mark.parametrize("odd", ["null", "7", "[]", '"x"', "{}", '{"id":{},"usage":[],"content":{}}'])
def test_odd_events_spoil_nothing(odd: str) -> None:
    kinds = ("message_start", "content_block_start", "content_block_delta", "message_delta", "a_kind_of_tomorrow")
    chunks = [
        event(f'{{"type":"{kind}","message":{odd},"content_block":{odd},"delta":{odd},"usage":{odd},"index":{odd}}}')
        for kind in kinds
    ]
    call = streamed(PATH, [*events("messages")[:2], *chunks, *events("messages")[2:]])
    assert (call.cost, call.outcome) == (COST, "completed")


def test_a_tool_without_a_proper_id_is_no_trouble() -> None:
    odd = event('{"type":"content_block_start","index":[[]],"content_block":{"type":"tool_use","id":{}}}')
    assert streamed(PATH, [odd, *events("messages")]).cost == COST


ROUTE = '{"strategy":"fallback","attempt":2,"region":"eu","endpoints":{"available":[]}}'
ERROR = (
    '{"type":"error","error":{"type":"overloaded_error","message":"Oh","error_type":"provider_overloaded"},'
    f'"request_id":"req-1","openrouter_metadata":{ROUTE}}}'
)


def test_an_error_says_how_it_was_routed_and_in_which_request() -> None:
    for call in (answered(PATH, ERROR.encode(), status=529), streamed(PATH, [*events("messages")[:5], event(ERROR)])):
        assert call.routing is not None
        assert (call.routing.strategy, call.routing.attempt, call.region) == ("fallback", 2, "eu")
        assert (call.request_id, call.error_type) == ("req-1", "provider_overloaded")
    headers = {**JSON, "request-id": "req-2"}
    assert answered(PATH, ERROR.encode(), status=529, headers=headers).request_id == "req-2"


def test_an_error_that_says_nothing_is_one_all_the_same() -> None:
    assert streamed(PATH, [*events("messages")[:5], event('{"type":"error"}')]).error_type == "error"


@pytest.mark.parametrize("until", [2, 5])
def test_a_stream_that_is_cut_never_says_why_it_ends(until: int) -> None:
    assert cut_behind(until, "messages").finish_reasons == (None,)


def test_an_answer_may_not_say_why_it_ends() -> None:
    null = b'"stop_reason":null'
    chunks = [each.replace(b'"stop_reason":"end_turn"', null) for each in events("messages")]
    body = plain_body("messages").replace(b'"stop_reason": "end_turn"', null)
    for call in (streamed(PATH, chunks), answered(PATH, body)):
        assert (call.outcome, call.finish_reasons, call.native_finish_reasons) == ("completed", (None,), None)


def test_an_answer_that_never_began_is_to_say_nothing() -> None:
    for call in (
        answered(PATH, plain_body("error_402"), status=402),
        answered(PATH, ERROR.encode(), status=529),
        streamed(PATH, [event(ERROR)]),
    ):
        assert call.finish_reasons is None


def test_what_an_answer_lists_is_counted_however_much_it_is() -> None:
    tools = [{"type": "tool_use", "id": f"toolu_{number}", "name": "f", "input": {}} for number in range(100)]
    cited = [{"type": "text", "text": "a", "citations": [{"type": "char_location"}] * 100}]
    body = json.dumps({"id": "msg_1", "type": "message", "content": [*tools, *cited]})
    call = answered(PATH, body.encode())
    assert (call.tool_calls, call.citations) == (100, 100)
