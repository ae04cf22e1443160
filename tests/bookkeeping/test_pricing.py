"""The rates of a model, and when others apply."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from spancast.bookkeeping.pricing import pricing


def at(hour: int, minute: int = 0, day: int = 25) -> int:
    """Return an instant; the 25th is a Wednesday."""
    return int(datetime(2026, 11, day, hour, minute, tzinfo=UTC).timestamp()) * 10**9


NOON = at(12)


def prompt(listed, started_at=NOON, tokens=10) -> Decimal | None:
    rates = pricing({"prompt": "1", "completion": "2", **listed}).rates(started_at, tokens)
    return None if rates is None else rates["prompt"]


def override(**more):
    return {"overrides": [{"prompt": "9", **more}]}


def test_the_rates_are_those_that_are_listed_to_the_last_digit():
    rates = pricing({"prompt": "0.0000000208333333333333", "completion": "1e-7"}).rates(at(1), 1)
    assert {name: str(rate) for name, rate in rates.items()} == {"prompt": "2.08333333333333E-8", "completion": "1E-7"}


@pytest.mark.parametrize("listed", [{"prompt": "1"}, {"completion": "1"}, {}, {"prompt": "x", "completion": "1"}])
def test_without_a_price_of_tokens_there_is_none(listed):
    assert pricing(listed).rates(at(1), 1) is None


def test_a_dynamic_price_is_none():
    router = pricing({"prompt": "-1", "completion": "-1"})
    assert (router.rates(at(1), 1), router.is_dynamic) == (None, True)


@pytest.mark.parametrize(("tokens", "rate"), [(200_000, "1"), (200_001, "9")])
def test_a_long_prompt_has_other_rates_above_the_threshold(tokens, rate):
    assert prompt(override(min_prompt_tokens=200_000), tokens=tokens) == Decimal(rate)


@pytest.mark.parametrize(
    ("hour", "minute", "rate"), [(0, 59, "1"), (1, 0, "9"), (10, 29, "9"), (10, 30, "1"), (23, 0, "1")]
)
def test_a_window_is_open_from_its_start_until_before_its_end(hour, minute, rate):
    assert prompt(override(utc_start=100, utc_end=1030), at(hour, minute)) == Decimal(rate)


@pytest.mark.parametrize(("hour", "rate"), [(15, "1"), (16, "9"), (23, "9"), (0, "9"), (1, "1")])
def test_a_window_may_wrap_past_midnight(hour, rate):
    assert prompt(override(utc_start=1600, utc_end=100), at(hour)) == Decimal(rate)


@pytest.mark.parametrize(("day", "rate"), [(25, "9"), (26, "1"), (28, "9")])
def test_days_are_those_of_the_request_in_utc(day, rate):
    assert prompt(override(utc_days=["wednesday", "saturday"]), at(12, day=day)) == Decimal(rate)


def test_all_conditions_must_hold():
    both = override(min_prompt_tokens=100, utc_start=0, utc_end=600)
    assert prompt(both, at(5), 101) == Decimal(9)
    assert prompt(both, at(5), 100) == Decimal(1)
    assert prompt(both, at(7), 101) == Decimal(1)


def test_of_several_that_apply_the_last_wins_for_each_rate():
    listed = {"overrides": [{"prompt": "3", "completion": "4"}, {"prompt": "5"}]}
    rates = pricing({"prompt": "1", "completion": "2", **listed}).rates(at(1), 1)
    assert (rates["prompt"], rates["completion"]) == (Decimal(5), Decimal(4))


@pytest.mark.parametrize(
    "condition",
    [{"region": "eu"}, {"utc_days": ["someday"]}, {"min_prompt_tokens": "many"}, {"utc_start": None, "moon": "full"}],
)
def test_a_condition_that_is_not_known_leaves_the_price_open(condition):
    assert prompt(override(**condition)) is None


def test_a_condition_that_is_not_known_does_not_matter_where_another_fails():
    assert prompt(override(region="eu", min_prompt_tokens=1000)) == Decimal(1)


@pytest.mark.parametrize("listed", [{"overrides": None}, {"overrides": ["x"]}, {"discount": "x"}])
def test_what_cannot_be_read_is_left_out(listed):
    assert prompt(listed) == Decimal(1)
