"""Until when something may take."""

import math

import pytest

from spancast.base.deadline import Deadline


def test_what_is_left_becomes_less_and_is_never_less_than_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("spancast.base.clock.now", iter([100.0, 100.0, 101.5, 102.0, 200.0]).__next__)
    deadline = Deadline(2.0)
    assert [deadline.remaining for _ in range(4)] == [2.0, 0.5, 0.0, 0.0]


def test_it_is_over_from_that_moment_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("spancast.base.clock.now", iter([100.0, 101.9, 102.0, 200.0]).__next__)
    deadline = Deadline(2.0)
    assert [deadline.expired for _ in range(3)] == [False, True, True]


@pytest.mark.parametrize("seconds", [0.0, -1.0])
def test_one_that_is_now_or_was_is_over(seconds: float) -> None:
    deadline = Deadline(seconds)
    assert (deadline.expired, deadline.remaining) == (True, 0.0)


def test_one_that_never_comes_is_never_over() -> None:
    deadline = Deadline(math.inf)
    assert (deadline.expired, deadline.remaining) == (False, math.inf)
