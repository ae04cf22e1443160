"""Analytics: aggregation of the bills."""

import json
from decimal import Decimal
from typing import Any

import pytest

from spancast.testing import Simulator
from tests.support.shared import needs_shared
from tests.testing import openapi
from tests.testing.asking import got, posted
from tests.testing.wire import KEY, Reply, chat, send

START = 1_800_000_000.0
DAY = 24 * 60 * 60
SINCE, UNTIL = "2027-01-15T00:00:00Z", "2027-01-16T00:00:00Z"
WHEN = {"time_range": {"start": SINCE, "end": UNTIL}}
PATH = "/analytics/query"
OTHER = {"Authorization": "Bearer sk-or-v1-other", "X-Title": "Other app"}
MONEY = ["credits_usage", "byok_usage", "total_usage", "openrouter_usage", "byok_fees", "usage_upstream", "usage_web"]


@pytest.fixture
def simulator():
    """An account with a call of each kind of bill, by two keys and two applications, on two days."""
    now = [START]
    with Simulator(clock=lambda: now[0]) as simulator:
        chat(simulator, user="u_1")
        chat(simulator, model="simulator/byok", user="u_2")
        chat(simulator, OTHER, model="simulator/discount")
        chat(simulator, model="simulator/cut", stream=True)
        chat(simulator, model="simulator/429")
        now[0] += DAY
        chat(simulator)
        yield simulator


def ask(simulator: Simulator, *metrics: str, **more: Any) -> Any:
    reply = posted(simulator, PATH, {"metrics": metrics or ["request_count"]} | WHEN | more)
    assert reply.status == 200, reply.body
    return reply.json["data"]


def rows(simulator: Simulator, *metrics: str, **more: Any) -> list[dict[str, Any]]:
    return ask(simulator, *metrics, **more)["data"]


def test_every_generation_is_told_with_what_it_cost(simulator: Simulator):
    found = rows(simulator, "credits_usage", "byok_usage", dimensions=["generation_id", "external_user"])
    assert [(row["generation_id"], row["credits_usage"], row["byok_usage"], row["external_user"]) for row in found] == [
        (bill.generation_id, bill.cost, bill.upstream_cost if bill.is_byok else 0, bill.user)
        for bill in simulator.bills[:4]
    ]
    assert simulator.bills[3].cancelled


def test_dollars_are_of_the_credits_of_the_users_own_keys_and_of_both(simulator: Simulator):
    (row,) = rows(simulator, *MONEY)
    bills = simulator.bills[:4]
    fee, upstream = bills[1].cost, bills[1].upstream_cost
    credits_usage = sum(bill.cost for bill in bills)
    assert row == {
        "credits_usage": credits_usage,
        "byok_usage": upstream,
        "total_usage": credits_usage + upstream,
        "openrouter_usage": credits_usage - fee,
        "byok_fees": fee,
        "usage_upstream": sum(bill.upstream_cost for bill in bills),
        "usage_web": None,
    }
    assert fee == upstream * Decimal("0.05")


def test_counts_are_text(simulator: Simulator):
    (row,) = rows(simulator, "request_count", "tokens_total", "byok_request_count")
    tokens = sum(bill.prompt_tokens + bill.completion_tokens for bill in simulator.bills[:4])
    assert row == {"request_count": "4", "tokens_total": str(tokens), "byok_request_count": "1"}


def test_of_nothing_a_total_is_told_and_no_group(simulator: Simulator):
    nothing = {"filters": [{"field": "provider", "operator": "eq", "value": "nobody"}]}
    assert rows(simulator, **nothing) == [{"request_count": "0"}]
    assert rows(simulator, dimensions=["model"], **nothing) == []


@pytest.mark.parametrize(
    ("dimension", "groups"),
    [
        ("model", {"openai/gpt-4o-mini": 1, "simulator/byok": 1, "simulator/discount": 1, "simulator/cut": 1}),
        ("variant", {"standard": 4}),
        ("provider", {"OpenAI": 1, "Simulator": 3}),
        ("app", {None: 3, "Other app": 1}),
        ("external_user", {"u_1": 1, "u_2": 1, None: 2}),
        ("finish_reason", {"stop": 4}),
        ("origin", {None: 4}),
    ],
)
def test_groups_are_by_what_was_asked_for(simulator: Simulator, dimension: str, groups: dict[str | None, int]):
    found = rows(simulator, dimensions=[dimension])
    assert {row[dimension]: int(row["request_count"]) for row in found} == groups


