"""POST /responses: an object, plain or at the end of a stream of typed events."""

from decimal import Decimal

import pytest

from spancast.records.call import Call
from tests.support.answers import JSON, SSE, event
from tests.support.exchanges import answered, opened, streamed
from tests.support.unrecorded import events, plain_body

PATH = "/responses"
COST = Decimal("0.0012")


def either(name: str) -> list[Call]:
    return [answered(PATH, plain_body(name)), streamed(PATH, events(name))]


def test_an_answer_states_the_same_in_both_forms() -> None:
    for call in either("responses"):
        assert (call.operation, call.outcome, call.status) == ("responses", "completed", "completed")
        assert (call.input_tokens, call.cached_tokens, call.output_tokens) == (10, 2, 25)
        assert (call.reasoning_tokens, call.total_tokens) == (5, 35)
        assert (call.cost, call.upstream_cost, call.is_byok) == (COST, COST, False)
        assert call.input_and_output_cost == (Decimal("0.0008"), Decimal("0.0004"))
        assert (call.tool_calls, call.citations, call.service_tier) == (2, 2, "default")
        assert call.finish_reasons is None


def test_its_id_names_no_generation_unless_it_is_one() -> None:
    call = answered(PATH, plain_body("responses"), headers={**JSON, "x-generation-id": "gen-1"})
    assert (call.response_id, call.generation_id) == ("resp_abc123", "gen-1")
    assert answered(PATH, plain_body("responses")).generation_id is None
    assert answered(PATH, plain_body("responses").replace(b"resp_abc123", b"gen-9")).generation_id == "gen-9"


def test_a_failed_response_is_an_error() -> None:
    for call in either("responses_failed"):
        assert (call.outcome, call.http_status, call.status) == ("error", 200, "failed")
        assert (call.error_type, call.error_message) == ("provider_unavailable", "The model failed")
        assert (call.cost, call.cost_source) == (None, None)


def test_a_failed_response_without_an_error_is_one_all_the_same() -> None:
    call = answered(PATH, b'{"id":"resp_1","object":"response","status":"failed","error":null}')
    assert (call.outcome, call.error_type) == ("error", "error")


def test_a_failed_response_without_an_error_may_say_of_what_type_it_was() -> None:
    body = b'{"id":"resp_1","object":"response","status":"failed","error":null,"error_type":"timeout"}'
    event_of_it = event(f'{{"type":"response.failed","response":{body.decode()}}}')
    for call in (answered(PATH, body), streamed(PATH, [event_of_it])):
        assert (call.outcome, call.error_type, call.error_message) == ("error", "timeout", None)


def test_who_answered_is_known_at_the_end() -> None:
    made = '{{"id":"resp_1","object":"response","status":"{}","model":"{}","service_tier":"{}"}}'
    begun, done = made.format("in_progress", "openrouter/auto", "auto"), made.format("completed", "a/b", "flex")
    written = {"created": begun, "in_progress": begun, "completed": done}
    call = streamed(PATH, [event(f'{{"type":"response.{kind}","response":{each}}}') for kind, each in written.items()])
    assert (call.response_model, call.service_tier, call.status) == ("a/b", "flex", "completed")


def test_an_incomplete_response_is_no_error_and_says_why() -> None:
    for call in either("responses_incomplete"):
        assert (call.outcome, call.error_type, call.status) == ("completed", None, "incomplete")
        assert (call.finish_reasons, call.native_finish_reasons) == (("length",), ("max_output_tokens",))
        assert call.cost == COST


@pytest.mark.parametrize("written", ["error", "response.error"])
def test_an_event_may_be_the_error_itself(written: str) -> None:
    chunks = [each.replace(b'"type":"error"', f'"type":"{written}"'.encode()) for each in events("responses_error")]
    call = streamed(PATH, chunks)
    assert (call.outcome, call.error_type, call.error_message) == ("error", "rate_limit_exceeded", "Slow down")
    assert (call.cost, call.status) == (None, "in_progress")


@pytest.mark.parametrize("name", ["responses", "responses_failed", "responses_incomplete"])
def test_a_stream_is_whole_with_its_last_event_whoever_closes_it_then(name: str) -> None:
    heard = opened(PATH)
    heard.exchange.headers(200, SSE)
    heard.feed(events(name)[:-1])
    assert heard.finished == []
    heard.exchange.close()
    assert heard.call.outcome == ("error" if name == "responses_failed" else "completed")


def test_a_stream_that_is_cut_has_an_unknown_cost() -> None:
    heard = opened(PATH)
    heard.exchange.headers(200, SSE)
    heard.feed(events("responses")[:-2])
    heard.exchange.close()
    assert (heard.call.outcome, heard.call.cost, heard.call.response_id) == ("closed", None, "resp_abc123")


def test_a_stream_that_ends_without_its_last_event_is_incomplete() -> None:
    call = streamed(PATH, events("responses")[:-2])
    assert (call.outcome, call.error_type, call.cost) == ("error", "incomplete_response", None)


def test_the_first_piece_is_a_delta() -> None:
    for until, expected in ((5, False), (6, True)):
        heard = opened(PATH)
        heard.exchange.headers(200, SSE)
        heard.feed(events("responses")[:until])
        heard.exchange.finish("closed")
        assert (heard.call.time_to_first_token is not None) is expected


