"""A thread of ours ends in silence, also in a program that has `threading` patched while it runs."""

import subprocess
import sys
import threading

import pytest

from spancast.base.threads import Daemon

PATCH_AS_GEVENT_DOES = """
import _thread, threading
from spancast.base.threads import Daemon
over = threading.Event()
thread = Daemon(over.wait, "spancast")
thread.start()
threading.get_ident = lambda: -_thread.get_ident()
over.set()
thread.join()
threading.get_ident = _thread.get_ident  # this thread knows itself by the number that it began with
"""


def test_a_thread_that_began_before_its_program_patched_threads_ends_in_silence():
    done = subprocess.run(
        [sys.executable, "-c", PATCH_AS_GEVENT_DOES], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stderr == ""


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
@pytest.mark.parametrize("work", [int, lambda: 1 / 0])
def test_a_thread_that_has_ended_is_known_no_more(work):
    thread = Daemon(work, "spancast")
    assert thread.daemon
    thread.start()
    thread.join()
    assert thread not in threading.enumerate()
