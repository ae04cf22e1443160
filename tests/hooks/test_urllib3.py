"""urllib3, hooked, is the urllib3 that the application knows, to the byte; each attempt on the wire is a Call."""

import gzip
import inspect
import io
import logging
import pickle
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
import urllib3
from urllib3.connection import HTTPConnection

from tests.hooks.blocking import BODY, Ways, filled, raised, repeated, same, undated
from tests.hooks.wires import BEHEADED, BROKEN, WHOLE, head
from tests.support.answers import COST, GENERATION, JSON, PROMPT, SSE, STREAM, TEXT, plain
from tests.support.replay import Answer, Replay
from tests.support.verbatim import Verbatim
from tests.support.watched import watched

pytestmark = [
    pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning"),
    pytest.mark.filterwarnings("ignore:Unverified HTTPS request"),
]
NO_RETRY = urllib3.Retry(False)


def ask(url: str, **options: Any) -> Any:
    """Return the response to the prompt, from a pool of its own."""
    with urllib3.PoolManager(timeout=10) as pools:
        return pools.request("POST", url, **{"body": BODY, "retries": NO_RETRY, **options})


def shell(response: Any) -> dict[str, Any]:
    """Return what there is to see of a response, read or not."""
    return {
        "class": type(response),
        "attributes": sorted(vars(response)),
        "status": (response.status, response.reason, response.version, response.version_string),
        "headers": undated(response.headers),
        "closed": (response.closed, response.isclosed(), response.readable(), response.chunked),
        "read": (response.tell(), response.length_remaining, response.chunk_left),
        "connection": (type(response.connection), type(response._pool)),
        "asked": (response.geturl(), repr(response.retries), response.decode_content),
        "original": (type(response._original_response), sorted(vars(response._original_response))),
        "body": response._body,
    }


READ_OUT: dict[str, Callable[[Any], Any]] = {
    "read": lambda response: (response.read(), response.read()),
    "read as it came": lambda response: response.read(decode_content=False),
    "read by seven": lambda response: repeated(lambda: response.read(7)),
    "read by one": lambda response: repeated(lambda: response.read(1)),
    "read by nothing": lambda response: (response.read(0), response.read()),
    "read1": lambda response: b"".join(repeated(response.read1)),
    "read1 by seven": lambda response: b"".join(repeated(lambda: response.read1(7))),
    "stream": lambda response: list(response.stream()),
    "stream by seven": lambda response: list(response.stream(7)),
    "stream as it came": lambda response: list(response.stream(decode_content=False)),
    "stream without a size": lambda response: list(response.stream(None)),
    "readinto": filled,
    "lines": list,
    "data": lambda response: (response.data, response.data),
    "json": lambda response: (response.json(), response.json()),
    "cached": lambda response: (response.read(cache_content=True), response.data),
    "buffered": lambda response: io.BufferedReader(response).read(),
    "buffered lines": lambda response: io.BufferedReader(response, 20).readlines(),
    "text": lambda response: io.TextIOWrapper(response, "utf-8", "replace").read(),
    "readlines": lambda response: response.readlines(),
    "drained": lambda response: (response.read(3, decode_content=False), response.drain_conn(), response.read()),
}
"""Every way to read a body to its end."""

OTHERWISE: dict[str, Callable[[Any], Any]] = {
    "read_chunked": lambda response: list(response.read_chunked()),
    "read_chunked by seven": lambda response: list(response.read_chunked(7, decode_content=True)),
    "decoded, then as it came": lambda response: (response.read(5), response.read(decode_content=False)),
    "closed": lambda response: (response.read(3), response.close(), response.read()),
    "released": lambda response: (response.release_conn(), response.connection, response.read(3)),
    "shut down": lambda response: (response.shutdown(), response.read()),
    "in a block": lambda response: (response.__enter__().read(4), response.__exit__(None, None, None)),
    "pickled": pickle.dumps,
    "its file": lambda response: (response._fp.fp.peek(4)[:1], response._fp.fp.read1(4), response._fp.fp.readline()),
    "the file of its file": lambda response: (response._fp.fp.raw.readable(), response._fp.fp.closed),
    "no attribute": lambda response: getattr(response, "no such", None) or response._fp.fp.no_such,
    "closed by its file": lambda response: (response._fp.close(), response.read()),
}


