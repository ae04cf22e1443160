"""`spancast reconcile`: what it takes, and what it says."""

import csv
import json
import os
import time
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from spancast.bookkeeping import openrouter as source
from spancast.contract import Reply
from spancast.testing import Simulator
from tests.bookkeeping.records import call
from tests.testing.wire import KEY, chat

COLUMNS = ("generation_id", "created_at", "cost_total", "byok_usage_inference", "model_permaslug", "provider_name")


@pytest.fixture
def openrouter(monkeypatch):
    with Simulator() as simulator:
        monkeypatch.setenv("OPENROUTER_BASE_URL", simulator.base_url)
        yield simulator


def booked(bill, **known):
    """Return the call that a bill is of, as it would be booked."""
    given = {
        "generation_id": bill.generation_id,
        "started_at": bill.created * 10**9,
        "cost": bill.cost,
        "cost_source": "response",
        "upstream_cost": bill.upstream_cost,
        "is_byok": bill.is_byok,
        "response_model": bill.model,
        "provider": bill.provider,
        "key_hash": bill.key_hash,
        "server_address": "127.0.0.1",
    }
    return call(**(given | known))


@pytest.fixture
def exported(tmp_path):
    """Write a CSV as the activity page exports it."""

    def write(columns, rows):
        path = tmp_path / "activity.csv"
        with path.open("w", newline="") as file:
            writer = csv.writer(file)
            writer.writerows([columns, *rows])
        return path

    return write


def generations(bills):
    return [
        (
            bill.generation_id,
            f"{datetime.fromtimestamp(bill.created, UTC):%Y-%m-%d %H:%M:%S}.123",
            bill.cost,
            bill.upstream_cost if bill.is_byok else 0,
            bill.model,
            bill.provider,
        )
        for bill in bills
    ]


def three(openrouter):
    for model in ("openai/gpt-4o-mini", "simulator/byok", "simulator/discount"):
        chat(openrouter, model=model)
    return openrouter.bills


def test_an_export_of_the_logs_is_compared_call_by_call_and_needs_no_key(spancast, written, openrouter, exported):
    one, two, three_ = three(openrouter)
    written(booked(one), booked(two, cost=None, cost_source=None, upstream_cost=None, is_byok=None))
    file = exported(COLUMNS, generations(openrouter.bills))

    status, printed, _ = spancast("reconcile", "--activity-csv", file, "--json")
    found = json.loads(printed)
    assert (status, found["source"]) == (1, "export")
    assert [each["generation_id"] for each in found["matched"]] == [one.generation_id]
    assert [each["generation_id"] for each in found["different"]] == [two.generation_id]
    assert [each["generation_id"] for each in found["theirs_only"]] == [three_.generation_id]
    assert Decimal(found["totals"]["billed_usd"]) == openrouter.usage
    assert Decimal(found["totals"]["billed_byok_usd"]) == two.upstream_cost

    assert spancast("reconcile", "--activity-csv", file, "--fill")[0] == 0
    assert spancast("reconcile", "--activity-csv", file)[0] == 0
    assert all(request.path.endswith("/chat/completions") for request in openrouter.requests)


def test_an_export_can_be_compared_in_part(spancast, written, exported):
    now = [1_790_000_000.0]
    with Simulator(clock=lambda: now[0]) as openrouter:
        for _ in range(3):
            chat(openrouter)
            now[0] += 3600
    written(*map(booked, openrouter.bills[:2]))
    file = exported(COLUMNS, generations(openrouter.bills))
    until = datetime.fromtimestamp(openrouter.bills[2].created - 1, UTC).isoformat()
    status, printed, _ = spancast("reconcile", "--activity-csv", file, "--until", until, "--json")
    assert (status, len(json.loads(printed)["matched"])) == (0, 2)
    assert spancast("reconcile", "--activity-csv", file)[0] == 1


