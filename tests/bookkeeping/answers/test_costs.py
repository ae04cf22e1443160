from collections import defaultdict
from datetime import UTC, datetime
from decimal import Decimal, localcontext

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spancast.bookkeeping.answers import calls as reading
from spancast.bookkeeping.answers.calls import calls
from spancast.bookkeeping.answers.costs import costs
from spancast.bookkeeping.answers.dimensions import DIMENSIONS
from spancast.bookkeeping.answers.filter import Filter
from spancast.bookkeeping.book import Book
from spancast.errors import ConfigurationError
from tests.bookkeeping.records import call

AT = datetime(2026, 11, 25, 13, 45, 6, 789000, UTC)
"""A Wednesday."""


def nanoseconds(at: datetime) -> int:
    return int(at.timestamp()) * 10**9 + at.microsecond * 1000


@pytest.fixture
def book(tmp_path):
    book = Book(tmp_path)
    yield book
    book.close()


def put(book: Book, *several) -> None:
    book.apply("writer-000001.seg", 1, several)


amounts = st.none() | st.decimals(
    allow_nan=False, allow_infinity=False, places=12, min_value=Decimal(-5), max_value=Decimal(9300000)
)
huge = st.decimals(allow_nan=False, allow_infinity=False, places=3, min_value=10**7, max_value=10**15)


@settings(deadline=None)
@given(st.lists(st.tuples(st.sampled_from(["a", "b", None]), amounts | huge), max_size=12))
def test_sums_of_money_are_exact(tmp_path_factory, priced):
    book = Book(tmp_path_factory.mktemp("home"))
    put(book, *(call(user=user, cost=cost) for user, cost in priced))
    sums: defaultdict[str | None, Decimal | None] = defaultdict(lambda: None)
    with localcontext(prec=100):
        for user, cost in priced:
            sums[user] = sums[user] if cost is None else (sums[user] or Decimal()) + cost
        everything = [cost for _, cost in priced if cost is not None]
        total = sum(everything, Decimal()) if everything else None
    found = costs(book, ["user"], Filter())
    assert {row.group["user"]: row.cost for row in found.rows} == sums
    assert found.total.cost == total
    assert found.total.unknown_cost_calls == len(priced) - len(everything)
    book.close()


def test_a_cost_of_more_than_twelve_decimals_is_rounded_half_even_by_call(book):
    put(book, *(call(cost=Decimal("4.1400000000000003e-05")) for _ in range(1000)))
    put(book, call(cost=Decimal("0.0000000000005")), call(cost=Decimal("0.0000000000015")))
    assert costs(book, [], Filter()).total.cost == Decimal("0.041400000002")


def test_sums_beyond_64_bits_are_exact(book):
    put(book, *(call(cost=Decimal("9000000.000000000001"), input_tokens=2**63 - 1) for _ in range(3)))
    total = costs(book, [], Filter()).total
    assert (total.cost, total.input_tokens) == (Decimal("27000000.000000000003"), 3 * (2**63 - 1))


def test_an_unknown_cost_is_counted_and_is_no_zero(book):
    put(book, call(user="known", cost=Decimal(0)), call(user="unknown"), call(user="known"))
    found = costs(book, ["user"], Filter())
    assert [(row.group["user"], row.cost, row.unknown_cost_calls) for row in found.rows] == [
        ("known", Decimal(0), 1),
        ("unknown", None, 1),
    ]


def test_tokens_that_no_call_states_are_unknown(book):
    put(book, call(input_tokens=3), call(input_tokens=4, cached_tokens=0), call())
    total = costs(book, [], Filter()).total
    assert (total.input_tokens, total.output_tokens, total.cached_tokens) == (7, None, 0)


def test_rows_are_sorted_by_cost_with_the_unknown_last(book):
    one, two, thirty = Decimal(1), Decimal(2), Decimal("3E+1")
    priced = [("b", one), ("c", None), ("a", one), ("d", thirty), (None, two)]
    put(book, *(call(user=user, cost=cost) for user, cost in priced))
    assert [row.group["user"] for row in costs(book, ["user"], Filter()).rows] == ["d", None, "a", "b", "c"]


def test_failed_calls_are_counted(book):
    put(book, call(), call(outcome="error", error_type="429"), call(outcome="closed"))
    total = costs(book, [], Filter()).total
    assert (total.calls, total.errors) == (3, 1)


