"""A route that nobody knows yet."""

from decimal import Decimal

from tests.support.answers import JSON, SSE, STREAM
from tests.support.exchanges import answered, streamed
from tests.support.unrecorded import plain_body

PATH = "/moderations"


def test_an_answer_in_json_is_read_for_what_every_answer_has() -> None:
    call = answered(PATH, plain_body("embeddings"), body=b'{"model":"a/b","user":"u_42"}')
    assert (call.operation, call.outcome, call.request_model, call.user) == ("unknown", "completed", "a/b", "u_42")
    assert (call.cost, call.provider, call.input_tokens) == (Decimal("2.4e-07"), "OpenAI", 12)


def test_a_stream_is_read_for_the_same() -> None:
    call = streamed(PATH, STREAM)
    assert (call.outcome, call.cost) == ("completed", Decimal("0.000106000000000001"))


def test_what_is_no_json_is_known_by_its_headers() -> None:
    for kind in ("video/mp4", "text/plain", "application/octet-stream", ""):
        call = answered(PATH, b"\x00\x01", headers={"content-type": kind, "x-generation-id": "gen-1"})
        assert (call.outcome, call.error_type, call.generation_id) == ("completed", None, "gen-1")


def test_an_answer_without_a_body_is_one() -> None:
    assert answered(PATH, b"", status=204, headers={}).outcome == "completed"


def test_an_error_is_the_calls() -> None:
    assert answered(PATH, plain_body("error_402"), status=402, headers=JSON).error_type == "payment_required"
    assert answered(PATH, b"Not found", status=404, headers={"content-type": "text/plain"}).error_type == "404"


def test_events_without_an_object_are_no_answer() -> None:
    assert streamed(PATH, [b": ping\n\n"], headers=SSE).error_type == "invalid_response"
