"""The addresses of a host, in bounded time."""

import socket
import threading
import time

import pytest

from spancast.delivery.http.addresses import addresses


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_an_address_needs_no_look_up(host, monkeypatch):
    monkeypatch.setattr(socket, "getaddrinfo", None)
    assert addresses(host, 80, 1.0) == [host]


def test_this_machine_is_known():
    assert set(addresses("localhost", 80, 5.0)) & {"127.0.0.1", "::1"}


def test_a_name_that_is_none_is_an_error_of_the_system():
    with pytest.raises(socket.gaierror):
        addresses("nowhere.invalid", 80, 20.0)


def test_a_name_that_cannot_be_is_an_error_of_its_text():
    with pytest.raises(UnicodeError):
        addresses("x" * 300, 80, 5.0)


def test_a_resolver_that_hangs_is_not_waited_for(monkeypatch):
    ended = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: ended.wait(20) and [])
    began = time.monotonic()
    with pytest.raises(TimeoutError, match=r"platform\.test"):
        addresses("platform.test", 80, 0.1)
    took = time.monotonic() - began
    ended.set()
    assert took < 1.0


def test_where_no_thread_can_be_started_it_is_looked_up_all_the_same(monkeypatch):
    def refused(_thread):
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refused)
    assert set(addresses("localhost", 80, 5.0)) & {"127.0.0.1", "::1"}