WAYS = Ways(partial(ask, preload_content=False), shell, READ_OUT, OTHERWISE)


@pytest.mark.parametrize("answer", WHOLE)
def test_every_way_to_read_a_body_gives_the_same(answer: str, wire: Verbatim) -> None:
    WAYS.end_it(wire, WHOLE[answer])


@pytest.mark.parametrize("answer", WHOLE)
def test_whatever_else_is_done_with_an_answer_gives_the_same(answer: str, wire: Verbatim) -> None:
    WAYS.do_otherwise(wire, WHOLE[answer])


@pytest.mark.parametrize("answer", BROKEN)
def test_a_broken_body_breaks_in_the_same_way(answer: str, wire: Verbatim) -> None:
    WAYS.break_it(wire, BROKEN[answer])


@pytest.mark.parametrize("answer", BROKEN)
@pytest.mark.parametrize("way", ["read", "stream", "data"])
def test_a_broken_body_that_is_read_is_an_error(answer: str, way: str, wire: Verbatim) -> None:
    WAYS.fail_by(way, wire, BROKEN[answer])


@pytest.mark.parametrize("decode_content", [True, False])
@pytest.mark.parametrize("answer", WHOLE)
def test_a_preloaded_answer_is_the_same(answer: str, decode_content: bool, wire: Verbatim) -> None:
    wire.answers = [WHOLE[answer]]

    def scenario() -> Any:
        response = ask(wire.url, decode_content=decode_content)
        return shell(response), response.data, response.read(), shell(response)

    call = same(wire.host, scenario).only
    assert (call.outcome, call.cost) == ("completed", COST)


@pytest.mark.parametrize("answer", [*BROKEN, *BEHEADED])
def test_a_broken_answer_breaks_in_the_same_way(answer: str, wire: Verbatim) -> None:
    wire.answers = [(BROKEN | BEHEADED)[answer]]
    seen = same(wire.host, lambda: shell(ask(wire.url)))
    assert len(seen) == len(seen.spans) == 1
    assert (seen.only.outcome, seen.only.cost) == ("error", None)
    assert seen.only.http_status == (200 if answer in BROKEN else None)
    assert [call.http_status for call in seen.opened] == [200] * (answer in BROKEN)


def test_a_connection_is_used_again_and_nothing_of_ours_is_left_on_it(server: Replay) -> None:
    server.answer = Answer(200, JSON, [plain()])

    def scenario() -> Any:
        with urllib3.HTTPConnectionPool("127.0.0.1", server.server_address[1], maxsize=1, block=True) as pool:
            for preload in (True, False, True):
                pool.request("POST", "/api/v1/chat/completions", body=BODY, preload_content=preload).data  # noqa: B018
            connection = pool.pool.get()
            left = sorted(vars(connection))
            connection.close()
            return pool.num_connections, pool.num_requests, left

    seen = same(server.host, scenario)
    assert [call.cost for call in seen] == [COST] * 3


def test_an_answer_of_no_length_is_over_with_its_head(wire: Verbatim) -> None:
    wire.answers = [head(204, x_generation_id=GENERATION)]

    def scenario() -> Any:
        response = ask(wire.url, preload_content=False)
        return shell(response), response.close(), shell(response)

    assert same(wire.host, scenario).only.http_status == 204
    with watched(wire.host) as seen:
        response = ask(wire.url, preload_content=False)
        assert (len(seen.ended), seen.only.generation_id) == (1, GENERATION)
        response.close()


def test_nothing_is_added_to_the_request(wire: Verbatim) -> None:
    wire.answers = [WHOLE["sized"]]
    headers = {"Authorization": "Bearer sk-or-v1-secret-of-a-test", "x-Session-ID": "s_7", "X-Title": "Shop"}
    call = same(wire.host, lambda: ask(wire.url, headers=headers).data).only
    bare, hooked = wire.requests
    assert hooked == bare
    assert (call.session, call.app_title) == ("s_7", "Shop")
    assert call.key_hash is not None
    assert "sk-or-v1-secret" not in repr(call)


