"""What a late word changes of a call, and whether one may still come."""

from decimal import Decimal

import pytest

from spancast.records.late import LateFacts, bill_of, cost_comes_soon, cost_may_come, filled
from tests.bookkeeping.records import call


def said(**facts) -> LateFacts:
    return LateFacts(**{"at": 1, "source": "generation", "call_id": "c", "cost": Decimal("0.5"), **facts})


def test_a_word_fills_what_is_unknown():
    after = filled(call(generation_id="gen-1"), said(provider="Azure", input_tokens=3, is_byok=False))
    assert (after.cost, after.cost_source, after.provider) == (Decimal("0.5"), "generation", "Azure")
    assert (after.input_tokens, after.is_byok, after.generation_id) == (3, False, "gen-1")


def test_what_is_known_stands():
    known = call(cost=Decimal("0.1"), cost_source="response", provider="OpenAI", input_tokens=7)
    assert filled(known, said(provider="Azure", input_tokens=3)) == known


def test_a_stated_cost_takes_the_place_of_an_estimate_and_an_estimate_of_nothing():
    estimated = filled(call(), said(source="prices", cost=Decimal("0.4")))
    assert (estimated.cost, estimated.cost_source) == (Decimal("0.4"), "prices")
    assert filled(estimated, said(source="prices", cost=Decimal("0.3"))) == estimated
    assert filled(estimated, said()).cost_source == "generation"
    stated = call(cost=Decimal(0), cost_source="response")
    assert filled(stated, said(source="prices")) == stated


@pytest.mark.parametrize("source", ["generation", "analytics"])
def test_the_running_counts_of_a_cut_answer_give_way_to_those_of_the_generation(source):
    counts = {"input_tokens": 9, "output_tokens": 1}
    late = said(source=source, input_tokens=9, output_tokens=250, reasoning_tokens=8)
    assert filled(call(outcome="closed", **counts), late).output_tokens == 250
    assert filled(call(outcome="completed", **counts), late).output_tokens == 1
    assert filled(call(outcome="closed", **counts), said(source="response", output_tokens=250)).output_tokens == 1


def test_the_last_state_of_a_job_stands():
    job = call(operation="video", response_id="job-1", status="pending")
    assert filled(job, said(call_id=None, job_id="job-1", status="completed")).status == "completed"


def test_a_call_whose_job_failed_has_failed():
    job = call(operation="video", response_id="job-1", status="pending")
    failure = {"status": "failed", "error_type": "failed", "error_message": "No"}
    late = said(source="response", call_id=None, job_id="job-1", cost=None, **failure)
    after = filled(job, late)
    assert (after.outcome, after.error_type, after.error_message) == ("error", "failed", "No")
    assert filled(call(operation="video", outcome="closed"), late).outcome == "closed"
    assert filled(job, said(**failure)).outcome == "completed"  # it is the poll of a job that states its failure


@pytest.mark.parametrize(
    ("facts", "may"),
    [
        ({"generation_id": "gen-1"}, True),
        ({"generation_id": "gen-1", "outcome": "killed"}, True),
        ({"generation_id": "gen-1", "cost": Decimal(0), "cost_source": "response"}, False),
        ({"generation_id": "gen-1", "cost": Decimal(1), "cost_source": "prices"}, True),
        ({"generation_id": "gen-1", "http_status": 429, "outcome": "error"}, False),
        ({}, False),
        ({"operation": "video", "response_id": "job-1", "status": "pending"}, True),
        ({"operation": "video", "response_id": "job-1", "generation_id": "gen-1", "status": "failed"}, False),
        ({"operation": "batch", "response_id": "batch-1"}, True),
        ({"operation": "batch", "generation_id": "gen-1"}, False),
    ],
)
def test_a_cost_may_come_where_there_is_somebody_to_ask(facts, may):
    assert cost_may_come(call(**facts)) is may


def test_what_takes_hours_is_not_waited_for():
    assert cost_comes_soon(call(operation="video", response_id="job-1", status="pending"))
    assert not cost_comes_soon(call(operation="video", response_id="job-1", status="failed"))
    assert not cost_comes_soon(call(operation="batch", response_id="batch-1"))
    assert not cost_comes_soon(call(generation_id="gen-1"))


def test_a_poll_of_a_job_under_way_has_no_bill():
    assert bill_of(call(operation="video", response_id="job-1", status="pending")) is None
    assert bill_of(call(operation="video", status="completed", cost=Decimal(1))) is None
    bill = bill_of(call(operation="video", response_id="job-1", status="completed", cost=Decimal(1)))
    assert (bill.job_id, bill.cost, bill.source) == ("job-1", Decimal(1), "response")
