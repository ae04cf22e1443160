import hashlib
from datetime import UTC, datetime

from spancast.testing import Simulator
from tests.support.shared import needs_shared
from tests.testing import openapi
from tests.testing.asking import got
from tests.testing.wire import KEY, chat, send

OTHER = {"Authorization": "Bearer sk-or-v1-other"}


def hashed(headers: dict[str, str]) -> str:
    return hashlib.sha256(headers["Authorization"].removeprefix("Bearer ").encode()).hexdigest()


def test_a_key_tells_of_its_own_usage(openrouter: Simulator):
    chat(openrouter)
    chat(openrouter, OTHER, model="openai/gpt-4o")
    mine, others = (send(openrouter, "GET", "/api/v1/key", b"", key).json["data"]["usage"] for key in (KEY, OTHER))
    assert [mine, others] == [bill.cost for bill in openrouter.bills]
    assert got(openrouter, "/credits").json["data"]["total_usage"] == mine + others


def test_every_key_that_came_is_listed_with_its_usage(openrouter: Simulator):
    chat(openrouter)
    chat(openrouter, OTHER, model="simulator/byok")
    first, second = got(openrouter, "/keys").json["data"]
    assert [first["hash"], second["hash"]] == [hashed(KEY), hashed(OTHER)]
    assert [first["usage"], second["usage"]] == [bill.cost for bill in openrouter.bills]
    assert (first["byok_usage"], second["byok_usage"]) == (0, openrouter.bills[1].upstream_cost)


def test_a_bill_names_the_key_by_its_hash(openrouter: Simulator):
    chat(openrouter)
    assert openrouter.bills[0].key_hash == openrouter.requests[0].key_hash == hashed(KEY)


def test_a_period_holds_what_began_within_it():
    now = [0.0]
    with Simulator(clock=lambda: now[0]) as simulator:
        for year, month, day in ((2026, 12, 27), (2026, 12, 28), (2026, 12, 31), (2027, 1, 1)):
            now[0] = datetime(year, month, day, 12, tzinfo=UTC).timestamp()  # a Sunday, Monday, Thursday and Friday
            chat(simulator, model="simulator/byok")
        key, listed = got(simulator, "/key").json["data"], got(simulator, "/keys").json["data"][0]
    sums = {
        period: sum(bill.cost for bill in simulator.bills[first:])
        for period, first in {"": 0, "_weekly": 1, "_monthly": 3, "_daily": 3}.items()
    }
    upstream = sum(bill.upstream_cost for bill in simulator.bills[1:])
    assert {period: key[f"usage{period}"] for period in sums} == sums
    assert {period: listed[f"usage{period}"] for period in sums} == sums
    assert key["byok_usage_weekly"] == listed["byok_usage_weekly"] == upstream


def test_keys_come_a_page_at_a_time(openrouter: Simulator):
    for number in range(101):
        send(openrouter, "GET", "/api/v1/key", b"", {"Authorization": f"Bearer sk-or-v1-{number}"})
    first, second = got(openrouter, "/keys").json["data"], got(openrouter, "/keys?offset=100").json["data"]
    assert len(first) == 100
    assert [row["hash"] for row in second] == [hashed({"Authorization": "Bearer sk-or-v1-100"}), hashed(KEY)]


@needs_shared
def test_one_key_can_be_asked_for_by_its_hash(openrouter: Simulator):
    chat(openrouter)
    found, missing = got(openrouter, f"/keys/{hashed(KEY)}"), got(openrouter, "/keys/unknown")
    openapi.check_text(found.body, openapi.answer("/keys/{hash}", "get", 200))
    openapi.check_text(missing.body, openapi.answer("/keys/{hash}", "get", 404))
    assert found.json["data"]["usage"] == openrouter.usage


MANAGED = {
    "/keys": "/keys",
    "/keys/any": "/keys/{hash}",
    "/credits": "/credits",
    "/activity": "/activity",
    "/analytics/meta": "/analytics/meta",
}


@needs_shared
def test_what_only_a_management_key_may_ask_is_refused_to_others():
    with Simulator(management_key="sk-or-v1-management") as simulator:
        chat(simulator)
        refused = {path: got(simulator, path) for path in MANAGED}
        management = {"Authorization": "Bearer sk-or-v1-management"}
        listed = send(simulator, "GET", "/api/v1/keys", b"", management).json["data"]
        own = send(simulator, "GET", "/api/v1/key", b"", management).json["data"]
    for path, reply in refused.items():
        openapi.check_text(reply.body, openapi.answer(MANAGED[path], "get", reply.status))
    assert [reply.status for reply in refused.values()] == [401, 401, 403, 403, 403]
    assert [row["hash"] for row in listed] == [hashed(KEY)]
    assert own["is_management_key"] is True