def test_a_key_is_shown_by_its_name_and_chosen_by_its_hash(simulator: Simulator):
    other = simulator.bills[2].key_hash
    chosen = [{"field": "api_key_id", "operator": "in", "value": [other, "unknown"]}]
    data = ask(simulator, dimensions=["api_key_id"], filters=chosen)
    names = {row["hash"]: row["name"] for row in got(simulator, "/keys").json["data"]}
    assert data["data"] == [{"api_key_id": names[other], "request_count": "1"}]
    assert data["warnings"] == ["Could not resolve api_key_id hash: unknown"]


def test_an_application_is_shown_by_its_title_and_chosen_by_its_number(simulator: Simulator):
    got(simulator, f"/generation?id={simulator.bills[2].generation_id}")
    number = got(simulator, f"/generation?id={simulator.bills[2].generation_id}").json["data"]["app_id"]
    found = rows(simulator, dimensions=["app"], filters=[{"field": "app", "operator": "eq", "value": number}])
    assert found == [{"app": "Other app", "request_count": "1"}]


@pytest.mark.parametrize(
    ("operator", "value", "unset", "count"),
    [
        ("eq", "u_1", False, "1"),
        ("neq", "u_1", False, "3"),
        ("in", ["u_1"], False, "1"),
        ("in", ["u_1"], True, "3"),
        ("not_in", ["u_1"], False, "3"),
        ("gt", "u_1", False, "1"),
        ("gte", "u_1", False, "2"),
        ("lt", "u_2", False, "1"),
        ("lte", "u_2", False, "2"),
    ],
)
def test_filters(simulator: Simulator, operator: str, value: Any, unset: bool, count: str):
    condition = {"field": "external_user", "operator": operator, "value": value}
    (row,) = rows(simulator, filters=[condition | ({"include_unset": True} if unset else {})])
    assert row["request_count"] == count


@pytest.mark.parametrize(
    ("granularity", "began"),
    [
        ("hour", "2027-01-15T08:00:00.000Z"),
        ("day", "2027-01-15T00:00:00.000Z"),
        ("week", "2027-01-11T00:00:00.000Z"),
        ("month", "2027-01-01T00:00:00.000Z"),
    ],
)
def test_times_are_when_their_period_began(simulator: Simulator, granularity: str, began: str):
    assert rows(simulator, granularity=granularity) == [{f"date__{granularity}": began, "request_count": "4"}]


def test_minutes_are_told_of_three_hours_at_most(simulator: Simulator):
    short = {"time_range": {"start": "2027-01-15T07:00:00Z", "end": "2027-01-15T10:00:00Z"}}
    assert rows(simulator, granularity="minute", **short)[0]["date__minute"] == "2027-01-15T08:00:00.000Z"
    assert posted(simulator, PATH, {"metrics": ["request_count"], "granularity": "minute"} | WHEN).status == 400


def test_the_newest_period_comes_first_and_an_order_can_be_asked_for(simulator: Simulator):
    both = {"time_range": {"start": SINCE, "end": "2027-01-17T00:00:00Z"}}
    days = [row["date__day"][:10] for row in rows(simulator, granularity="day", **both)]
    models = rows(simulator, "credits_usage", dimensions=["model"], order_by={"field": "model", "direction": "asc"})
    costs = rows(
        simulator, "credits_usage", dimensions=["model"], order_by={"field": "credits_usage", "direction": "desc"}
    )
    assert days == ["2027-01-16", "2027-01-15"]
    assert [row["model"] for row in models] == sorted(row["model"] for row in models)
    assert [row["credits_usage"] for row in costs] == sorted((row["credits_usage"] for row in costs), reverse=True)


def test_what_is_beyond_the_limit_is_left_out_and_that_is_said(simulator: Simulator):
    whole = ask(simulator, dimensions=["generation_id"], limit=4)
    cut = ask(simulator, dimensions=["generation_id"], limit=3)
    assert (len(whole["data"]), whole["metadata"]["truncated"]) == (4, False)
    assert (len(cut["data"]), cut["metadata"]["row_count"], cut["metadata"]["truncated"]) == (3, 3, True)


def test_whoever_starts_the_simulator_can_have_fewer_rows():
    with Simulator(analytics_rows=2) as simulator:
        for _ in range(3):
            chat(simulator)
        data = posted(simulator, PATH, {"metrics": ["request_count"], "dimensions": ["generation_id"]}).json["data"]
    assert (len(data["data"]), data["metadata"]["truncated"]) == (2, True)


