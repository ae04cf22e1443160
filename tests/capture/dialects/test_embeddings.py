"""POST /embeddings: a usage without an output."""

from decimal import Decimal

from spancast.records.call import Modalities, Parameters
from tests.support.exchanges import answered
from tests.support.unrecorded import plain_body

PATH = "/embeddings"
ASKED = b'{"model":"openai/text-embedding-3-small","input":["a"],"dimensions":256,"encoding_format":"base64"}'


def test_an_answer_states_its_input_and_what_it_stood_for() -> None:
    call = answered(PATH, plain_body("embeddings"), body=ASKED)
    assert (call.operation, call.outcome) == ("embeddings", "completed")
    assert call.parameters == Parameters(dimensions=256, encoding_format="base64")
    assert (call.request_model, call.response_model) == ("openai/text-embedding-3-small", "text-embedding-3-small")
    assert call.generation_id == call.response_id == "gen-emb-1764000000-abcdefghij0123456789"
    assert (call.input_tokens, call.output_tokens, call.total_tokens) == (12, None, 12)
    assert call.modalities == Modalities(text_input=4, image_input=8)
    assert (str(call.cost), call.cost_source) == (str(Decimal("2.4e-07")), "response")


def test_an_embedding_of_a_million_numbers_is_passed_over() -> None:
    long = b'"embedding": [' + b"0.123456789," * 200_000 + b"0.1]"
    body = plain_body("embeddings").replace(b'"object": "embedding",', b'"object": "embedding",' + long + b",")
    assert len(body) > 2_000_000
    assert answered(PATH, body).cost == Decimal("2.4e-07")


def test_an_error_is_the_calls() -> None:
    body = b'{"error":{"message":"Model no-such/embedding-model does not exist","code":400}}'
    call = answered(PATH, body, status=400)
    assert (call.outcome, call.error_type) == ("error", "400")
    assert call.error_message == "Model no-such/embedding-model does not exist"