def test_an_export_of_totals_is_compared_day_by_day(spancast, written, exported):
    now = [1_790_000_000.0]
    with Simulator(clock=lambda: now[0]) as openrouter:
        for model in ("openai/gpt-4o-mini", "simulator/byok"):
            chat(openrouter, model=model)
            now[0] += 24 * 3600
    first, second = openrouter.bills
    rows = [
        ("2026-09-21", first.model, first.cost, 0, 1),
        ("2026-09-22", second.model, second.cost, second.upstream_cost, 1),
    ]
    written(booked(first))
    file = exported(("date", "model", "usage", "byok_usage_inference", "requests"), rows)

    status, printed, _ = spancast("reconcile", "--activity-csv", file, "--json")
    found = json.loads(printed)
    assert (status, [(day["name"], day["explained"]) for day in found["days"]]) == (
        1,
        [("2026-09-21", True), ("2026-09-22", False)],
    )
    assert Decimal(found["totals"]["remainder_byok_usd"]) == second.upstream_cost

    assert "Totals that differ" in spancast("reconcile", "--activity-csv", file)[1]
    assert spancast("reconcile", "--activity-csv", file, "--until", "2026-09-22")[0] == 0
    written(booked(second))
    assert spancast("reconcile", "--activity-csv", file)[0] == 0


def test_what_a_person_is_told(spancast, written, openrouter, monkeypatch):
    one, two, three_ = three(openrouter)
    foreign = call(
        generation_id="gen-x", key_hash="x" * 64, cost=Decimal(1), started_at=one.created * 10**9, user="\x1b[2Ju"
    )
    written(booked(one), booked(two, cost=two.cost * 2), foreign)
    monkeypatch.setenv("OPENROUTER_MANAGEMENT_KEY", "sk-or-v1-canary-management")
    monkeypatch.setenv("COLUMNS", "100")
    status, printed, complaints = spancast("reconcile")
    words = {line.split("  ")[0]: line.split() for line in printed.splitlines() if line}
    assert (status, complaints) == (1, "")
    assert [words[name][-3] for name in ("matched", "ours only", "theirs only")] == ["1"] * 3
    assert words["ours only"][-2:] == ["$1.0000", "-"]
    assert words["billed"][1] == f"{openrouter.usage:.12f}"
    assert words["ledger"][1] == f"{one.cost + two.cost * 2:.12f}"
    assert words["remainder"][1] == f"{three_.cost - two.cost:.12f}"
    assert any("simulator/byok" in line and line.endswith("amount") for line in printed.splitlines())
    assert any("another account" in line for line in printed.splitlines())
    assert any(line.startswith("-  ") and "simulator/discount" in line for line in printed.splitlines())
    assert printed.endswith("--fill adds what is missing to the ledger, and notes what differs beside it.\n")
    assert "\x1b" not in printed
    assert "canary" not in printed
    assert spancast("reconcile", "--fill")[1].endswith(
        "2 costs and adjustments were added to the ledger.\nEvery cent is explained.\n"
    )


def test_a_long_list_is_cut_and_that_is_said(spancast, written, openrouter, monkeypatch):
    chat(openrouter)
    monkeypatch.setenv("OPENROUTER_API_KEY", KEY["Authorization"].removeprefix("Bearer "))
    (bill,) = openrouter.bills
    failed = {"cost": None, "generation_id": None, "outcome": "error", "http_status": 502, "error_type": "502"}
    written(booked(bill), *(booked(bill, **failed) for _ in range(25)))
    status, printed, _ = spancast("reconcile")
    assert (status, "and 5 more, which --json lists." in printed) == (0, True)


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ([], "Put a management key into OPENROUTER_MANAGEMENT_KEY"),
        (["--key-env", "NOWHERE"], "There is no key in NOWHERE"),
        (["--activity-csv", "nowhere.csv"], "cannot be read"),
        (["--activity-csv", "a.csv", "--key-env", "A"], "not allowed with"),
        (["--since", "never"], "is not a time"),
    ],
)
def test_what_cannot_be_meant_is_a_usage_error(spancast, written, arguments, complaint):
    written(call())
    status, printed, complaints = spancast("reconcile", *arguments)
    assert (status, printed) == (2, "")
    assert complaint in complaints


