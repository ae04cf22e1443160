"""What a Call says of itself: dollars, durations, and the variant of its model."""

from decimal import Decimal
from fractions import Fraction

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spancast.records.call import Call
from tests.support.calls import a_call

DOLLARS = st.decimals(min_value=0, max_value=10**11, allow_nan=False, allow_infinity=False, places=30)


@pytest.mark.parametrize("is_byok", [False, None])
def test_what_is_spent_is_the_cost_and_the_providers_price_is_no_second_bill(*, is_byok: bool | None) -> None:
    call = a_call(cost=Decimal("0.1"), upstream_cost=Decimal("0.2"), is_byok=is_byok)
    assert call.spent == Decimal("0.1")


def test_under_ones_own_key_the_providers_bill_comes_beside_the_cost() -> None:
    assert a_call(cost=Decimal(0), upstream_cost=Decimal("0.0041799"), is_byok=True).spent == Decimal("0.0041799")
    assert a_call(cost=Decimal("0.95"), upstream_cost=Decimal(19), is_byok=True).spent == Decimal("19.95")


@pytest.mark.parametrize(("cost", "upstream"), [(None, Decimal(1)), (Decimal(1), None), (None, None)])
def test_what_is_spent_is_unknown_where_one_bill_that_counts_is(cost: Decimal | None, upstream: Decimal | None) -> None:
    assert a_call(cost=cost, upstream_cost=upstream, is_byok=True).spent is None
    assert a_call(cost=None, upstream_cost=upstream, is_byok=False).spent is None


@given(DOLLARS, DOLLARS)
def test_sums_and_differences_keep_every_digit(one: Decimal, other: Decimal) -> None:
    cost, price = sorted((one, other))
    spent = a_call(cost=cost, upstream_cost=price, is_byok=True).spent
    assert spent is not None
    assert Fraction(spent) == Fraction(cost) + Fraction(price)
    discount = a_call(cost=cost, upstream_cost=price).discount
    assert Fraction(discount or 0) == Fraction(price) - Fraction(cost)


def test_a_cost_below_the_providers_price_is_a_discount() -> None:
    assert a_call(cost=Decimal("0.65"), upstream_cost=Decimal(1), is_byok=False).discount == Decimal("0.35")
    assert a_call(cost=Decimal(0), upstream_cost=Decimal("0.1")).discount == Decimal("0.1")


@pytest.mark.parametrize(
    ("cost", "upstream", "is_byok"),
    [
        (Decimal(1), Decimal(1), False),
        (Decimal("0.007637"), Decimal("0.000637"), None),
        (Decimal(0), Decimal(1), True),
        (None, Decimal(1), False),
        (Decimal(1), None, False),
    ],
)
def test_there_is_no_other_discount(cost: Decimal | None, upstream: Decimal | None, *, is_byok: bool | None) -> None:
    assert a_call(cost=cost, upstream_cost=upstream, is_byok=is_byok).discount is None


def parts(cost: str, one: str | None, other: str | None, *, is_byok: bool = False) -> Call:
    return a_call(
        cost=Decimal(cost),
        upstream_input_cost=None if one is None else Decimal(one),
        upstream_output_cost=None if other is None else Decimal(other),
        is_byok=is_byok,
    )


def test_input_and_output_cost_are_told_where_they_add_up_exactly() -> None:
    call = parts("0.000106", "0.000016", "0.00009")
    assert call.input_and_output_cost == (Decimal("0.000016"), Decimal("0.00009"))
    assert parts("0", "0", "0").input_and_output_cost == (0, 0)
    exact = parts("1.0000000000000000000000000000000000000001", "1", "1e-40")
    assert exact.input_and_output_cost is not None


@pytest.mark.parametrize(
    ("cost", "one", "other", "is_byok"),
    [
        ("0.65", "0.5", "0.5", False),
        ("0.1000000000000000000000000000000000001", "0.05", "0.05", False),
        ("0.1", None, "0.1", False),
        ("0.1", "0.1", None, False),
        ("0", "0", "0", True),
    ],
)
def test_else_they_are_unknown(cost: str, one: str | None, other: str | None, *, is_byok: bool) -> None:
    assert parts(cost, one, other, is_byok=is_byok).input_and_output_cost is None


def test_they_are_unknown_without_a_cost() -> None:
    call = a_call(cost=None, upstream_input_cost=Decimal(1), upstream_output_cost=Decimal(1))
    assert call.input_and_output_cost is None


@pytest.mark.parametrize(
    ("model", "variant"),
    [
        ("openai/gpt-5:free", "free"),
        ("deepseek/deepseek-r1-0528:nitro", "nitro"),
        ("gpt-5:online", "online"),
        ("openai/gpt-5", None),
        ("openai/gpt-5:", None),
        ("odd:scheme/gpt-5", None),
        ("", None),
        (None, None),
    ],
)
def test_the_variant_is_the_suffix_of_the_requested_model(model: str | None, variant: str | None) -> None:
    assert a_call(request_model=model).variant == variant


def test_the_time_between_two_events_is_that_behind_the_first_of_them() -> None:
    call = a_call(time_to_first_token=1000, duration=5000, output_chunks=5)
    assert call.time_per_output_chunk == 1000.0


@pytest.mark.parametrize(
    ("first", "duration", "events"),
    [(None, 5000, 5), (1000, None, 5), (1000, 5000, None), (1000, 5000, 1), (1000, 5000, 0)],
)
def test_it_is_unknown_where_there_is_no_gap_or_no_clock(
    first: int | None, duration: int | None, events: int | None
) -> None:
    call = a_call(time_to_first_token=first, duration=duration, output_chunks=events)
    assert call.time_per_output_chunk is None


@pytest.mark.parametrize(
    ("reasons", "expected"),
    [(("stop",), "stop"), (("stop", None, "length"), "stop,length"), ((None,), None), ((), None), (None, None)],
)
def test_the_known_finish_reasons_are_one_text(reasons: tuple[str | None, ...] | None, expected: str | None) -> None:
    assert a_call(finish_reasons=reasons).finish_reason == expected


def test_a_call_is_a_record_that_nobody_changes() -> None:
    call = a_call()
    with pytest.raises(AttributeError):
        call.cost = Decimal(0)  # type: ignore[misc]  # what is asked
    assert not hasattr(call, "__dict__")


def test_a_call_is_the_same_behind_the_journal_to_the_last_digit() -> None:
    call = a_call(cost=Decimal("0.10"), upstream_cost=Decimal("1E-40"), retry_after=1.5, finish_reasons=("stop", None))
    read = msgspec.msgpack.decode(msgspec.msgpack.encode(call), type=Call)
    assert read == call
    assert (str(read.cost), str(read.upstream_cost)) == ("0.10", "1E-40")
