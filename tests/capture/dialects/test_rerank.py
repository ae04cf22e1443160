"""POST /rerank: billed by search units, or by tokens."""

from decimal import Decimal

from tests.support.exchanges import answered
from tests.support.unrecorded import plain_body


def test_an_answer_states_its_units_and_its_tokens() -> None:
    call = answered("/rerank", plain_body("rerank"), body=b'{"model":"cohere/rerank-v3.5","query":"q","documents":[]}')
    assert (call.operation, call.outcome) == ("rerank", "completed")
    assert (call.request_model, call.provider) == ("cohere/rerank-v3.5", "Cohere")
    assert call.generation_id == "gen-rerank-1764000000-abcdefghij0123456789"
    assert (call.search_units, call.total_tokens) == (2, 150)
    assert (call.input_tokens, call.output_tokens) == (None, None)
    assert (call.cost, call.cost_source) == (Decimal("0.004"), "response")
