from decimal import Decimal
from typing import Any

import pytest

from spancast.testing import Simulator
from tests.testing.asking import got, posted
from tests.testing.wire import HELLO, MINI, Reply, chat, send

BYE = [{"role": "user", "content": "Bye"}]
CHAT = "/v1/chat/completions"
REQUESTS = [{"custom_id": "a", "body": {"messages": HELLO}}, {"custom_id": "b", "body": {"messages": BYE}}]
BODIES = {
    CHAT: {"messages": HELLO},
    "/v1/responses": {"input": "Hello"},
    "/v1/messages": {"messages": HELLO, "max_tokens": 100},
    "/v1/embeddings": {"input": ["Hello", "World"]},
}


def batch(endpoint: str = CHAT, model: str = MINI, requests: Any = REQUESTS) -> dict[str, Any]:
    return {"endpoint": endpoint, "model": model, "requests": requests}


def begun(simulator: Simulator, headers: dict[str, str] | None = None, **more: Any) -> Reply:
    return posted(simulator, "/batches", batch(**more), headers)


def polled(simulator: Simulator, job: Reply) -> dict:
    return got(simulator, f"/batches/{job.json['id']}").json


def done(simulator: Simulator, headers: dict[str, str] | None = None, **more: Any) -> dict:
    return polled(simulator, begun(simulator, {"X-Simulator-Polls": "0"} | (headers or {}), **more))


def test_a_request_begins_a_batch(openrouter: Simulator):
    reply = begun(openrouter)
    assert reply.status == 202
    assert (reply.json["status"], reply.json["usage"], reply.json["results"]) == ("validating", None, None)
    assert reply.json["request_counts"] == {"total": 2, "completed": 0, "failed": 0}


def test_it_is_in_progress_then_completed_with_its_results(openrouter: Simulator):
    job = begun(openrouter)
    first, second = polled(openrouter, job), polled(openrouter, job)
    assert (first["status"], first["results"], first["finalized_at"]) == ("in_progress", None, None)
    assert (second["status"], [each["custom_id"] for each in second["results"]]) == ("completed", ["a", "b"])
    assert second["request_counts"] == {"total": 2, "completed": 2, "failed": 0}
    assert second["finalized_at"] > second["created_at"]


def test_a_result_says_what_chat_would_have_said_and_names_a_generation(openrouter: Simulator):
    result = done(openrouter)["results"][0]
    body = result["response"]["body"]
    assert (result["error"], result["response"]["status_code"]) == (None, 200)
    assert body["choices"][0]["message"]["content"] == chat(openrouter).text
    assert body["id"] == openrouter.bills[0].generation_id
    assert body["id"].startswith("gen-batch-")


def test_it_costs_half(openrouter: Simulator):
    whole = chat(openrouter).json["usage"]["cost"]
    with Simulator() as simulator:
        body = done(simulator, requests=REQUESTS[:1])
    assert body["usage"]["cost"] == simulator.bills[0].cost == whole / 2


def test_only_the_batch_states_what_it_cost_which_is_the_sum_of_its_bills(openrouter: Simulator):
    body = done(openrouter)
    stated = [each["response"]["body"]["usage"] for each in body["results"]]
    assert body["usage"]["cost"] == sum(bill.cost for bill in openrouter.bills) == openrouter.usage > 0
    assert body["usage"]["prompt_tokens"] == sum(each["prompt_tokens"] for each in stated)
    assert not any({"cost", "cost_details", "is_byok"} & set(each) for each in stated)
    assert {bill.job_id for bill in openrouter.bills} == {body["id"]}


def test_it_is_billed_once_by_the_poll_that_finds_it_done(openrouter: Simulator):
    job = begun(openrouter)
    billed = []
    for _ in range(3):
        polled(openrouter, job)
        billed.append(len(openrouter.bills))
    assert billed == [0, 2, 2]


def test_its_generations_can_be_looked_up():
    with Simulator(lookups_before_ready=0) as simulator:
        result = done(simulator)["results"][0]
        data = got(simulator, f"/generation?id={result['response']['body']['id']}").json["data"]
    assert data["total_cost"] == simulator.bills[0].cost


