"""Whom the calls of a request are for, in an application that speaks WSGI."""

import collections
import threading
import urllib.request
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from socketserver import ThreadingMixIn
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server
from wsgiref.util import FileWrapper
from wsgiref.validate import validator

import pytest

from spancast import attribute
from spancast.attribution.attribution import Attribution
from spancast.attribution.context import current
from spancast.attribution.wsgi import AttributionMiddleware, remote_user
from spancast.base import guard

USERS = 50


class Threaded(ThreadingMixIn, WSGIServer):
    daemon_threads = True


class Silent(WSGIRequestHandler):
    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@contextmanager
def served(application: Any) -> Iterator[str]:
    with make_server("127.0.0.1", 0, application, Threaded, Silent) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/"
        finally:
            server.shutdown()
            thread.join()


def get(url: str, **headers: str) -> str:
    asked = urllib.request.Request(url, headers={name.replace("_", "-"): value for name, value in headers.items()})
    with urllib.request.urlopen(asked, timeout=10) as answer:
        return answer.read().decode()


def listed(_environ: Any, start_response: Any) -> Iterable[bytes]:
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [repr(current().user).encode()]


def stepwise(_environ: Any, start_response: Any) -> Iterable[bytes]:
    start_response("200 OK", [("Content-Type", "text/plain")])
    yield f"{current().user} ".encode()
    yield f"{current().user}".encode()


def test_the_handler_and_each_step_of_its_answer_are_inside() -> None:
    wrapped = validator(AttributionMiddleware(validator(stepwise), user="x-user-id"))
    with served(wrapped) as url:
        assert get(url, X_User_Id="u_1") == "u_1 u_1"


def test_concurrent_users_are_never_mixed() -> None:
    users = [f"u_{number}" for number in range(USERS)]
    with served(AttributionMiddleware(stepwise, user="x-user-id")) as url, ThreadPoolExecutor(8) as pool:
        told = list(pool.map(lambda user: get(url, X_User_Id=user), users))
    assert told == [f"{user} {user}" for user in users]


def test_a_thread_that_has_served_a_request_is_nobodys_again() -> None:
    middleware = AttributionMiddleware(stepwise, user="x-user-id")
    body = middleware({"HTTP_X_USER_ID": "u_1"}, lambda *_: None)
    assert next(iter(body)) == b"u_1 "
    assert current() == Attribution()


def test_functions_of_the_environment_say_it_and_a_failing_one_costs_no_request() -> None:
    seen: list[Attribution] = []

    def application(_environ: Any, _start_response: Any) -> Iterable[bytes]:
        seen.append(current())
        return []

    before = collections.Counter(guard.faults)
    middleware = AttributionMiddleware(
        application, user=remote_user, session=lambda environ: environ["absent"], tags={"kind": "content-type"}
    )
    middleware({"REMOTE_USER": "u_1", "CONTENT_TYPE": "text/plain"}, lambda *_: None)
    assert seen == [Attribution("u_1", None, {"kind": "text/plain"})]
    assert guard.faults["attribution of a request"] - before["attribution of a request"] == 1


def test_an_answer_that_is_made_is_handed_on_as_it_is() -> None:
    made: list[Any] = [[b"x"], (b"x",)]
    for body in made:
        assert AttributionMiddleware(lambda *_, body=body: body)({}, lambda *_: None) is body


def test_a_file_is_left_to_the_server(tmp_path: Any) -> None:
    (tmp_path / "file").write_bytes(b"x")
    with (tmp_path / "file").open("rb") as file:
        body = FileWrapper(file)
        environ = {"wsgi.file_wrapper": FileWrapper}
        assert AttributionMiddleware(lambda *_: body)(environ, lambda *_: None) is body


def test_a_list_comes_from_inside() -> None:
    with served(AttributionMiddleware(listed, user="x-user-id")) as url:
        assert get(url, X_User_Id="u_1") == "'u_1'"


def test_a_block_that_an_answer_leaves_open_is_the_answers_alone() -> None:
    def application(_environ: Any, _start_response: Any) -> Iterable[bytes]:
        with attribute(user="own"):
            yield f"{current().user}".encode()
            yield f"{current().user}".encode()
        yield f"{current().user}".encode()

    body = iter(AttributionMiddleware(application, user="x-user-id")({"HTTP_X_USER_ID": "u_1"}, lambda *_: None))
    told = []
    for part in body:
        told.append(part)
        assert current() == Attribution()
    assert told == [b"own", b"own", b"u_1"]


def test_an_answer_is_closed_inside_and_once() -> None:
    closed: list[str | None] = []

    class Body:
        def __iter__(self) -> Iterator[bytes]:
            return iter([b"x"])

        def close(self) -> None:
            closed.append(current().user)

    body: Any = AttributionMiddleware(lambda *_: Body(), user="x-user-id")({"HTTP_X_USER_ID": "u_1"}, lambda *_: None)
    assert list(body) == [b"x"]
    body.close()
    assert closed == ["u_1"]


def test_an_async_function_says_nothing_where_nobody_can_wait(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(guard, "_last_logged", {})

    async def user(_environ: Any) -> str:
        return "u_1"

    seen: list[Attribution] = []
    AttributionMiddleware(lambda *_: [seen.append(current())], user=user)({}, lambda *_: None)  # type: ignore[list-item]
    assert seen == [Attribution()]
    assert "an async function cannot be awaited here" in caplog.text


def test_a_header_is_read_as_it_is_sent() -> None:
    with served(AttributionMiddleware(listed, user="x-user-id")) as url:
        assert get(url, X_User_Id="ü".encode().decode("latin-1")) == "'ü'"
