import csv
import io
import json
import re
from decimal import Decimal

import pytest

from tests.bookkeeping.records import call

DAY = 24 * 3600 * 10**9
EDGES = [Decimal(0), Decimal("1E-12"), Decimal("4.1400000000000003e-05"), Decimal("1234567.89"), None]


def test_costs_are_by_user_unless_told_otherwise(spancast, written):
    written(
        call(user="u_42", input_tokens=1, output_tokens=2, cost=Decimal("0.0004")),
        call(user="u_42", input_tokens=0, cached_tokens=0, reasoning_tokens=0, cost=Decimal("0.00002")),
        call(user="u_42", outcome="error", error_type="502"),
    )
    sums = {
        "calls": 3,
        "input_tokens": 1,
        "output_tokens": 2,
        "cached_tokens": 0,
        "reasoning_tokens": 0,
        "cost_usd": "0.00042",
        "errors": 1,
        "unknown_cost_calls": 1,
        "refused_calls": 0,
        "estimated_calls": 0,
    }
    status, printed, _ = spancast("costs", "--json")
    assert status == 0
    assert json.loads(printed) == {"rows": [{"user": "u_42"} | sums], "total": sums}


def test_edges_of_money_are_summed_exactly(spancast, written):
    written(*(call(user=str(number), cost=cost) for number, cost in enumerate(EDGES)))
    report = json.loads(spancast("costs", "--json")[1])
    assert {row["user"]: row["cost_usd"] for row in report["rows"]} == {
        "0": "0",
        "1": "0.000000000001",
        "2": "0.0000414",
        "3": "1234567.89",
        "4": None,
    }
    assert report["total"]["cost_usd"] == "1234567.890041400001"
    assert report["total"]["unknown_cost_calls"] == 1


@pytest.mark.parametrize("by", [["model,tag:feature"], ["model", "tag:feature"], ["model, tag:feature", "model"]])
def test_several_dimensions_are_keys_under_the_names_given(spancast, written, by):
    written(call(response_model="m", tags={"feature": "search"}), call(response_model="m"))
    rows = json.loads(spancast("costs", "--json", "--by", *by)[1])["rows"]
    assert [(row["model"], row["tag:feature"]) for row in rows] == [("m", "search"), ("m", None)]


def test_by_may_be_repeated(spancast, written):
    written(call(user="u", session="s"))
    (row,) = json.loads(spancast("costs", "--json", "--by", "user", "--by", "session")[1])["rows"]
    assert (row["user"], row["session"]) == ("u", "s")


def test_since_and_until_bound_the_time(spancast, written):
    written(*(call(user=str(day), started_at=1_790_000_000 * 10**9 + day * DAY) for day in range(3)))
    printed = spancast("costs", "--json", "--since", "2026-09-22", "--until", "2026-09-23T14:13:20Z")[1]
    assert [row["user"] for row in json.loads(printed)["rows"]] == ["1"]


def test_csv_has_a_row_a_group_and_nothing_for_the_unknown(spancast, written):
    written(call(user="a, b", cost=Decimal("0.10"), input_tokens=3), call())
    rows = list(csv.DictReader(io.StringIO(spancast("costs", "--csv")[1])))
    assert [(row["user"], row["cost_usd"], row["input_tokens"], row["unknown_cost_calls"]) for row in rows] == [
        ("a, b", "0.1", "3", "0"),
        ("", "", "", "1"),
    ]


def test_csv_cannot_move_the_cursor(spancast, written):
    written(call(user="\x1b[2Ja\nb\0", tags={"feature": "a\rb"}, cost=Decimal(1)))
    printed = spancast("costs", "--csv", "--by", "user", "tag:feature")[1]
    assert printed.splitlines()[1:] == ["\ufffd[2Ja\ufffdb\ufffd,a\ufffdb,1,,,,,1,0,0,0,0"]


