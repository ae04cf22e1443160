"""POST /completions: text, by the dialect of chat."""

from decimal import Decimal

from tests.support.answers import GENERATION, SSE
from tests.support.exchanges import answered, opened, streamed
from tests.support.unrecorded import events, plain_body

PATH = "/completions"


def test_a_plain_answer_states_its_usage_and_why_each_choice_ended() -> None:
    call = answered(PATH, plain_body("completions"), body=b'{"model":"openai/gpt-5-mini","n":2}')
    assert (call.operation, call.outcome, call.request_model) == ("completion", "completed", "openai/gpt-5-mini")
    assert (call.generation_id, call.provider) == (GENERATION, "Azure")
    assert (call.input_tokens, call.output_tokens, call.cost) == (16, 18, Decimal("0.000106"))
    assert call.finish_reasons == ("stop", "length")
    assert call.native_finish_reasons == ("completed", "max_output_tokens")


def test_a_stream_states_the_same_at_its_end() -> None:
    call = streamed(PATH, events("completions"))
    assert (call.operation, call.outcome, call.generation_id) == ("completion", "completed", GENERATION)
    assert (call.input_tokens, call.output_tokens, call.cost) == (16, 18, Decimal("0.000106"))
    assert (call.finish_reasons, call.output_chunks) == (("stop",), 4)


def test_the_first_piece_of_text_is_noticed() -> None:
    heard = opened(PATH)
    heard.exchange.headers(200, SSE)
    heard.feed(events("completions")[:3])
    heard.exchange.finish("closed")
    assert heard.call.time_to_first_token is not None


def test_a_stream_that_is_cut_has_an_unknown_cost() -> None:
    heard = opened(PATH)
    heard.exchange.headers(200, SSE)
    heard.feed(events("completions")[:-3])
    heard.exchange.close()
    assert (heard.call.outcome, heard.call.cost, heard.call.generation_id) == ("closed", None, GENERATION)
