import signal
from functools import partial

import pytest

from spancast.base import guard, signals


class LimitExceededError(Exception):
    """As a task queue's time limit."""


def raise_limit(*_arguments: object) -> None:
    raise LimitExceededError


class Limiter:
    def __call__(self, *_arguments: object) -> None:
        raise LimitExceededError

    def expire(self, *_arguments: object) -> None:
        raise_limit()


@pytest.fixture(
    params=[raise_limit, Limiter(), Limiter().expire, partial(raise_limit, "task")],
    ids=("function", "object", "method", "partial"),
)
def handler(request):
    before = signal.signal(signal.SIGUSR1, request.param)
    yield request.param
    signal.signal(signal.SIGUSR1, before)


@pytest.mark.usefixtures("handler")
def test_what_a_signal_handler_raises_is_raised_again(monkeypatch):
    monkeypatch.setattr(guard, "strict", False)
    with pytest.raises(LimitExceededError), guard.quietly("a test"):
        signal.raise_signal(signal.SIGUSR1)


@pytest.mark.usefixtures("handler")
def test_the_same_exception_raised_by_anything_else_is_swallowed(monkeypatch):
    monkeypatch.setattr(guard, "strict", False)
    with guard.quietly("a test"):
        raise LimitExceededError
    assert not signals.raised_by_handler(None)