def test_events_whose_type_stands_elsewhere_are_read() -> None:
    last = events("responses")[-2].decode().removeprefix("data: ").strip()
    turned = event(last.replace('{"type":"response.completed",', "{", 1)[:-1] + ',"type":"response.completed"}')
    call = streamed(PATH, [*events("responses")[:-2], turned])
    assert (call.cost, call.outcome) == (COST, "completed")


@pytest.mark.parametrize("response", ["null", "7", "[]", '"x"', "{}"])
def test_odd_events_spoil_nothing(response: str) -> None:
    odd = event(f'{{"type":"response.in_progress","response":{response},"item":{response},"output_index":[]}}')
    call = streamed(PATH, [odd, *events("responses")])
    assert (call.cost, call.outcome) == (COST, "completed")


@pytest.mark.parametrize(
    "output", ["null", "7", "{}", "[null]", '[{"type":"function_call","call_id":[]}]', '[{"content":7}]']
)
def test_an_odd_output_spoils_nothing(output: str) -> None:
    call = answered(PATH, f'{{"id":"resp_1","output":{output},"usage":{{"cost":0.1}}}}'.encode())
    assert (call.cost, call.outcome) == (Decimal("0.1"), "completed")


def test_an_item_without_a_proper_id_is_no_trouble() -> None:
    odd = event(
        '{"type":"response.output_item.added","output_index":{"a":[1]},"item":{"type":"function_call","call_id":7}}'
    )
    call = streamed(PATH, [odd, *events("responses")])
    assert call.cost == COST


def item(written: str, number: int = 0) -> bytes:
    return event(f'{{"type":"response.output_item.added","output_index":{number},"item":{written}}}')


def done(*output: str) -> bytes:
    made = ",".join(output)
    return event(f'{{"type":"response.completed","response":{{"id":"r","status":"completed","output":[{made}]}}}}')


CLIENT_TOOLS = ("function_call", "custom_tool_call", "apply_patch_call", "local_shell_call", "computer_call")


def test_every_tool_that_the_application_carries_out_is_counted_once() -> None:
    made = [f'{{"type":"{kind}","call_id":"call_{number}"}}' for number, kind in enumerate(CLIENT_TOOLS)]
    kinds = ("web_search_call", "openrouter:bash", "shell_call", "shell_call_output")
    others = [f'{{"type":"{kind}","call_id":"{kind}"}}' for kind in kinds]
    body = '{"id":"resp_1","output":[%s]}' % ",".join(made + others)  # noqa: UP031 - braces
    added = [item(each, number) for number, each in enumerate(made + others)]
    for call in (answered(PATH, body.encode()), streamed(PATH, added), streamed(PATH, [*added, done(*made, *others)])):
        assert call.tool_calls == len(CLIENT_TOOLS)


def test_what_an_answer_lists_is_counted_however_much_it_is() -> None:
    source = '{"type":"url_citation","url":"u"}'
    message = '{"type":"message","content":[{"type":"output_text","annotations":[%s]}]}'
    made = [f'{{"type":"function_call","call_id":"call_{number}"}}' for number in range(100)]
    output = ",".join([*made, message % ",".join([source] * 100)])
    call = answered(PATH, f'{{"id":"resp_1","output":[{output}]}}'.encode())
    assert (call.tool_calls, call.citations) == (100, 100)


def annotated(written: str) -> bytes:
    return event(f'{{"type":"response.output_text.annotation.added","output_index":0,"annotation":{written}}}')


SOURCE = '{"type":"url_citation","url":"https://a.example"}'
FILE = '{"type":"file_path","file_id":"f","index":0}'
TEXT = event('{"type":"response.output_text.delta","output_index":0,"delta":"word "}')


def test_the_sources_of_a_stream_that_is_cut_are_counted() -> None:
    chunks = [*events("responses")[:3], TEXT, annotated(SOURCE), annotated(FILE), annotated("7"), *[TEXT] * 400]
    assert streamed(PATH, chunks).citations == 1


def test_a_source_is_counted_once_whether_it_is_told_on_the_way_or_at_the_end() -> None:
    message = f'{{"type":"message","content":[{{"type":"output_text","annotations":[{SOURCE},{SOURCE},{FILE}]}}]}}'
    for told in (0, 2):
        assert streamed(PATH, [TEXT, *[annotated(SOURCE)] * told, done(message)]).citations == 2


def test_a_file_that_was_made_is_no_source() -> None:
    message = f'{{"type":"message","content":[{{"type":"output_text","annotations":[{FILE}]}}]}}'
    assert answered(PATH, f'{{"id":"r","output":[{message}]}}'.encode()).citations is None


def test_its_provider_is_known_by_its_route() -> None:
    route = '{"strategy":"direct","endpoints":{"available":[{"model":"a/b","provider":"Azure","selected":true}]}}'
    body = f'{{"id":"resp_1","status":"completed","output":[],"openrouter_metadata":{route}}}'
    for call in (
        answered(PATH, body.encode()),
        streamed(PATH, [event(f'{{"type":"response.completed","response":{body}}}')]),
    ):
        assert call.provider == "Azure"


def test_a_stream_that_is_cut_or_fails_never_says_why_it_ends() -> None:
    for chunks in (events("responses")[:-2], events("responses")[:3], events("responses_failed")):
        assert streamed(PATH, chunks).finish_reasons == (None,)


def test_an_answer_that_never_began_is_to_say_nothing() -> None:
    error = event('{"type":"error","code":"server_error","message":"Oh"}')
    for call in (streamed(PATH, [error]), answered(PATH, plain_body("responses_failed"))):
        assert (call.outcome, call.finish_reasons) == ("error", None)
