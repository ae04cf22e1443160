import csv
import io
import json
import os
import re
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spancast.bookkeeping import prices
from spancast.bookkeeping.answers.report import CostRow
from spancast.cli.output.colour import unpainted
from spancast.cli.output.costs_table import table
from spancast.cli.output.table import UNLIMITED
from spancast.cli.reports.costs import CostsReport
from spancast.cli.reports.figures import sum_rows
from spancast.cli.reports.timeline import Timeline
from tests.bookkeeping.records import call
from tests.cli.output.test_table import wide
from tests.cli.terminal import Terminal

posix = pytest.mark.skipif(sys.platform == "win32", reason="terminals are POSIX's")

SECOND = 10**9
DAY = 24 * 3600 * SECOND
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
        "share": 1.0,
        "cost_per_call_usd": "0.00021",
        "cost_per_million_tokens_usd": "140",
        "cached_share": 0.0,
        "cached_savings_usd": None,
        "unpriced_cached_tokens": 0,
        "adjustments": 0,
        "adjusted_usd": None,
    }
    status, printed, _ = spancast("costs", "--json")
    assert status == 0
    whole = {"rows": [{"user": "u_42"} | sums], "total": sums, "complete_since": None, "others": None}
    assert json.loads(printed) == whole


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


ODD = ["\x1b[2Ja\nb\0", "a\rb", 'say "hi", you', "=1+2", "\u202eabc", " ", "na\u00efve \u6f22 \U0001f600"]


@pytest.mark.parametrize("show", [[], ["--show", "latency"]])
@pytest.mark.parametrize("encoding", ["utf-8", "ascii"])
def test_csv_has_every_value_exactly(home, written, show, encoding):
    """It is for programs; what a spreadsheet makes of a value is not guessed."""
    written(*(call(user=user, tags={"feature": user}, cost=Decimal(1), duration=SECOND) for user in ODD))
    command = [sys.executable, "-m", "spancast", "costs", "--csv", "--by", "user", "tag:feature", *show]
    printed = subprocess.run(command, check=True, capture_output=True, env=os.environ | {"PYTHONIOENCODING": encoding})
    rows = list(csv.DictReader(io.StringIO(printed.stdout.decode(), newline="")))
    assert sorted((row["user"], row["tag:feature"], row["calls"]) for row in rows) == sorted((x, x, "1") for x in ODD)


@posix
def test_csv_on_a_terminal_cannot_move_the_cursor(home, written):
    written(call(user="\x1b[2Ja\nb\0", tags={"feature": "a\rb"}, cost=Decimal(1)))
    with Terminal("costs", "--csv", "--by", "user", "tag:feature", columns=120) as terminal:
        assert terminal.end() == 0
    assert "\ufffd[2Ja\ufffdb\ufffd,a\ufffdb,1,,,,,1,0,0,0,0,1.0,1,,,,0" in terminal.printed


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
        "1 call refused (HTTP 4xx), for which OpenRouter states no cost."
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
    assert re.fullmatch(r"total +5 .*\$1,234,567\.89  100\.0%", lines[-2])
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
        assert "cost" in lines[0].split()


@pytest.mark.parametrize("wrong", ["users", "tag:", ","])
def test_an_unknown_dimension_is_misuse_and_names_the_known(spancast, home, wrong):
    status, printed, complaint = spancast("costs", "--by", wrong)
    assert (status, printed) == (2, "")
    assert f"{wrong!r} is unknown. Write any of user, session" in complaint


def test_what_is_only_estimated_is_told(spancast, written):
    written(call(user="u", cost=Decimal(1), cost_source="prices"), call(user="u", cost=Decimal(2)))
    assert json.loads(spancast("costs", "--json")[1])["rows"][0]["estimated_calls"] == 1
    assert spancast("costs")[1].splitlines()[-1] == "1 call of estimated cost, which the sums include."


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


def test_what_is_left_out_by_top_is_a_row_so_that_the_rows_are_the_total(spancast, written):
    written(*(call(user=str(number), cost=Decimal(number)) for number in range(1, 6)))
    rows = [line.split() for line in spancast("costs", "--top", "2")[1].splitlines()]
    assert [(row[0], row[1]) for row in rows[1:]] == [("5", "1"), ("4", "1"), ("3", "more"), ("total", "5")]
    assert rows[3][2] == "3"
    assert [row[-2] if row[-1][0] in "▏▎▍▌▋▊▉█" else row[-1] for row in rows[1:]] == [
        "33.3%", "26.7%", "40.0%", "100.0%",
    ]  # fmt: skip