@pytest.mark.parametrize(
    "headers",
    [
        urllib3.HTTPHeaderDict({"X-SESSION-ID": "s_7"}),
        {b"X-Session-Id": b"s_7"},
        {"x-session-id": b"s_7"},
    ],
)
def test_headers_are_understood_however_they_are_given(headers: Any, wire: Verbatim) -> None:
    wire.answers = [WHOLE["sized"]]
    assert same(wire.host, lambda: ask(wire.url, headers=headers).data).only.session == "s_7"


@pytest.mark.parametrize(
    ("body", "model"),
    [
        (BODY, PROMPT["model"]),
        (BODY.decode(), PROMPT["model"]),
        (bytearray(BODY), PROMPT["model"]),
        (memoryview(BODY), PROMPT["model"]),
        (None, None),
        (b"", None),
        ("{\ud800}", None),
    ],
)
def test_a_body_in_memory_is_known(body: Any, model: str | None, wire: Verbatim) -> None:
    wire.answers = [WHOLE["sized"]]
    seen = same(wire.host, lambda: ask(wire.url, body=body).data)
    assert [call.request_model for call in seen] == [model]


@pytest.mark.parametrize("body", [lambda: io.BytesIO(BODY), lambda: iter([BODY[:9], BODY[9:]]), lambda: [BODY]])
def test_a_body_that_is_a_stream_is_not_read_for_us(body: Callable[[], Any], server: Replay) -> None:
    server.answer = Answer(200, JSON, [plain()])
    call = same(server.host, lambda: ask(server.url, body=body()).data).only
    assert (call.outcome, call.request_model) == ("completed", None)


def test_a_body_given_as_json_is_known(wire: Verbatim) -> None:
    wire.answers = [WHOLE["sized"]]
    assert same(wire.host, lambda: ask(wire.url, body=None, json=PROMPT).data).only.request_model == PROMPT["model"]


def answered(status: int, body: bytes = b"{}", **headers: str) -> bytes:
    """Return an answer behind which the connection is closed."""
    return head(status, connection="close", content_length=str(len(body)), **headers) + body


def test_each_attempt_is_a_call_of_its_own(wire: Verbatim, caplog: pytest.LogCaptureFixture) -> None:
    """What the first ones said is drained by urllib3 before anybody sees it."""
    refused = b'{"error":{"message":"Rate limit exceeded","code":429}}'
    lost = b'{"error":{"message":"Provider returned error","code":502}}'
    wire.answers = [
        answered(429, refused),
        answered(502, lost),
        b"",
        WHOLE["gzipped chunks"],
    ]
    retry = urllib3.Retry(5, status_forcelist=[429, 502], allowed_methods=None, backoff_factor=0)

    def scenario() -> Any:
        response = ask(wire.url, retries=retry)
        return shell(response), response.data

    seen = same(wire.host, scenario)
    assert [(call.outcome, call.http_status, call.error_type, call.error_message, call.cost) for call in seen] == [
        ("error", 429, "429", "Rate limit exceeded", None),
        ("error", 502, "502", "Provider returned error", None),
        ("error", None, "http.client.RemoteDisconnected", None, None),
        ("completed", 200, None, None, COST),
    ]
    assert len({call.span_id for call in seen}) == 4
    first = next(iter(seen)).call_id
    assert [(call.attempt_of, call.retry) for call in seen] == [(None, None), (first, 1), (first, 2), (first, 3)]
    told = [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]
    assert len(told) == 2, "urllib3 warns of a connection that is lost, in either run."
    assert told[0] == told[1]
    caplog.clear()


