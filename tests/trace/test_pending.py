"""Which spans are let go where more wait for a call in their trace than there is room for."""

from collections import Counter

import pytest

from spancast.base import guard
from spancast.trace import pending as module
from spancast.trace.pending import Pending

UNDER_WAY, ENDED, LAST = 1, 2, 3


@pytest.fixture(autouse=True)
def _little_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_WAITING", 4)
    monkeypatch.setattr(guard, "faults", Counter())


def test_traces_whose_root_has_ended_go_first_and_are_no_loss() -> None:
    pending: Pending[str] = Pending()
    for name in ("a", "b"):
        assert pending.wait(UNDER_WAY, name, root=False)
    assert pending.wait(ENDED, "c", root=False)
    assert pending.wait(ENDED, "root", root=True)
    assert pending.wait(LAST, "d", root=False)
    assert pending.on_call(ENDED) == []
    assert pending.on_call(UNDER_WAY) == ["a", "b"]
    assert pending.on_call(LAST) == ["d"]
    assert guard.faults == {}


def test_of_traces_under_way_the_one_that_was_quiet_for_longest_goes_and_is_counted() -> None:
    pending: Pending[str] = Pending()
    for trace, name in ((UNDER_WAY, "a"), (LAST, "b"), (UNDER_WAY, "c"), (LAST, "d"), (UNDER_WAY, "e")):
        assert pending.wait(trace, name, root=False)
    assert pending.on_call(LAST) == []
    assert pending.on_call(UNDER_WAY) == ["a", "c", "e"]
    assert guard.faults == {"span lost: too many wait for a call in their trace": 2}


def test_what_ends_behind_the_first_call_of_its_trace_does_not_wait() -> None:
    pending: Pending[str] = Pending()
    assert not pending.has_call(UNDER_WAY)
    assert pending.on_call(UNDER_WAY) == []
    assert pending.has_call(UNDER_WAY)
    assert not pending.wait(UNDER_WAY, "a", root=False)


def test_a_trace_that_was_heard_of_lately_is_known_for_longer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_TRACES", 2)
    pending: Pending[str] = Pending()
    pending.on_call(UNDER_WAY)
    pending.on_call(ENDED)
    assert pending.has_call(UNDER_WAY)
    pending.on_call(LAST)
    assert [pending.has_call(trace) for trace in (UNDER_WAY, ENDED, LAST)] == [True, False, True]
