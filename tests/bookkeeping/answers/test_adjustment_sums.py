"""What reconciling noted beside the calls is in the costs of the groups that it belongs to."""

from collections import defaultdict
from contextlib import closing
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from spancast.bookkeeping import upkeep
from spancast.bookkeeping.answers.costs import costs
from spancast.bookkeeping.answers.filter import Filter
from spancast.bookkeeping.book import Book
from spancast.bookkeeping.reconciling import adjustments
from spancast.bookkeeping.reconciling.adjustments import Adjustment
from tests.bookkeeping.reconciling.rows import amount, bill
from tests.bookkeeping.records import call, emptied

AT = datetime(2026, 8, 20, 12, tzinfo=UTC)
DAY = 24 * 3600 * 10**9


def seconds(at: datetime) -> int:
    return int(at.timestamp())


@pytest.fixture
def book(tmp_path):
    with closing(Book(tmp_path)) as opened:
        yield opened


def put(book, *calls):
    book.apply("writer-000001.seg", 1, calls)


def noted(delta, **known):
    return Adjustment(**({"kind": "different", "delta": amount(delta), "booked": None, "billed": Decimal(0)} | known))


def theirs(delta, at=AT, **known):
    return noted(delta, kind="theirs_only", generation=bill(f"gen-{seconds(at)}-{len(known)}", **known))


def test_an_adjustment_of_a_call_is_in_all_its_groups_and_at_its_time(book):
    known = {"user": "u", "session": "s", "tags": {"k": "v"}, "response_model": "m", "provider": "p"}
    mine = call(**known, cost=Decimal("0.5"), started_at=seconds(AT) * 10**9, resource={"service.name": "shop"})
    put(book, mine, call(user="other", cost=Decimal(1), started_at=seconds(AT) * 10**9))
    adjustments.store(book, [noted("0.25", call_id=mine.call_id, generation=bill("gen-9-x", user="x", model="y"))])
    for by, value in (("user", "u"), ("session", "s"), ("tag:k", "v"), ("model", "m"), ("app", "shop")):
        row = next(row for row in costs(book, [by], Filter()) if row.group[by] == value)
        assert (row.calls, row.cost, row.adjustments, row.adjusted) == (1, Decimal("0.75"), 1, Decimal("0.25"))
    assert costs(book, [], Filter(since=AT, until=AT + timedelta(seconds=1), app="shop")).total.cost == Decimal("0.75")
    assert costs(book, [], Filter(until=AT)).total.cost is None
    assert costs(book, [], Filter(user="x")).total.cost is None


def test_what_is_in_no_ledger_is_found_by_what_the_bill_tells_of_it(book):
    adjustments.store(book, [theirs("3", model="m", provider="p", user="u", app="Cron job", key="Key")])
    for by, value in (("user", "u"), ("model", "m"), ("provider", "p"), ("day", "2026-08-20"), ("app", None)):
        (row,) = costs(book, [by], Filter())
        assert (row.group, row.calls, row.cost, row.unknown_cost_calls) == ({by: value}, 0, Decimal(3), 0)
    for meant in (Filter(user="u", model="m", provider="p"), Filter(since=AT)):
        assert costs(book, [], meant).total.adjusted == Decimal(3)
    for other in (Filter(user="v"), Filter(operation="chat"), Filter(app="Cron job"), Filter(tags={"k": "v"})):
        assert costs(book, [], other).total.adjustments == 0


def test_what_no_bill_dates_is_of_the_time_at_which_it_was_noted(book):
    adjustments.store(book, [noted("-1", kind="ours_only", call_id="c")])
    (row,) = costs(book, ["day"], Filter())
    assert (row.group["day"][:2], row.cost) == ("20", Decimal(-1))


def test_a_call_that_was_pruned_keeps_its_adjustment(book):
    old = call(user="u", cost=Decimal(1), started_at=seconds(AT) * 10**9)
    put(book, old, call(user="u", cost=Decimal(1), started_at=seconds(AT) * 10**9 + 9 * DAY))
    adjustments.store(book, [noted("2", call_id=old.call_id, generation=bill(f"gen-{seconds(AT)}-x", user="u"))])
    before = costs(book, ["user", "day"], Filter())
    upkeep.prune(book, seconds(AT) * 10**9 // DAY + 1)
    assert costs(book, ["user", "day"], Filter()) == before


people = st.none() | st.integers(1, 12).map(str)
moments = st.integers(0, 70 * 24).map(lambda hours: AT + timedelta(hours=hours))
spent = st.none() | st.sampled_from(["0", "1", "1", "2.5", "40", "-3", "1e8"]).map(Decimal)
deltas = st.sampled_from(["0.5", "-0.5", "7", "-40"])


@settings(deadline=None, max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(st.tuples(people, moments, spent, st.none() | deltas), max_size=25),
    st.lists(st.tuples(people, moments, deltas), max_size=5),
    st.tuples(st.none() | moments, st.none() | moments),
    st.integers(1, 4),
)
def test_the_dearest_users_are_so_with_their_adjustments(book, known, bypassed, within, count):
    since, until = within
    emptied(book)
    with book.writing() as connection:
        connection.execute("DELETE FROM adjustments")
    told = [call(user=user, started_at=seconds(at) * 10**9, cost=cost) for user, at, cost, _ in known]
    put(book, *told)
    of_calls = zip(told, known, strict=True)
    adjustments.store(book, [noted(each[3], call_id=its.call_id) for its, each in of_calls if each[3] is not None])
    adjustments.store(book, [theirs(delta, at, user=user) for user, at, delta in bypassed])

    expected: defaultdict[str | None, Decimal | None] = defaultdict(lambda: None)
    each_spent = [(user, at, cost, delta) for user, at, cost, delta in known]
    each_spent += [(user, at, Decimal(delta), None) for user, at, delta in bypassed]
    for user, at, cost, delta in each_spent:
        if (since is None or at >= since) and (until is None or at < until):
            amounts = [amount for amount in (cost, None if delta is None else Decimal(delta)) if amount is not None]
            expected[user] = sum(amounts, expected[user] or Decimal()) if amounts else expected[user]

    chosen = Filter(since=since, until=until)
    whole = costs(book, ["user"], chosen)
    assert {row.group["user"]: row.cost for row in whole} == expected
    first = costs(book, ["user"], chosen, count, counted=True)
    assert (first.total, first.rows, first.nobody) == (whole.total, whole.rows[:count], whole.nobody)
    assert first.more == len(whole.rows[count:])
    assert first.rest.calls == sum(row.calls for row in whole.rows[count:])
    assert (first.rest.cost or 0) == sum(row.cost or 0 for row in whole.rows[count:])
    assert first.rest.adjustments == sum(row.adjustments for row in whole.rows[count:])