def test_attempts_run_out_in_the_same_way(wire: Verbatim) -> None:
    wire.answers = [answered(503)]
    retry = urllib3.Retry(2, status_forcelist=[503], allowed_methods=None)
    seen, told = raised(wire.host, lambda: ask(wire.url, retries=retry))
    assert told is urllib3.exceptions.MaxRetryError
    assert [(call.outcome, call.http_status) for call in seen] == [("error", 503)] * 3


def test_a_request_that_is_made_twice_is_no_second_try(wire: Verbatim) -> None:
    wire.answers = [answered(503), WHOLE["sized"]]
    retry = urllib3.Retry(2, status_forcelist=[], allowed_methods=None)
    seen = same(wire.host, lambda: [ask(wire.url, retries=retry).status for _ in range(2)])
    assert [(call.http_status, call.attempt_of) for call in seen] == [(503, None), (200, None)]


def test_each_step_of_a_redirect_is_an_exchange(wire: Verbatim) -> None:
    wire.answers = [
        answered(307, location="/api/v1/chat/completions?again"),
        WHOLE["chunked"],
    ]

    def scenario() -> Any:
        response = ask(wire.url, retries=urllib3.Retry(3))
        return shell(response), response.data

    seen = same(wire.host, scenario)
    assert [(call.http_status, call.cost, call.attempt_of) for call in seen] == [(307, None, None), (200, COST, None)]


def test_a_redirect_elsewhere_is_none_of_ours(wire: Verbatim) -> None:
    wire.answers = [answered(303, location="/elsewhere"), WHOLE["chunked"]]
    seen = same(wire.host, lambda: shell(ask(wire.url, retries=urllib3.Retry(3))))
    assert [call.http_status for call in seen] == [303]


def test_too_many_redirects(wire: Verbatim) -> None:
    wire.answers = [answered(307, location="/api/v1/chat/completions")]
    seen, told = raised(wire.host, lambda: ask(wire.url, retries=urllib3.Retry(1)))
    assert (told, len(seen)) == (urllib3.exceptions.MaxRetryError, 2)


def test_a_proxy_that_forwards_is_not_taken_for_the_host(server: Replay) -> None:
    server.answer = Answer(200, SSE, STREAM)

    def scenario() -> Any:
        with urllib3.ProxyManager(f"http://{server.host}") as proxy:
            return proxy.request("POST", "http://openrouter.ai/api/v1/chat/completions", body=BODY).data

    call = same("unused.example", scenario).only
    assert (call.cost, call.server_address, call.server_port) == (COST, "openrouter.ai", 80)
    with watched(server.host) as seen, urllib3.ProxyManager(f"http://{server.host}") as proxy:
        proxy.request("POST", "http://api.example/api/v1/chat/completions", body=BODY)
    assert list(seen) == []