@pytest.mark.parametrize("by", ["user", "session"])
def test_what_is_left_out_by_top_is_in_json_beside_the_rows(spancast, written, by):
    written(*(call(**{by: str(number)}, cost=Decimal(number)) for number in range(1, 6)), call(**{by: "0"}, cost=None))
    found = json.loads(spancast("costs", "--by", by, "--json", "--top", "2")[1])
    others = found["others"]
    assert (others["rows"], others["calls"], others["cost_usd"], others["share"]) == (4, 4, "6", 0.4)
    assert others["unknown_cost_calls"] == 1
    assert set(others) - set(found["rows"][0]) == {"rows"}
    assert set(found["rows"][0]) - set(others) == {by}
    assert json.loads(spancast("costs", "--by", by, "--json", "--top", "6")[1])["others"] is None


@pytest.mark.parametrize("shape", ["--json", "--csv"])
def test_a_trend_that_cannot_be_drawn_is_refused_with_what_to_write_instead(spancast, written, shape):
    written(call(user="u", cost=Decimal(1)))
    status, printed, complaint = spancast("costs", "--trend", "week", shape)
    assert (status, printed) == (2, "")
    assert "Write --by user week, which has a row for each." in complaint


def test_csv_has_no_exponents(spancast, written):
    written(call(user="a", cost=Decimal(1)), call(user="b", cost=Decimal("0.000006")))
    rows = list(csv.DictReader(io.StringIO(spancast("costs", "--csv")[1])))
    assert rows[1]["share"] == "0.000006"


def test_calls_without_a_user_are_told(spancast, written):
    written(call(cost=Decimal(2)), call(cost=Decimal(1)), call(user="u", cost=Decimal(4)))
    lines = spancast("costs", "--by", "user", "model", "--top", "1")[1].splitlines()
    assert lines[-1] == "2 calls without a user, $3.0000."
    assert any(line.startswith("(no user) ") for line in spancast("costs")[1].splitlines())
    assert "(no user)" not in spancast("costs", "--by", "model")[1]


def test_the_share_the_average_and_the_dollars_a_million_tokens_are_exact(spancast, written):
    written(
        call(user="a", cost=Decimal("0.1"), input_tokens=200, cached_tokens=50, output_tokens=100),
        call(user="a", cost=Decimal("0.2"), input_tokens=200, cached_tokens=0, output_tokens=100),
        call(user="a", outcome="killed"),
        call(user="b", cost=Decimal("0.6")),
    )
    a, b = sorted(json.loads(spancast("costs", "--json")[1])["rows"], key=lambda row: row["user"])
    names = ("share", "cost_per_call_usd", "cost_per_million_tokens_usd", "cached_share", "cached_savings_usd")
    assert [a[name] for name in names] == [0.333333, "0.15", "500", 0.125, None]
    assert [b[name] for name in names] == [0.666667, "0.6", None, None, None]


def test_a_ratio_that_cannot_be_told_is_unknown(spancast, written):
    written(call(user="a", cost=Decimal(0), input_tokens=0, output_tokens=0), call(user="b"))
    report = json.loads(spancast("costs", "--json")[1])
    assert [row["share"] for row in report["rows"]] == [None, None]
    assert [row["cost_per_million_tokens_usd"] for row in report["rows"]] == [None, None]
    assert [row["cost_per_call_usd"] for row in report["rows"]] == ["0", None]


def test_an_average_over_calls_of_unknown_cost_is_the_least_it_may_be(spancast, written):
    written(call(user="u", cost=Decimal(1), input_tokens=500), call(user="u", input_tokens=500))
    assert "≥$1,000.00" in spancast("costs")[1]


def test_savings_are_by_the_list_of_prices_that_is_there(spancast, written, home):
    written(
        call(user="u", response_model="a/b", cached_tokens=1000, input_tokens=1000),
        call(user="u", response_model="no/price", cached_tokens=7),
    )
    assert "saved" not in spancast("costs")[1]
    body = {"data": [{"id": "a/b", "pricing": {"prompt": "0.000002", "completion": "1", "input_cache_read": "5E-7"}}]}
    prices.save(home, prices.read(json.dumps(body).encode(), 0.0))
    (row,) = json.loads(spancast("costs", "--json")[1])["rows"]
    assert (row["cached_savings_usd"], row["unpriced_cached_tokens"]) == ("0.0015", 7)
    printed = spancast("costs")[1]
    assert "≥$0.0015" in printed
    assert "The savings leave out 7 cached tokens of models without a listed price." in printed


