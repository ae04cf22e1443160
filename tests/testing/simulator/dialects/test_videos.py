from decimal import Decimal

import pytest

from spancast.testing import Simulator
from tests.testing.asking import got, posted
from tests.testing.wire import Reply

GROK = {"model": "x-ai/grok-imagine-video", "prompt": "a calm ocean wave at sunset", "duration": 2}


def begun(simulator: Simulator, headers: dict[str, str] | None = None, **more: object) -> Reply:
    return posted(simulator, "/videos", GROK | more, headers)


def polled(simulator: Simulator, job: Reply) -> dict:
    return got(simulator, f"/videos/{job.json['id']}").json


def done(simulator: Simulator, **more: object) -> dict:
    job = begun(simulator, {"X-Simulator-Polls": "0"}, **more)
    return polled(simulator, job)


def test_a_request_begins_a_job_and_says_where_to_poll_it(openrouter: Simulator):
    reply = begun(openrouter)
    assert reply.status == 202
    assert reply.json["status"] == "pending"
    assert reply.json["polling_url"] == f"http://simulator/api/v1/videos/{reply.json['id']}"
    assert "usage" not in reply.json
    assert "x-generation-id" not in reply.headers


def test_it_is_pending_then_completed_with_its_cost(openrouter: Simulator):
    job = begun(openrouter)
    first, second = polled(openrouter, job), polled(openrouter, job)
    assert (first["status"], "usage" in first) == ("pending", False)
    assert second["status"] == "completed"
    assert second["usage"] == {"cost": 2 * Decimal("0.05"), "is_byok": False}


@pytest.mark.parametrize("polls", [0, 3])
def test_how_many_polls_find_it_under_way_can_be_asked_for(openrouter: Simulator, polls: int):
    job = begun(openrouter, {"X-Simulator-Polls": str(polls)})
    assert [polled(openrouter, job)["status"] for _ in range(polls + 1)] == ["pending"] * polls + ["completed"]


def test_how_many_polls_find_it_under_way_can_be_set():
    with Simulator(polls_before_done=2) as simulator:
        job = begun(simulator)
        assert [polled(simulator, job)["status"] for _ in range(3)] == ["pending", "pending", "completed"]


def test_it_is_billed_once_by_the_poll_that_finds_it_done(openrouter: Simulator):
    job = begun(openrouter, user="u_42")
    billed = []
    for _ in range(3):
        polled(openrouter, job)
        billed.append(len(openrouter.bills))
    (bill,) = openrouter.bills
    assert billed == [0, 1, 1]
    assert (bill.operation, bill.user, bill.job_id, bill.units) == ("video", "u_42", job.json["id"], 2)


def test_every_poll_names_the_generation(openrouter: Simulator):
    job = begun(openrouter)
    named = {polled(openrouter, job)["generation_id"] for _ in range(2)}
    assert named == {openrouter.bills[0].generation_id}
    assert named.pop().startswith("gen-vid-")


def test_the_generation_can_be_looked_up_when_it_is_done():
    with Simulator(lookups_before_ready=0) as simulator:
        job = begun(simulator)
        generation_id = polled(simulator, job)["generation_id"]
        assert got(simulator, f"/generation?id={generation_id}").status == 404
        polled(simulator, job)
        data = got(simulator, f"/generation?id={generation_id}").json["data"]
    assert (data["total_cost"], data["api_type"]) == (Decimal("0.1"), "video")


def test_the_video_is_there_when_it_is_done(openrouter: Simulator):
    job = begun(openrouter)
    path = f"/videos/{job.json['id']}/content?index=0"
    assert got(openrouter, path).status == 400
    for _ in range(2):
        url = polled(openrouter, job).get("unsigned_urls")
    assert url == [f"http://simulator/api/v1{path}"]
    reply = got(openrouter, path)
    assert (reply.status, reply.headers["content-type"]) == (200, "video/mp4")
    assert b"ftyp" in reply.body[:16]


@pytest.mark.parametrize("fault", ["error-mid-stream", "choice-error"])
def test_a_provider_that_fails_makes_the_job_failed_for_nothing(openrouter: Simulator, fault: str):
    body = done(openrouter, model=f"simulator/{fault}")
    assert (body["status"], body["error"]) == ("failed", "Provider disconnected")
    assert openrouter.bills[0].cost == body["usage"]["cost"] == 0


@pytest.mark.parametrize(("fault", "share"), [("byok", Decimal("0.05")), ("discount", Decimal("0.65"))])
def test_what_is_charged_can_differ_from_what_it_takes(openrouter: Simulator, fault: str, share: Decimal):
    body = done(openrouter, model=f"simulator/{fault}")
    (bill,) = openrouter.bills
    assert body["usage"] == {"cost": bill.upstream_cost * share, "is_byok": fault == "byok"}


def test_a_refused_job_is_none(openrouter: Simulator):
    reply = begun(openrouter, model="simulator/402")
    assert (reply.status, reply.json["error"]["code"]) == (402, 402)


@pytest.mark.parametrize("fault", ["502-in-200", "cut", "garbage", "empty"])
def test_a_job_whose_id_nobody_learns_is_never_billed(openrouter: Simulator, fault: str):
    reply = begun(openrouter, {"X-Simulator-Fault": fault})
    assert b'"status":"pending"' not in reply.body
    assert openrouter.bills == ()


def test_an_unknown_job_is_not_found(openrouter: Simulator):
    assert got(openrouter, "/videos/nothing").status == 404
    assert got(openrouter, "/videos/nothing/content").status == 404
