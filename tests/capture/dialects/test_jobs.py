"""POST /videos and POST /batches begin a job; GET of its id tells how it stands, and its bill once it is done."""

from decimal import Decimal

import pytest

from spancast.records.call import Call
from spancast.records.late import DONE, bill_of
from tests.support.answers import JSON
from tests.support.exchanges import answered
from tests.support.unrecorded import plain_body

VIDEO = {"method": "GET", "path": "/videos/job-abc123"}
BATCH = {"method": "GET", "path": "/batches/batch_abc123"}


def polled(name: str, where: dict[str, str], *, status: int = 200) -> Call:
    return answered(where["path"], plain_body(name), method="GET", status=status)


def test_a_job_that_begins_is_a_call_without_a_bill() -> None:
    call = answered("/batches", plain_body("batch"), status=202, body=b'{"model":"openai/gpt-5-mini"}')
    assert (call.operation, call.outcome, call.status) == ("batch", "completed", "validating")
    assert (call.response_id, call.generation_id) == ("batch_abc123", None)
    assert (call.request_model, call.response_model) == ("openai/gpt-5-mini", "openai/gpt-5-mini")
    assert (call.cost, call.cost_source, call.input_tokens) == (None, None, None)
    assert bill_of(call) is None


def test_the_id_of_a_job_names_no_generation_and_the_headers_do() -> None:
    body = b'{"id":"job-abc123","polling_url":"/api/v1/videos/job-abc123","status":"pending"}'
    call = answered("/videos", body, status=202, headers={**JSON, "x-generation-id": "gen-vid-1"})
    assert (call.operation, call.response_id, call.generation_id) == ("video", "job-abc123", "gen-vid-1")
    assert answered("/videos", body, status=202).generation_id is None
    itself = answered("/videos", body.replace(b"job-abc123", b"gen-vid-2"), status=202)
    assert (itself.response_id, itself.generation_id) == ("gen-vid-2", "gen-vid-2")


def test_a_completed_batch_brings_its_bill() -> None:
    bill = bill_of(polled("batch_completed", BATCH))
    assert bill is not None
    assert (bill.job_id, bill.call_id, bill.source) == ("batch_abc123", None, "response")
    assert (bill.status, bill.error_type, bill.provider) == ("completed", None, "OpenAI")
    assert (bill.input_tokens, bill.output_tokens, bill.total_tokens, bill.reasoning_tokens) == (32, 36, 68, 4)
    assert (bill.cost, bill.upstream_cost, bill.is_byok) == (Decimal("0.000106"), Decimal("0.000106"), False)


@pytest.mark.parametrize("name", ["batch_failed", "video_failed"])
def test_a_failed_job_brings_its_failure_and_an_unknown_cost(name: str) -> None:
    call = polled(name, BATCH if name.startswith("batch") else VIDEO)
    assert (call.outcome, call.status, call.error_type) == ("error", "failed", "failed")
    assert call.error_message in ("The input could not be read", "The provider refused the prompt")
    bill = bill_of(call)
    assert bill is not None
    assert (bill.status, bill.error_type, bill.cost) == ("failed", "failed", None)
    assert bill.error_message == call.error_message


@pytest.mark.parametrize("status", ["failed", "cancelled", "expired"])
@pytest.mark.parametrize("error", ["null", '""', "{}", "7"])
def test_a_job_that_ended_without_a_result_has_failed_whatever_it_says(status: str, error: str) -> None:
    body = f'{{"id":"job-1","status":"{status}","error":{error}}}'.encode()
    call = answered("/videos/job-1", body, method="GET")
    assert (call.outcome, call.error_type) == ("error", status)


def test_the_code_of_a_failure_comes_before_the_status_of_the_job() -> None:
    body = b'{"id":"job-1","status":"failed","error":{"code":"content_policy","message":"No"}}'
    assert answered("/videos/job-1", body, method="GET").error_type == "content_policy"


@pytest.mark.parametrize("status", ["pending", "in_progress", "validating", "finalizing", "cancelling"])
def test_a_job_under_way_has_no_bill(status: str) -> None:
    assert status not in DONE
    call = answered("/videos/job-1", f'{{"id":"job-1","status":"{status}"}}'.encode(), method="GET")
    assert (call.outcome, call.error_type, bill_of(call)) == ("completed", None, None)


def test_a_poll_that_fails_says_nothing_of_the_job() -> None:
    assert bill_of(polled("error_500", VIDEO, status=500)) is None
    assert bill_of(answered("/videos/job-1", b"<html>", method="GET", status=502)) is None
    assert bill_of(answered("/videos/job-1", b"", method="GET")) is None


@pytest.mark.parametrize("odd", ["null", "7", "[]", '"x"', "{}"])
def test_odd_members_spoil_nothing(odd: str) -> None:
    body = f'{{"id":"job-1","status":"completed","generation_id":{odd},"error":null,"usage":{odd}}}'.encode()
    bill = bill_of(answered("/videos/job-1", body, method="GET"))
    assert bill is not None
    assert (bill.job_id, bill.cost) == ("job-1", None)
