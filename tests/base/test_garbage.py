"""A finalizer knows whether it is run by the garbage collector, in the midst of anything, or by a plain statement."""

import gc
import threading
from collections.abc import Iterator

import pytest

from spancast.base import garbage


class Dying:
    """Notes what it is told as it dies."""

    def __init__(self, told: list[bool]) -> None:
        self.told = told
        self.cycle: object = None

    def __del__(self) -> None:
        self.told.append(garbage.collecting())


@pytest.fixture
def _listening() -> Iterator[None]:
    garbage.subscribe()
    yield
    garbage.unsubscribe()


@pytest.mark.usefixtures("_listening")
def test_what_the_collector_finds_dies_inside_it() -> None:
    told: list[bool] = []
    dying = Dying(told)
    dying.cycle = dying
    del dying
    gc.collect()
    assert told == [True]
    assert not garbage.collecting()


@pytest.mark.usefixtures("_listening")
def test_what_is_dropped_dies_at_once_and_outside_of_it() -> None:
    told: list[bool] = []
    Dying(told)
    assert told == [False]


@pytest.mark.usefixtures("_listening")
def test_other_threads_are_outside_of_a_collection() -> None:
    class Asking:
        def __init__(self) -> None:
            self.cycle = self

        def __del__(self) -> None:
            thread = threading.Thread(target=lambda: told.append(garbage.collecting()))
            thread.start()
            thread.join()

    told: list[bool] = []
    Asking()
    gc.collect()
    assert told == [False]


def test_whoever_leaves_may_have_been_sent_away_before(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gc, "callbacks", [])
    garbage.subscribe()
    gc.callbacks.clear()
    garbage.unsubscribe()
    assert gc.callbacks == []


def test_whoever_leaves_leaves_the_others_listening() -> None:
    before = list(gc.callbacks)
    garbage.subscribe()
    garbage.subscribe()
    garbage.unsubscribe()
    told: list[bool] = []
    dying = Dying(told)
    dying.cycle = dying
    del dying
    gc.collect()
    garbage.unsubscribe()
    assert told == [True]
    assert gc.callbacks == before
