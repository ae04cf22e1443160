"""A fault at every call that happens inside us, in turn: the application's result is the same to the byte.

The calls are counted by the interpreter's own profiler, which tells of each call of a function of ours on the
application's thread, and raises in its place when the number is reached. Nothing is listed by hand.
"""

import ast
import functools
import gc
import hashlib
import json
import sys
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from types import CodeType, FrameType
from typing import Self

import httpx2
import pytest
import urllib3

import spancast
from spancast.base import guard
from tests.support.answers import JSON, PROMPT, SSE, STREAM, plain
from tests.support.replay import Answer, Replay, replaying

OURS = str(Path(spancast.__file__).parent)
HEADERS = {"authorization": "Bearer sk-or-v1-simulator", "content-type": "application/json"}


# A generator that is closed early is called for that, too; what is raised there, the interpreter keeps to itself.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")


class Fault(Exception):  # noqa: N818 - it is what is let in, and no error of ours
    """What no code of ours raises itself."""


class Calls:
    """The calls of functions of ours, as they happen; at the number `at`, the call fails instead."""

    def __init__(self, at: int = 0) -> None:
        self.names: list[str] = []
        self._at = at

    def __enter__(self) -> Self:
        sys.setprofile(self._told)
        return self

    def __exit__(self, *_: object) -> None:
        sys.setprofile(None)

    def _told(self, frame: FrameType, event: str, _argument: object) -> None:
        code = frame.f_code
        if event != "call" or not code.co_filename.startswith(OURS) or _is_wall(code):
            return
        self.names.append(f"{Path(code.co_filename).relative_to(OURS)} {code.co_qualname}")
        if len(self.names) == self._at:
            raise Fault(self.names[-1])


@functools.cache
def _is_wall(code: CodeType) -> bool:
    """Whether a function is the wall itself, of which each call into the house behind it is struck instead.

    That is a hook or a tee, which call the application's own library and us; the guard; a method of the exchange that a
    hook calls; a function that is one `try`; and what the interpreter itself calls, which hands nothing on.
    """
    station, *_ = parts = Path(code.co_filename).relative_to(OURS).parts
    if station == "hooks" or parts in [("base", "guard.py"), ("capture", "tee.py")]:
        return True
    if code.co_qualname.startswith("Exchange.") and not code.co_name.startswith("_"):
        return True
    if code.co_name == "__del__" or code in [getattr(each, "__code__", None) for each in gc.callbacks]:
        return True
    for node in ast.walk(ast.parse(Path(code.co_filename).read_text("utf-8"))):
        if isinstance(node, ast.FunctionDef) and (node.lineno, node.name) == (code.co_firstlineno, code.co_name):
            body = [each for each in node.body if not isinstance(each, ast.Expr)]
            return len(body) == 1 and isinstance(body[0], ast.Try)
    return False


def httpx2_plain(url: str) -> str:
    with httpx2.Client() as client:
        answer = client.post(url, json=PROMPT, headers=HEADERS)
    return _of(answer.status_code, answer.headers["content-type"], answer.content, type(answer))


def httpx2_streamed(url: str) -> str:
    pieces = []
    with (
        httpx2.Client() as client,
        client.stream("POST", url, json={**PROMPT, "stream": True}, headers=HEADERS) as answer,
    ):
        pieces += answer.iter_raw()
    return _of(answer.status_code, answer.headers["content-type"], b"".join(pieces), type(answer))


def urllib3_plain(url: str) -> str:
    with urllib3.PoolManager() as pool:
        answer = pool.request("POST", url, body=json.dumps(PROMPT).encode(), headers=HEADERS)
    return _of(answer.status, answer.headers["content-type"], answer.data, type(answer))


def urllib_streamed(url: str) -> str:
    request = urllib.request.Request(url, json.dumps({**PROMPT, "stream": True}).encode(), HEADERS)
    with urllib.request.urlopen(request) as answer:
        lines = list(answer)
    return _of(answer.status, answer.headers["content-type"], b"".join(lines), type(answer))


def _of(*seen: object) -> str:
    """Return one word for all that an application can see of an answer."""
    return hashlib.sha256(repr(seen).encode()).hexdigest()


WAYS: dict[Callable[[str], str], Answer] = {
    httpx2_plain: Answer(200, JSON, [plain()]),
    httpx2_streamed: Answer(200, SSE, STREAM),
    urllib3_plain: Answer(200, JSON, [plain()]),
    urllib_streamed: Answer(200, SSE, STREAM),
}


@pytest.fixture(scope="module")
def server() -> Iterator[Replay]:
    with replaying() as server:
        yield server


def struck(way: Callable[[str], str], server: Replay, home: Path, monkeypatch: pytest.MonkeyPatch, nth: int) -> None:
    """Make the call bare, then with a fault at every nth of our calls; and after each fault once more without one."""
    monkeypatch.setattr(guard, "strict", False)
    server.answer = WAYS[way]
    bare = way(server.url)
    spancast.start(home=home, hosts=[server.host], capture_content=True, metrics="off")
    try:
        assert way(server.url) == bare
        with Calls() as calls:
            assert way(server.url) == bare
        sites = calls.names
        assert len(sites) > 50
        wrong = []
        for at in range(1, len(sites) + 1, nth):
            with Calls(at) as calls:
                try:
                    same = way(server.url) == bare
                except Exception as error:  # noqa: BLE001 - whatever reaches the application is too much
                    wrong.append((at, calls.names[-1], repr(error)))
                    continue
            if not same:
                wrong.append((at, calls.names[at - 1], "another result"))
        assert wrong == []
        assert way(server.url) == bare
        assert spancast.flush(20.0)
    finally:
        spancast.stop()
        guard._last_logged.clear()
        guard.faults.clear()


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
def test_a_fault_inside_us_does_not_reach_the_application(
    way: Callable[[str], str], server: Replay, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    struck(way, server, tmp_path, monkeypatch, nth=19)


@pytest.mark.slow
@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
def test_no_fault_inside_us_reaches_the_application(
    way: Callable[[str], str], server: Replay, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    struck(way, server, tmp_path, monkeypatch, nth=1)