@pytest.mark.parametrize(
    ("dimension", "value"),
    [
        ("user", "u"),
        ("session", "s"),
        ("model", "answered"),
        ("requested_model", "asked"),
        ("provider", "Azure"),
        ("operation", "chat"),
        ("app", "shop"),
        ("error_type", "429"),
        ("hour", "2026-11-25T13:00Z"),
        ("day", "2026-11-25"),
        ("week", "2026-11-23"),
        ("month", "2026-11"),
        ('tag:a "b" c', "ß"),
        ("tag:absent", None),
    ],
)
def test_costs_are_summed_by(book, dimension, value):
    known = call(
        user="u",
        session="s",
        request_model="asked",
        response_model="answered",
        provider="Azure",
        error_type="429",
        started_at=nanoseconds(AT),
        tags={'a "b" c': "ß"},
        resource={"service.name": "shop"},
    )
    put(book, known)
    assert [row.group for row in costs(book, [dimension], Filter()).rows] == [{dimension: value}]


def test_every_dimension_can_be_combined_with_every_other(book):
    put(book, call(tags={"x": "1"}), call(tags={"x": "2"}))
    found = costs(book, [*DIMENSIONS, "tag:x", "tag:y"], Filter())
    assert [(row.group["tag:x"], row.group["tag:y"], row.calls) for row in found.rows] == [
        ("1", None, 1),
        ("2", None, 1),
    ]


def test_the_model_is_the_one_asked_for_where_none_answered(book):
    put(book, call(request_model="asked"))
    assert costs(book, ["model"], Filter()).rows[0].group == {"model": "asked"}


def test_a_service_that_nobody_named_is_no_app(book):
    put(book, call(resource={"service.name": "unknown_service:python"}))
    assert costs(book, ["app"], Filter()).rows[0].group == {"app": None}


@pytest.mark.parametrize("wrong", ["", "tag:", "users", "user; DROP TABLE calls"])
def test_an_unknown_dimension_is_refused_with_the_known_ones(book, wrong):
    with pytest.raises(ConfigurationError, match="Give any of user, session"):
        costs(book, [wrong], Filter())


@pytest.mark.parametrize(
    "chosen",
    [
        Filter(user="u"),
        Filter(session="s"),
        Filter(model="asked"),
        Filter(model="answered"),
        Filter(provider="p"),
        Filter(operation="image"),
        Filter(app="shop"),
        Filter(outcome="closed"),
        Filter(tags={"k": "v"}),
        Filter(since=AT),
        Filter(user="u", session="s", tags={"k": "v", "l": "w"}),
    ],
)
def test_a_filter_leaves_what_is_asked_for(book, chosen):
    meant = call(
        user="u",
        session="s",
        request_model="asked",
        response_model="answered",
        provider="p",
        operation="image",
        outcome="closed",
        tags={"k": "v", "l": "w"},
        resource={"service.name": "shop"},
        started_at=nanoseconds(AT),
    )
    put(book, call(started_at=1, tags={"k": "w"}), meant)
    assert [row.call_id for row in calls(book, chosen)] == [meant.call_id]
    assert costs(book, ["user"], chosen).total.calls == 1


def test_since_is_inclusive_and_until_is_not(book):
    at = nanoseconds(AT)
    put(book, *(call(user=str(each - at), started_at=each) for each in (at - 1, at, at + 1)))
    assert [row.user for row in calls(book, Filter(since=AT))] == ["0", "1"]
    assert [row.user for row in calls(book, Filter(until=AT))] == ["-1"]


def test_calls_come_newest_last_whatever_the_order_of_booking(book, monkeypatch):
    monkeypatch.setattr(reading, "PAGE", 7)
    order = [(number * 37) % 101 for number in range(101)]
    put(book, *(call(started_at=number // 3, user=str(number)) for number in order))
    started = [row.started_at for row in calls(book, Filter())]
    assert started == sorted(number // 3 for number in range(101))


@pytest.mark.parametrize("limit", [1, 7, 8, 101, 500])
def test_a_limit_leaves_the_newest(book, monkeypatch, limit):
    monkeypatch.setattr(reading, "PAGE", 7)
    put(book, *(call(started_at=number // 3, user=str(number)) for number in range(101)))
    everything = [row.user for row in calls(book, Filter())]
    assert [row.user for row in calls(book, Filter(), limit)] == everything[-limit:]


def test_calls_that_are_read_slowly_keep_nobody_from_writing(book, monkeypatch):
    monkeypatch.setattr(reading, "PAGE", 2)
    put(book, *(call(started_at=number) for number in range(5)))
    slowly = calls(book, Filter())
    next(slowly)
    put(book, call(started_at=9))
    assert [row.started_at for row in slowly] == [1, 2, 3, 4, 9]