@pytest.mark.parametrize("endpoint", BODIES)
def test_the_requests_may_be_of_four_dialects(openrouter: Simulator, endpoint: str):
    model = "openai/text-embedding-3-small" if endpoint == "/v1/embeddings" else MINI
    requests = [{"custom_id": "a", "body": BODIES[endpoint]}]
    with Simulator() as simulator:
        reply = posted(simulator, endpoint.removeprefix("/v1"), {"model": model, **BODIES[endpoint]})
    body = done(openrouter, endpoint=endpoint, model=model, requests=requests)
    (answered,) = [each["response"]["body"] for each in body["results"]]
    assert set(reply.json) == set(answered)
    assert body["usage"]["cost"] * 2 == reply.json["usage"]["cost"]


def test_one_request_that_cannot_be_answered_does_not_stop_the_others(openrouter: Simulator):
    body = done(openrouter, requests=[*REQUESTS, {"custom_id": "c", "body": {"temperature": 1}}])
    assert body["request_counts"] == {"total": 3, "completed": 2, "failed": 1}
    failed = body["results"][2]
    assert (failed["response"], failed["error"]["message"]) == (
        None,
        'Input required: specify "prompt" or "messages"',
    )
    assert len(openrouter.bills) == 2


def test_a_model_that_refuses_fails_every_request(openrouter: Simulator):
    body = done(openrouter, model="simulator/429")
    assert (body["status"], body["request_counts"]["failed"], body["usage"]["cost"]) == ("completed", 2, 0)
    assert body["results"][0]["error"]["error_type"] == "rate_limit_exceeded"
    assert openrouter.bills == ()


def test_a_provider_that_fails_half_way_fails_a_request_for_nothing(openrouter: Simulator):
    body = done(openrouter, model="simulator/error-mid-stream")
    assert body["results"][0]["error"]["message"] == "Provider disconnected"
    assert (body["usage"]["cost"], len(openrouter.bills)) == (0, 2)


def test_a_refusal_by_header_is_that_of_the_batch(openrouter: Simulator):
    assert begun(openrouter, {"X-Simulator-Fault": "402"}).status == 402


def test_with_the_users_own_key_only_the_fee_is_charged(openrouter: Simulator):
    usage = done(openrouter, {"X-Simulator-Fault": "byok"})["usage"]
    assert usage["is_byok"] is True
    assert usage["cost"] == usage["cost_details"]["upstream_inference_cost"] * Decimal("0.05") == openrouter.usage


def test_a_cancelled_batch_is_cancelling_then_cancelled_and_costs_nothing(openrouter: Simulator):
    job = begun(openrouter)
    cancelled = posted(openrouter, f"/batches/{job.json['id']}/cancel", {})
    assert (cancelled.status, cancelled.json["status"]) == (200, "cancelling")
    after = [polled(openrouter, job) for _ in range(3)]
    assert {(each["status"], each["usage"], each["results"]) for each in after} == {("cancelled", None, None)}
    assert openrouter.bills == ()


def test_a_batch_that_is_done_cannot_be_cancelled(openrouter: Simulator):
    body = done(openrouter)
    again = posted(openrouter, f"/batches/{body['id']}/cancel", {}).json
    assert again == body


def test_the_beta_route_is_another_name_for_it(openrouter: Simulator):
    job = begun(openrouter)
    assert send(openrouter, "GET", f"/api/beta/batches/{job.json['id']}").json["id"] == job.json["id"]


@pytest.mark.parametrize(
    "body",
    [
        {"requests": REQUESTS, "endpoint": CHAT, "model": MINI},
        batch(endpoint="/v1/rerank"),
        batch(model="no/such"),
        batch(requests=[]),
        batch(requests=[REQUESTS[0], REQUESTS[0]]),
        batch(requests=[{"custom_id": "a", "body": {"model": "openai/gpt-4o", "messages": HELLO}}]),
        batch(requests=[{"custom_id": "a"}]),
        {"endpoint": CHAT, "requests": REQUESTS},
    ],
    ids=["order", "endpoint", "model", "empty", "twice", "other model", "no body", "no model"],
)
def test_a_batch_that_cannot_be_taken_is_refused_whole(openrouter: Simulator, body: dict):
    assert posted(openrouter, "/batches", body).status == 400
    assert openrouter.bills == ()


def test_an_unknown_batch_is_not_found(openrouter: Simulator):
    assert got(openrouter, "/batches/nothing").status == 404
    assert posted(openrouter, "/batches/nothing/cancel", {}).status == 404