def test_days_come_in_their_order_with_a_sparkline(spancast, written):
    first = 1_790_000_000 * 10**9
    written(*(call(started_at=first + day * DAY, cost=Decimal(cost)) for day, cost in ((3, 1), (0, 2), (1, 4))))
    printed = spancast("costs", "--by", "day")[1].splitlines()
    assert [line.split()[0] for line in printed[1:4]] == ["2026-09-21", "2026-09-22", "2026-09-24"]
    assert printed[-1] == "2026-09-21 ▅█▁▃ 2026-09-24"
    dearest = json.loads(spancast("costs", "--json", "--by", "day", "--sort", "cost")[1])["rows"]
    assert [row["day"] for row in dearest] == ["2026-09-22", "2026-09-21", "2026-09-24"]


def test_a_trend_is_a_sparkline_a_row(spancast, written):
    first = 1_790_000_000 * 10**9
    written(
        *(call(user="a", started_at=first + day * DAY, cost=Decimal(1)) for day in (0, 2)),
        call(user="b", started_at=first + DAY, cost=Decimal(7)),
        call(user="c", started_at=first + DAY),
    )
    lines = spancast("costs", "--trend")[1].splitlines()
    assert lines[0].endswith("by day")
    assert [line.split()[-1] for line in lines[1:5]] == ["▁█▁", "█▁█", "▁·▁", "▂█▂"]


@pytest.mark.parametrize("by", ["hour", "day", "week", "month"])
def test_a_trend_is_not_for_rows_by_time(spancast, home, by):
    status, printed, complaint = spancast("costs", "--by", by, "--trend", "day")
    assert (status, printed) == (2, "")
    assert f"--trend cannot be drawn in rows by {by}." in complaint


texts = st.none() | st.text(max_size=30)
numbers = st.integers(0, 2**63 - 1)


def rows(by, texts=texts):
    """Return rows by these dimensions, with sums of any size."""
    return st.lists(
        st.builds(
            CostRow,
            group=st.fixed_dictionaries(dict.fromkeys(by, texts)),
            calls=numbers,
            **dict.fromkeys(
                ("input_tokens", "output_tokens", "cached_tokens", "reasoning_tokens"), st.none() | numbers
            ),
            cost=st.none() | st.decimals(-(10**20), 10**20, places=12),
            **dict.fromkeys(("errors", "unknown_cost_calls", "refused_calls", "estimated_calls"), numbers),
        ),
        max_size=5,
        unique_by=lambda row: tuple(row.group.values()),
    )


@settings(max_examples=50)
@given(rows(("user", "tag:feature")), st.integers(0, 5), st.integers(1, 150), st.sampled_from([None, "day"]))
def test_no_table_is_wider_than_the_terminal_or_moves_the_cursor(found, shown, width, trend):
    printed = list(
        table(
            CostsReport(
                by=("user", "tag:feature"),
                rows=found[:shown],
                more=len(found[shown:]),
                others=sum_rows(found[shown:]),
                rest=found[shown:],
                total=sum_rows(found),
                savings={} if trend else None,
                timeline=Timeline("day", 5, 9) if trend else None,
            ),
            width,
            unpainted,
        )
    )
    assert max(map(wide, printed)) <= width
    assert all(line.isprintable() for line in printed)
    assert len(printed) >= 1 + min(shown, len(found)) + (shown < len(found)) + 1


@settings(max_examples=50)
@given(rows(("user",), st.text("ab ", max_size=30)), st.integers(0, 5))
def test_the_rows_that_are_shown_add_up_to_the_total(found, shown):
    total = sum_rows(found)
    assert sum_rows([sum_rows(found[:shown]), sum_rows(found[shown:])]) == total
    hidden = found[shown:]
    answer = CostsReport(
        by=("user",), rows=found[:shown], more=len(hidden), others=sum_rows(hidden), rest=hidden, total=total
    )
    lines = list(table(answer, UNLIMITED, unpainted))
    at = lines[0].index("calls") + len("calls")
    there = min(shown, len(found)) + (shown < len(found)) + 1
    *parts, whole = [int(line[:at].split()[-1].replace(",", "")) for line in lines[1 : 1 + there]]
    assert (sum(parts), whole) == (total.calls, total.calls)