@pytest.mark.parametrize(
    ("status", "unknown", "refused"), [(400, 0, 1), (429, 0, 1), (408, 1, 0), (499, 1, 0), (500, 1, 0)]
)
def test_a_refused_call_is_told_apart_from_one_of_unknown_cost(spancast, written, status, unknown, refused):
    """No model was run for it; of what timed out or failed nobody knows."""
    written(
        call(user="u", http_status=status, outcome="error", error_type=str(status)),
        call(user="u", http_status=status, outcome="error", error_type=str(status), cost=Decimal("0.5")),
    )
    report = json.loads(spancast("costs", "--json")[1])
    for row in (*report["rows"], report["total"]):
        assert (row["unknown_cost_calls"], row["refused_calls"], row["cost_usd"]) == (unknown, refused, "0.5")
    assert spancast("costs")[1].splitlines()[-1] == (
        "1 call refused (HTTP 4xx), of which OpenRouter states no cost."
        if refused
        else "1 call of unknown cost, which the sums leave out."
    )


def test_without_any_call_json_has_no_rows(spancast, home):
    status, printed, _ = spancast("costs", "--json")
    report = json.loads(printed)
    assert (status, report["rows"], report["total"]["calls"], report["total"]["cost_usd"]) == (0, [], 0, None)


def test_without_any_call_the_way_to_one_is_shown(spancast, home):
    assert "spancast run -- python app.py" in spancast("costs")[1]


def test_the_table_has_a_total_and_counts_what_is_unknown(spancast, written):
    written(*(call(user=str(number), cost=cost) for number, cost in enumerate(EDGES)))
    lines = spancast("costs")[1].splitlines()
    assert re.fullmatch(r"total +5 .*\$1,234,567\.89", lines[-2])
    assert lines[-1] == "1 call of unknown cost, which the sums leave out."


def test_a_table_without_rows_says_so(spancast, written):
    written(call())
    assert spancast("costs", "--user", "nobody")[1] == "No calls match.\n"


def test_the_table_fits_the_terminal(spancast, written, monkeypatch):
    written(call(user="a-user-with-a-very-long-name" * 3, response_model="vendor/model" * 5, cost=Decimal(1)))
    for width in (60, 80, 120):
        monkeypatch.setenv("COLUMNS", str(width))
        lines = spancast("costs", "--by", "user", "model")[1].splitlines()
        assert max(map(len, lines)) <= width
        assert lines[0].split()[-1] == "cost"


@pytest.mark.parametrize("wrong", ["users", "tag:", ","])
def test_an_unknown_dimension_is_misuse_and_names_the_known(spancast, home, wrong):
    status, printed, complaint = spancast("costs", "--by", wrong)
    assert (status, printed) == (2, "")
    assert f"{wrong!r} is unknown. Write any of user, session" in complaint


def test_what_is_only_estimated_is_told(spancast, written):
    written(call(user="u", cost=Decimal(1), cost_source="prices"), call(user="u", cost=Decimal(2)))
    assert json.loads(spancast("costs", "--json")[1])["rows"][0]["estimated_calls"] == 1
    assert spancast("costs")[1].splitlines()[-1] == "1 call of estimated cost, which the sums hold."


@pytest.mark.parametrize(
    ("sort", "order"),
    [("cost", ["dear", "busy", "long"]), ("calls", ["busy", "dear", "long"]), ("tokens", ["long", "dear", "busy"])],
)
def test_rows_are_in_the_order_asked_for_and_the_total_is_of_all(spancast, written, sort, order):
    written(
        call(user="dear", cost=Decimal(3), input_tokens=2),
        call(user="busy", cost=Decimal(1), input_tokens=1),
        call(user="busy", cost=Decimal(1), input_tokens=0),
        call(user="long", cost=Decimal(1), input_tokens=9),
    )
    report = json.loads(spancast("costs", "--json", "--sort", sort, "--top", "2")[1])
    assert [row["user"] for row in report["rows"]] == order[:2]
    assert (report["total"]["calls"], report["total"]["cost_usd"]) == (4, "6")


def test_costs_by_key_are_by_the_hash_of_the_key(spancast, written):
    written(call(key_hash="ab", cost=Decimal(1)))
    assert [row["key"] for row in json.loads(spancast("costs", "--json", "--by", "key")[1])["rows"]] == ["ab"]