def test_days_without_a_call_of_ours_share_their_requests(spancast, written, monkeypatch):
    now = [1_790_000_000.0]
    with Simulator(clock=lambda: now[0]) as openrouter:
        monkeypatch.setenv("OPENROUTER_BASE_URL", openrouter.base_url)
        monkeypatch.setenv("OPENROUTER_API_KEY", "sk-or-v1-canary-management")
        chat(openrouter)
        now[0] += 50 * 24 * 3600
        chat(openrouter)  # which no ledger has, on a day of which no totals are known
        now[0] += 40 * 24 * 3600
        first, other = openrouter.bills
        written(booked(first))
        since = datetime.fromtimestamp(now[0] - 92 * 24 * 3600, UTC).isoformat()
        before = len(openrouter.requests)
        status, printed, complaints = spancast("reconcile", "--since", since, "--json")
        queries = [each for each in openrouter.requests[before:] if each.path.endswith("/analytics/query")]
    found = json.loads(printed)
    assert (status, complaints) == (1, "")
    assert [each["generation_id"] for each in found["matched"]] == [first.generation_id]
    assert [each["generation_id"] for each in found["theirs_only"]] == [other.generation_id]
    assert Decimal(found["totals"]["billed_usd"]) == first.cost + other.cost
    assert len(queries) <= 10


def test_a_wait_for_the_limit_of_requests_is_reported(spancast, written, openrouter, monkeypatch):
    waited = []
    monkeypatch.setattr(time, "sleep", waited.append)
    monkeypatch.setenv("OPENROUTER_API_KEY", "sk-or-v1-canary-management")
    chat(openrouter)
    written(*map(booked, openrouter.bills))
    limited = Reply(429, {"retry-after": "7"}, b"")
    replies = iter([limited])
    original = source.account
    monkeypatch.setattr(source, "account", lambda *given: next(replies, None) or original(*given))
    status, _, complaints = spancast("reconcile")
    assert (status, len(waited), 7.0 <= waited[0] < 8.0) == (0, 1, True)
    assert complaints == "OpenRouter's rate limit, or a failure: the request is repeated in 7 s.\n"


def test_a_key_that_is_given_for_the_name_of_its_variable_is_not_repeated(spancast, written):
    written(call())
    key = "sk-or-v1-" + "0123456789abcdef" * 4
    status, printed, complaints = spancast("reconcile", "--key-env", key)
    assert (status, printed) == (2, "")
    assert "the name of a variable" in complaints
    assert "0123" not in complaints


def test_without_a_ledger_there_is_nothing_to_compare(spancast, home):
    status, _, complaints = spancast("reconcile")
    assert (status, "No calls yet" in complaints) == (1, True)
    assert not home.exists()


@pytest.mark.parametrize(
    ("times", "complaint"),
    [
        (["--since", "2026-11-02", "--until", "2026-11-01"], "from 2026-11-02 00:00 to 2026-11-01 00:00 UTC"),
        (["--since", "2099-01-01"], "The period from 2099-01-01 00:00 to"),
    ],
)
@pytest.mark.parametrize("of_export", [False, True])
def test_a_period_that_is_empty_is_a_usage_error(sources, spancast, times, complaint, of_export):
    status, printed, complaints = spancast("reconcile", *times, *(sources if of_export else []))
    assert (status, printed) == (2, "")
    assert complaint in complaints
    assert "is empty." in complaints


@pytest.fixture
def sources(written, openrouter, monkeypatch, exported):
    """Book a call that an account and an export have, too; return the arguments that name the export."""
    chat(openrouter)
    written(*map(booked, openrouter.bills))
    monkeypatch.setenv("OPENROUTER_API_KEY", "sk-or-v1-canary-management")
    return ["--activity-csv", exported(COLUMNS, generations(openrouter.bills))]


def test_a_server_that_is_not_there_is_an_error(spancast, written, monkeypatch):
    written(call())
    monkeypatch.setenv("OPENROUTER_BASE_URL", f"http://127.0.0.1:9/{os.getpid()}")
    monkeypatch.setenv("OPENROUTER_API_KEY", "sk-or-v1-canary")
    status, printed, complaints = spancast("reconcile")
    assert (status, printed, "cannot be reached" in complaints) == (1, "", True)
    assert "canary" not in complaints