def test_a_tunnel_that_is_refused_is_no_exchange(wire: Verbatim) -> None:
    """Nothing was asked of OpenRouter."""
    wire.answers = [b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n"]

    def scenario() -> Any:
        with urllib3.ProxyManager(f"http://{wire.host}") as proxy:
            return proxy.request("POST", "https://openrouter.ai/api/v1/chat/completions", body=BODY, retries=NO_RETRY)

    seen, told = raised("unused.example", scenario)
    assert (told, list(seen), seen.spans) == (urllib3.exceptions.ProxyError, [], ())


def test_the_pool_is_closed(wire: Verbatim) -> None:
    def scenario() -> Any:
        pool = urllib3.connection_from_url(wire.url)
        pool.close()
        pool.urlopen("POST", "/api/v1/chat/completions", body=BODY)

    assert raised(wire.host, scenario)[1] is urllib3.exceptions.ClosedPoolError


@pytest.mark.parametrize(
    ("arguments", "options"),
    [
        ((), {}),
        (("POST",), {}),
        (("POST", None), {}),
        (("PO\nST", "/api/v1/chat/completions"), {}),
        (("POST", "/api/v1/chat/completions"), {"nonsense": 1}),
        (("POST", "http://elsewhere.example/"), {}),
        (("POST", "/api/v1/chat/completions"), {"headers": {"X": None}}),
        (("POST", "/api/v1/chat/completions"), {"timeout": "soon"}),
        (("POST", "/api/v1/chat/completions"), {"body": 7}),
    ],
)
def test_the_arguments_are_wrong(arguments: Any, options: Any, wire: Verbatim) -> None:
    def scenario() -> Any:
        with urllib3.connection_from_url(wire.url, timeout=10, retries=NO_RETRY) as pool:
            return pool.urlopen(*arguments, **options)

    raised(wire.host, scenario)


class Pieces:
    """A connection of somebody else's, which makes its responses itself."""

    def __init__(self, response: Callable[[], Any]) -> None:
        self.response = response

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        own = type("Own", (HTTPConnection,), {"connect": lambda _: None, "getresponse": lambda _: self.response()})
        own.request = lambda *_args, **_kwargs: None
        return own(*args, **kwargs)


ZIPPED = urllib3.HTTPHeaderDict({**JSON, "content-encoding": "gzip"})


class OfHttp2(urllib3.BaseHTTPResponse):
    """As `urllib3.http2.connection.HTTP2Response`, which has read the body as it came."""

    data = gzip.compress(plain())
    length_remaining = 0

    def __init__(self, **_: Any) -> None:
        kinds = {"version": 20, "version_string": "HTTP/2", "reason": None, "decode_content": True}
        super().__init__(status=200, headers=ZIPPED, request_url="/api/v1/chat/completions", **kinds)

    def get_redirect_location(self) -> None:
        return None

    def close(self) -> None:
        pass


def from_a_file(**options: Any) -> Any:
    return urllib3.HTTPResponse(io.BytesIO(OfHttp2.data), ZIPPED, 200, **options)


def asked_of(make: Callable[..., Any], **options: Any) -> Any:
    """Return what a pool gives whose connections make their responses by `make`."""
    pool = urllib3.HTTPConnectionPool("openrouter.ai")
    pool.ConnectionCls = Pieces(partial(make, **options))
    response = pool.urlopen("POST", "/api/v1/chat/completions", body=BODY, **options)
    return type(response), response.status, response.data


@pytest.mark.parametrize("make", [OfHttp2, from_a_file])
@pytest.mark.parametrize("decode_content", [True, False])
def test_a_response_that_http_client_had_no_part_in_is_taken_whole(
    make: Callable[..., Any], decode_content: bool
) -> None:
    call = same("unused.example", lambda: asked_of(make, decode_content=decode_content)).only
    assert (call.outcome, call.cost, call.http_status) == ("completed", COST, 200)


def test_a_response_that_is_read_from_elsewhere_is_not_heard() -> None:
    call = same("unused.example", lambda: asked_of(from_a_file, preload_content=False)).only
    assert (call.outcome, call.cost, call.http_status) == ("closed", None, 200)


def test_make_request_looks_as_it_did() -> None:
    def look() -> Any:
        function = urllib3.HTTPConnectionPool._make_request
        return (
            inspect.signature(function),
            inspect.isfunction(function),
            function.__name__,
            function.__qualname__,
            function.__doc__,
            function.__module__,
        )

    bare = look()
    with watched():
        assert look() == bare


def test_the_connection_of_another_host_is_left_alone(server: Replay) -> None:
    server.answer = Answer(200, SSE, TEXT, hold=True)
    with watched("127.0.0.2"):
        response = ask(server.url, preload_content=False)
        assert type(response._fp.fp) is io.BufferedReader
        response.close()


def test_a_pool_of_the_applications_own_is_seen_once(server: Replay) -> None:
    server.answer = Answer(200, JSON, [plain()])

    class Own(urllib3.HTTPConnectionPool):
        def _make_request(self, conn: Any, method: Any, url: Any, **options: Any) -> Any:
            options["headers"] = {**options["headers"], "x-own": "1"}
            return super()._make_request(conn, method, url, **options)

    def scenario() -> Any:
        with Own("127.0.0.1", server.server_address[1]) as pool:
            return pool.request("POST", "/api/v1/chat/completions", body=BODY).data

    assert same(server.host, scenario).only.cost == COST
    assert server.requests[-1].headers["x-own"] == "1"
