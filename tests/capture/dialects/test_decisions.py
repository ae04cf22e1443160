"""POST /systemone and POST /decisions: the Decisions API."""

from decimal import Decimal

import pytest

from tests.support.exchanges import answered
from tests.support.unrecorded import plain_body


@pytest.mark.parametrize("path", ["/systemone", "/decisions"])
def test_an_answer_states_its_usage(path: str) -> None:
    call = answered(path, plain_body("decisions"), body=b'{"model":"openrouter/systemone","questions":{}}')
    assert (call.operation, call.outcome) == ("decision", "completed")
    assert call.generation_id == "gen-dec-1764000000-abcdefghij0123456789"
    assert (call.request_model, call.response_model) == ("openrouter/systemone", "openrouter/systemone")
    assert (call.provider, call.input_tokens, call.output_tokens) == ("OpenRouter", 21, 1)
    assert (call.cost, call.cost_source) == (Decimal("0.0000021"), "response")


def test_a_cost_that_is_not_stated_is_unknown() -> None:
    body = b'{"model":"m","answers":{},"usage":{"input_tokens":21,"output_tokens":1}}'
    call = answered("/systemone", body)
    assert (call.outcome, call.cost, call.input_tokens) == ("completed", None, 21)
