import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spancast.bookkeeping.book import Book
from spancast.cli.output.colour import unpainted
from spancast.cli.output.user_text import text
from spancast.cli.reports import user as user_report
from tests.bookkeeping.records import call
from tests.cli.output.test_table import wide

NOW = datetime(2026, 11, 26, 14, 50, tzinfo=UTC)


def ago(**length: int) -> int:
    return int((NOW - timedelta(**length)).timestamp()) * 10**9


@pytest.fixture
def read(tmp_path):
    """Book calls; return the page of a user and its text."""

    def read(user, *calls, latest=10, width=200):
        book = Book(tmp_path)
        book.apply("w-1.seg", 1, calls)
        found = user_report.read(book, user, latest, NOW)
        book.close()
        return found, list(text(found, NOW, width, unpainted))

    return read


def test_spend_is_of_all_time_of_the_month_and_of_the_last_days(read):
    found, printed = read(
        "u",
        call(user="u", cost=Decimal(1), started_at=ago(days=0)),
        call(user="u", cost=Decimal(2), started_at=ago(days=25)),
        call(user="u", cost=Decimal(4), started_at=ago(days=29)),
        call(user="u", cost=Decimal(8), started_at=ago(days=30)),
        call(user="another", cost=Decimal(16), started_at=ago(days=0)),
    )
    assert [row.cost for row in (found.total, found.month, found.recent)] == [15, 3, 7]
    assert printed[0] == "u"
    assert [line.split() for line in printed[3:6]] == [
        ["last", "30", "days", "3", "-", "-", "0", "$7.0000", "█▁▁▁▅▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▃"],
        ["this", "month", "2", "-", "-", "0", "$3.0000"],
        ["in", "all", "4", "-", "-", "0", "$15.0000"],
    ]


def test_sections_have_the_dearest_first_and_the_rest_in_a_line(read):
    _, printed = read(
        "u",
        *(call(user="u", session=f"s{cost:02}", response_model="m", cost=Decimal(cost)) for cost in range(1, 13)),
        call(user="u", response_model="n", outcome="error", error_type="503"),
    )
    sessions = printed[printed.index(next(line for line in printed if line.startswith("session"))) + 1 :]
    names = [line.split()[0] for line in sessions[:10]]
    assert names == [f"s{number:02}" for number in range(12, 2, -1)]
    assert sessions[10].split()[:4] == ["3", "more", "3", "-"]
    assert any(line.split()[:2] == ["m", "12"] for line in printed)
    assert any(line.split()[:2] == ["503", "1"] for line in printed)
    assert "1 call of unknown cost, which the sums leave out." in printed


def test_the_latest_calls_come_last_with_the_newest_at_the_bottom(read):
    found, printed = read(
        "u", *(call(user="u", response_model=f"m{n}", started_at=ago(days=n)) for n in range(5)), latest=2
    )
    assert [row.response_model for row in found.latest] == ["m1", "m0"]
    assert [line.split()[3] for line in printed[-2:]] == ["m1", "m0"]


def test_no_calls_are_asked_for_with_zero(read):
    found, printed = read("u", call(user="u", response_model="m"), latest=0)
    assert (found.latest, any("started" in line for line in printed)) == ((), False)


def test_json_has_everything_exactly(spancast, written):
    written(
        call(user="u", session="s", response_model="m", input_tokens=3, cost=Decimal("1E-12")),
        call(user="u", outcome="error", error_type="503", http_status=503),
        call(user="another", cost=Decimal(1)),
    )
    status, printed, _ = spancast("user", "u", "--json")
    found = json.loads(printed)
    assert status == 0
    assert list(found) == [
        "user", "total", "this_month", "last_30_days", "days", "sessions", "models", "errors", "calls",
        "complete_since",
    ]  # fmt: skip
    assert (found["user"], found["total"]["calls"], found["total"]["cost_usd"]) == ("u", 2, "0.000000000001")
    assert [(row["session"], row["calls"]) for row in found["sessions"]] == [("s", 1), (None, 1)]
    assert [(row["model"], row["cost_usd"]) for row in found["models"]] == [("m", "0.000000000001"), (None, None)]
    assert [(row["error_type"], row["errors"]) for row in found["errors"]] == [("503", 1)]
    assert [json.dumps(row) for row in found["calls"]] == spancast("calls", "--json", "--user", "u")[1].splitlines()


def test_without_any_call_json_has_the_same_members(spancast, written, home):
    status, printed, _ = spancast("user", "u", "--json")
    nothing = json.loads(printed)
    assert (status, nothing["total"]["calls"], nothing["total"]["cost_usd"], nothing["calls"]) == (0, 0, None, [])
    assert "No calls yet." in spancast("user", "u")[1]
    written(call(user="another"))
    assert spancast("user", "u") == (0, "No call was for u.\n", "")
    assert json.loads(spancast("user", "u", "--json")[1]) == nothing


def test_a_user_is_found_under_a_pseudonym(spancast, written, monkeypatch):
    pseudonym = "f5ad14aa2a1d93c1ab6d8e50b5dbf9e6a5ad8b73e0e7ab8e4d06dcb3a1f1a0c8"
    written(call(user=pseudonym, cost=Decimal(1)))
    monkeypatch.setenv("SPANCAST_USER_HASH", "hmac:key")
    assert json.loads(spancast("user", pseudonym, "--json")[1])["total"]["calls"] == 1


@settings(max_examples=25)
@given(
    st.text(min_size=1, max_size=40),
    st.lists(st.tuples(*[st.none() | st.text(max_size=40)] * 4), min_size=1, max_size=4),
    st.integers(1, 120),
)
def test_the_page_is_never_wider_than_the_terminal_and_cannot_move_the_cursor(tmp_path_factory, user, said, width):
    book = Book(tmp_path_factory.mktemp("home"))
    calls = [
        call(user=user, session=session, response_model=model, provider=provider, error_type=error)
        for session, model, provider, error in said
    ]
    book.apply("w-1.seg", 1, calls)
    printed = list(text(user_report.read(book, user, 10, NOW), NOW, width, unpainted))
    book.close()
    assert max(map(wide, printed)) <= width
    assert all(line.isprintable() for line in printed)
