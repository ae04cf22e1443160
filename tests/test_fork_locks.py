"""A lock that another thread has while this one forks is the child's no more: no call waits for it for ever."""

import os
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from spancast import api
from spancast.base import guard
from spancast.capture.route import Routes
from spancast.hooks.patching import Patches
from spancast.recording.attempts import Attempts
from spancast.recording.recorder import Recorder
from spancast.trace.pending import Pending
from spancast.trace.tracing import Tracing

pytestmark = [
    pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here"),
    pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning"),
]
PATIENCE = 20.0


def _attempts() -> tuple[Any, Callable[[], object]]:
    attempts = Attempts()
    return attempts, lambda: attempts.link("a", {"x-stainless-retry-count": "0"}, b"{}")


def _pending() -> tuple[Any, Callable[[], object]]:
    pending: Pending[str] = Pending()
    return pending, lambda: pending.on_call(1)


def _patches() -> tuple[Any, Callable[[], object]]:
    patches = Patches(Recorder(Routes(()), Tracing(), None))
    return patches, patches.remove


def _tracing() -> tuple[Any, Callable[[], object]]:
    tracing = Tracing()
    return tracing, tracing.tracer


def child_ends(use: Callable[[], object]) -> bool:
    """Fork, and use something in the child; return whether that came to an end in time."""
    child = os.fork()
    if child == 0:
        use()
        os._exit(0)
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        if os.waitpid(child, os.WNOHANG)[0]:
            return True
        time.sleep(0.005)
    os.kill(child, 9)
    os.waitpid(child, 0)
    return False


def while_held(lock: Any, use: Callable[[], object]) -> bool:
    """Return whether a child that is forked while another thread holds a lock can use what it guards."""
    held, over = threading.Event(), threading.Event()

    def hold() -> None:
        with lock:
            held.set()
            over.wait(2 * PATIENCE)

    holder = threading.Thread(target=hold)
    holder.start()
    assert held.wait(PATIENCE)
    try:
        return child_ends(use)
    finally:
        over.set()
        holder.join()


@pytest.mark.parametrize("make", [_attempts, _pending, _patches, _tracing])
def test_an_object_s_lock_is_renewed_in_a_child(make: Callable[[], tuple[Any, Callable[[], object]]]) -> None:
    guarded, use = make()
    assert while_held(guarded._lock, use)


def test_faults_are_counted_in_a_child() -> None:
    assert while_held(guard._counting, lambda: guard.count("a fault of the tests"))


def test_spancast_is_stopped_in_a_child() -> None:
    assert while_held(api._lock, lambda: api.stop(0.0))
