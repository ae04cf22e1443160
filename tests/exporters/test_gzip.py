"""The same bytes are compressed once, by whichever thread comes first; all others have the same compressed ones."""

import gzip
import os
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from spancast_exporters import _gzip


@pytest.fixture(autouse=True)
def compressions(monkeypatch):
    """Count what is compressed; nothing is known from before."""
    done, press = [], gzip.compress

    def counted(body, **how):
        done.append(len(body))
        return press(body, **how)

    monkeypatch.setattr(gzip, "compress", counted)
    monkeypatch.setattr(_gzip, "_known", {})
    return done


def test_the_same_bytes_are_compressed_once_however_they_are_cut(compressions):
    first = _gzip.compressed([b"ab", b"c"])
    assert _gzip.compressed([b"a", b"bc"]) is first
    assert gzip.decompress(first) == b"abc"
    assert compressions == [3]


def test_other_bytes_are_others():
    assert gzip.decompress(_gzip.compressed([b"abc"])) == b"abc"
    assert gzip.decompress(_gzip.compressed([b"abd"])) == b"abd"


def test_threads_that_come_at_the_same_time_wait_for_the_first(compressions):
    body, together = os.urandom(500_000), threading.Barrier(6)

    def work(_):
        together.wait()
        return _gzip.compressed([body])

    with ThreadPoolExecutor(6) as threads:
        made = {id(each) for each in threads.map(work, range(6))}
    assert (len(made), compressions) == (1, [500_000])


def test_no_more_is_kept_than_a_few_bodies_and_no_large_one(compressions):
    for number in range(10):
        _gzip.compressed([bytes([number])])
    assert len(_gzip._known) <= 4
    large = os.urandom(1_100_000)
    assert _gzip.compressed([large]) == _gzip.compressed([large])
    assert compressions[-2:] == [1_100_000] * 2
    assert all(each.body is None or len(each.body) < 1024 * 1024 for each in _gzip._known.values())


def test_where_the_first_fails_the_others_compress_themselves(monkeypatch):
    press, begun, go = gzip.compress, threading.Event(), threading.Event()

    def failing(body, **how):
        monkeypatch.setattr(gzip, "compress", press)
        begun.set()
        go.wait(5)
        raise MemoryError

    monkeypatch.setattr(gzip, "compress", failing)
    with ThreadPoolExecutor(2) as threads:
        first = threads.submit(_gzip.compressed, [b"abc"])
        begun.wait(5)
        second = threads.submit(_gzip.compressed, [b"abc"])
        go.set()
        assert isinstance(first.exception(), MemoryError)
        assert gzip.decompress(second.result()) == b"abc"


def test_a_forked_child_waits_for_no_thread_of_its_parents():
    _gzip._known[os.getpid(), _gzip.sha256(b"abc").digest()] = _gzip._Pressed()
    child = os.fork()
    if child == 0:
        os._exit(gzip.decompress(_gzip.compressed([b"abc"])) != b"abc")
    assert os.waitpid(child, 0)[1] == 0
