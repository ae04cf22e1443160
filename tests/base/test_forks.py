"""Forks: told of, untold, and kept out of what they must not fall into."""

import os
import sys
import threading
import time

import pytest

from spancast.base import forks
from tests.bookkeeping.records import output

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")


def test_a_child_begins_anew_once_and_in_order():
    script = """
import os
from spancast.base import forks
forks.in_child(lambda: print("first", flush=True))
forks.in_child(lambda: print("second", flush=True))
child = os.fork()
forks.detect()
if child == 0:
    os._exit(0)
os.waitpid(child, 0)
"""
    assert output(script) == "first\nsecond\n"


@pytest.mark.skipif(sys.platform == "darwin", reason="a bare fork is not safe there")
def test_a_fork_that_nobody_told_of_is_noticed():
    script = """
import ctypes, os
from spancast.base import forks
forks.in_child(lambda: print("anew", flush=True))
child = ctypes.PyDLL(None).fork()
forks.detect()
forks.detect()
if child == 0:
    os._exit(0)
os.waitpid(child, 0)
"""
    assert output(script) == "anew\n"


def forked() -> float:
    """Fork; return how long it took, in seconds."""
    began = time.monotonic()
    child = os.fork()
    if child == 0:
        os._exit(0)
    took = time.monotonic() - began
    os.waitpid(child, 0)
    return took


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_fork_waits_for_a_block_of_another_thread_and_not_for_ever(monkeypatch):
    monkeypatch.setattr(forks, "MAX_WAIT_SECONDS", 0.3)
    inside, over = threading.Event(), threading.Event()

    def block() -> None:
        with forks.NoFork(), forks.NoFork():
            inside.set()
            over.wait(20)

    thread = threading.Thread(target=block)
    thread.start()
    inside.wait(20)
    assert forked() >= 0.3
    over.set()
    thread.join()
    assert forked() < 0.3


def test_a_fork_does_not_wait_for_a_block_of_its_own_thread():
    with forks.NoFork():
        assert forked() < forks.MAX_WAIT_SECONDS
        with forks.NoFork():
            assert forked() < forks.MAX_WAIT_SECONDS


def test_a_method_is_called_in_a_child_as_long_as_its_object_lives():
    script = """
import os
from spancast.base import forks
class Thing:
    def __init__(self, name):
        self.name = name
        forks.in_child(self.begin)
    def begin(self):
        print(self.name, "anew", flush=True)
gone, kept = Thing("gone"), Thing("kept")
del gone
child = os.fork()
if child == 0:
    os._exit(0)
os.waitpid(child, 0)
"""
    assert output(script) == "kept anew\n"