@pytest.mark.parametrize("listed", [True, False])
def test_the_dearest_users_are_shown_as_if_all_had_been_looked_at(home, written, spancast, monkeypatch, listed):
    """Where it costs too much to tell what each of them saved, or there is no list of prices."""
    if listed:
        prices.save(home, prices.read(b'{"data": [{"id": "a/b", "pricing": {"prompt": "2"}}]}', 0.0))
        monkeypatch.setattr("spancast.cli.reports.savings.AFFORDABLE", 1)
    users = [None, *(f"u_{number:02}" for number in range(30))]
    written(
        *(call(user=user, cost=Decimal(at % 7), input_tokens=at if at % 2 else None) for at, user in enumerate(users)),
        call(user="u_00", cost=None),
    )
    _, printed, _ = spancast("costs", "--top", "3")
    lines = printed.splitlines()
    at = lines[0].index("calls") + len("calls")
    shown = [line[:at].split() for line in lines[1:6]]
    assert shown == [["u_05", "1"], ["u_12", "1"], ["u_19", "1"], ["28", "more", "29"], ["total", "32"]]
    assert lines[6:] == ["1 call without a user, $0.0000.", "1 call of unknown cost, which the sums leave out."]
    short, whole = (json.loads(spancast("costs", "--json", *top)[1]) for top in (["--top", "3"], []))
    assert (short["rows"], short["total"]) == (whole["rows"][:3], whole["total"])
    assert json.loads(spancast("costs", "--json", "--top", "9" * 20)[1]) == whole


@posix
def test_colour_is_for_terminals_alone(home, written, spancast):
    written(call(user="u", cost=Decimal(1)))
    for unwanted, painted in (("", True), ("1", False)):
        with Terminal("costs", NO_COLOR=unwanted) as terminal:
            assert terminal.end() == 0
        assert ("\x1b[" in terminal.printed) == painted
    assert "\x1b" not in spancast("costs")[1]


def test_users_of_any_characters_are_a_row_each(spancast, written):
    nasty = ["\x1b]0;title\x07", "a\nb", "a\rb", "\x9b2J", "\u202eabc", "\u2028", "total", "=1+1", '"', ",", "\0"]
    written(*(call(user=user, cost=Decimal(1)) for user in nasty))
    lines = spancast("costs")[1].split("\n")
    assert len(lines) == len(nasty) + 3
    assert all(line.isprintable() for line in lines)
    assert {row["user"] for row in json.loads(spancast("costs", "--json")[1])["rows"]} == set(nasty)


def test_what_groups_saved_is_not_read_call_by_call_from_a_large_ledger(spancast, written, home, monkeypatch):
    monkeypatch.setattr("spancast.cli.reports.savings.AFFORDABLE", 1)
    body = {"data": [{"id": "a/b", "pricing": {"prompt": "2", "completion": "1", "input_cache_read": "1"}}]}
    prices.save(home, prices.read(json.dumps(body).encode(), 0.0))
    written(*(call(user="u", response_model="a/b", cached_tokens=1) for _ in range(2)))
    for by, saved in (("user", None), ("model", "2"), ("day", "2"), ("session", None)):
        assert json.loads(spancast("costs", "--json", "--by", by)[1])["total"]["cached_savings_usd"] == saved
    assert json.loads(spancast("costs", "--json", "--by", "model", "--user", "u")[1])["total"]["calls"] == 2


def test_what_was_pruned_is_told_of_trends_and_leaves_savings_unknown(spancast, written, home):
    body = {"data": [{"id": "a/b", "pricing": {"prompt": "2", "completion": "1", "input_cache_read": "1"}}]}
    prices.save(home, prices.read(json.dumps(body).encode(), 0.0))
    now = time.time_ns()
    written(*(call(user="u", response_model="a/b", cached_tokens=1, started_at=now - days * DAY) for days in (0, 99)))
    assert json.loads(spancast("costs", "--json")[1])["total"]["cached_savings_usd"] == "2"
    assert spancast("ledger", "prune", "--older-than", "60d", "--yes")[0] == 0
    by_user, by_model = (json.loads(spancast("costs", "--json", *more)[1]) for more in ([], ["--by", "model"]))
    assert [found["total"]["calls"] for found in (by_user, by_model)] == [2, 2]
    assert [found["total"]["cached_savings_usd"] for found in (by_user, by_model)] == [None, "2"]
    assert by_user["complete_since"] is None
    pruned = f"Calls before {datetime.now(UTC) - timedelta(60):%Y-%m-%d} were pruned and are missing here."
    assert spancast("costs", "--trend", "hour")[1].splitlines()[-1] == pruned


def test_a_key_with_two_values_is_misuse_and_no_half_answer(spancast, written):
    written(call(tags={"feature": "search"}))
    status, printed, complaint = spancast("costs", "--tag", "feature=search", "--tag", "feature=chat")
    assert (status, printed, "Query each separately" in complaint) == (2, "", True)


def test_an_option_without_its_value_is_misuse(spancast, written):
    written(call())
    status, printed, complaint = spancast("costs", "--since=--")
    assert (status, printed, "has no value" in complaint) == (2, "", True)


def test_a_ledger_that_was_set_aside_is_told_of(spancast, home, written):
    written(call())
    (home / "ledger.db.damaged-1").write_bytes(b"")
    assert "was damaged" in spancast("costs")[2]