def test_the_rows_of_one_group_can_be_limited(simulator: Simulator):
    both = {"time_range": {"start": SINCE, "end": "2027-01-17T00:00:00Z"}, "granularity": "day", "group_limit": 1}
    found = rows(simulator, dimensions=["model"], **both)
    assert len(found) == len({row["model"] for row in found}) == 4


def test_a_generation_is_told_of_once_it_is_ready():
    now = [START]
    with Simulator(clock=lambda: now[0], ready_after=60.0) as simulator:
        chat(simulator)
        early = rows(simulator, dimensions=["model"])
        now[0] += 60
        assert (early, len(rows(simulator, dimensions=["model"]))) == ([], 1)


WRONG = {
    "no metric": {"metrics": []},
    "an unknown metric": {"metrics": ["dollars"]},
    "an unknown dimension": {"dimensions": ["colour"]},
    "three dimensions": {"dimensions": ["model", "provider", "app"]},
    "an unknown filter": {"filters": [{"field": "colour", "operator": "eq", "value": "red"}]},
    "a list for one": {"filters": [{"field": "model", "operator": "eq", "value": ["a"]}]},
    "one for a list": {"filters": [{"field": "model", "operator": "in", "value": "a"}]},
    "an unknown operator": {"filters": [{"field": "model", "operator": "like", "value": "a"}]},
    "too many filters": {"filters": [{"field": "model", "operator": "eq", "value": "a"}] * 21},
    "no rows": {"limit": 0},
    "too many rows": {"limit": 10_001},
    "an order by what is not asked for": {"order_by": {"field": "model", "direction": "asc"}},
    "an end before the start": {"time_range": {"start": UNTIL, "end": SINCE}},
    "a generation of long ago": {
        "dimensions": ["generation_id"],
        "time_range": {"start": "2026-12-01T00:00:00Z", "end": UNTIL},
    },
    "more than a year": {"time_range": {"start": "2026-01-01T00:00:00Z", "end": "2027-01-15T00:00:00Z"}},
}


@needs_shared
@pytest.mark.parametrize("what", WRONG)
def test_what_cannot_be_asked_is_a_bad_request(simulator: Simulator, what: str):
    reply = posted(simulator, PATH, {"metrics": ["request_count"]} | WHEN | WRONG[what])
    assert reply.status == 400
    openapi.check_text(reply.body, openapi.answer(PATH, "post", 400))


@needs_shared
def test_the_answers_fit_openrouters_schema(simulator: Simulator):
    wanted = {
        "metrics": [*MONEY, "request_count"],
        "dimensions": ["generation_id", "app"],
        "granularity": "hour",
    } | WHEN
    openapi.check(wanted, "#/paths/~1analytics~1query/post/requestBody/content/application~1json/schema")
    openapi.check_text(posted(simulator, PATH, wanted).body, openapi.answer(PATH, "post", 200))
    meta = got(simulator, "/analytics/meta")
    openapi.check_text(meta.body, openapi.answer("/analytics/meta", "get", 200))
    assert set(MONEY) < {metric["name"] for metric in meta.json["data"]["metrics"]}


@needs_shared
def test_another_key_may_not_ask():
    with Simulator(management_key="sk-or-v1-management") as simulator:
        refused = posted(simulator, PATH, {"metrics": ["request_count"]})
        keyless = send(simulator, "POST", f"/api/v1{PATH}", b"{}", dict.fromkeys(KEY, ""))
        allowed = posted(
            simulator, PATH, {"metrics": ["request_count"]}, {"Authorization": "Bearer sk-or-v1-management"}
        )
    assert [refused.status, keyless.status, allowed.status] == [403, 401, 200]
    openapi.check_text(refused.body, openapi.answer(PATH, "post", 403))


def test_a_minute_holds_64_questions():
    now = [START]
    with Simulator(clock=lambda: now[0]) as simulator:
        replies = [posted(simulator, PATH, {"metrics": ["request_count"]}) for _ in range(65)]
        now[0] += 60
        after = posted(simulator, PATH, {"metrics": ["request_count"]})
    assert [reply.status for reply in replies] == [200] * 64 + [429]
    assert (replies[-1].headers["retry-after"], after.status) == ("1", 200)


def test_what_is_no_json_is_a_bad_request(openrouter: Simulator):
    reply: Reply = send(openrouter, "POST", f"/api/v1{PATH}", b"[")
    assert (reply.status, json.loads(reply.body)["error"]["code"]) == (400, 400)
