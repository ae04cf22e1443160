"""`urllib.request`, hooked, is what the standard library's documentation says it is."""

import gc
import http.client
import inspect
import io
import pickle
import urllib.error
import urllib.request
from collections.abc import Callable
from http.cookiejar import CookieJar
from typing import Any

import pytest

from tests.hooks.blocking import BODY, Ways, filled, raised, repeated, same, undated
from tests.hooks.wires import BEHEADED, BROKEN, WHOLE, head, sized
from tests.support.answers import COST, GENERATION, JSON, PROMPT, SSE, STREAM, TEXT, plain
from tests.support.replay import Answer, Replay
from tests.support.verbatim import Verbatim
from tests.support.watched import watched

# An exception, and what is dropped, leave their sockets to the collector, bare or hooked.
pytestmark = pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")
UNDONE = [answer for answer in WHOLE if b"content-encoding" not in WHOLE[answer]]


def request(url: str, **headers: str) -> urllib.request.Request:
    return urllib.request.Request(url, BODY, {"Content-Type": "application/json", **headers})


def ask(url: str) -> Any:
    return urllib.request.urlopen(request(url), timeout=10)


def shell(response: Any) -> dict[str, Any]:
    """Return what there is to see of a response, read or not."""
    return {
        "class": type(response),
        "attributes": sorted(vars(response)),
        "status": (response.status, response.code, response.getcode(), response.reason, response.msg, response.version),
        "headers": undated(response.headers),
        "url": (response.url, response.geturl()),
        "closed": (response.closed, response.isclosed(), response.readable(), response.seekable(), response.writable()),
        "body": (response.chunked, response.length, response.chunk_left, response.will_close),
    }


READ_OUT: dict[str, Callable[[Any], Any]] = {
    "read": lambda response: (response.read(), response.read()),
    "read by seven": lambda response: repeated(lambda: response.read(7)),
    "read by one": lambda response: repeated(lambda: response.read(1)),
    "read by nothing": lambda response: (response.read(0), response.read()),
    "read1": lambda response: b"".join(repeated(response.read1)),
    "read1 by seven": lambda response: b"".join(repeated(lambda: response.read1(7))),
    "readinto": filled,
    "readline": lambda response: repeated(response.readline),
    "readline by seven": lambda response: repeated(lambda: response.readline(7)),
    "readlines": lambda response: response.readlines(),
    "lines": list,
    "peeked": lambda response: (response.peek(5)[:1], response.read()),
    "buffered": lambda response: io.BufferedReader(response).read(),
    "buffered lines": lambda response: io.BufferedReader(response, 20).readlines(),
    "text": lambda response: io.TextIOWrapper(response, "utf-8").read(),
    "text by lines": lambda response: list(io.TextIOWrapper(response, "utf-8")),
}

OTHERWISE: dict[str, Callable[[Any], Any]] = {
    "closed": lambda response: (response.read(3), response.close(), response.closed, response.read()),
    "in a block": lambda response: (response.__enter__().read(4), response.__exit__(None, None, None)),
    "pickled": pickle.dumps,
    "its file": lambda response: (response.fp.peek(4)[:1], response.fp.read1(4), response.fp.readline()),
    "the file of its file": lambda response: (response.fp.raw.readable(), response.fp.closed),
    "its number": lambda response: response.fileno() > 0,
    "detached": lambda response: response.detach(),
    "flushed": lambda response: (response.flush(), response.read(3)),
    "no attribute": lambda response: getattr(response, "no such", None) or response.fp.no_such,
    "told": lambda response: (response.tell(), response.truncate()),
    "read wrongly": lambda response: response.read("7"),
}


WAYS = Ways(ask, shell, READ_OUT, OTHERWISE)


@pytest.mark.parametrize("answer", WHOLE)
def test_every_way_to_read_a_body_gives_the_same(answer: str, wire: Verbatim) -> None:
    WAYS.end_it(wire, WHOLE[answer], None if answer in UNDONE else [way for way in READ_OUT if "text" not in way])


@pytest.mark.parametrize("answer", WHOLE)
def test_whatever_else_is_done_with_an_answer_gives_the_same(answer: str, wire: Verbatim) -> None:
    WAYS.do_otherwise(wire, WHOLE[answer])


@pytest.mark.parametrize("answer", BROKEN)
def test_a_broken_body_breaks_in_the_same_way(answer: str, wire: Verbatim) -> None:
    WAYS.break_it(wire, BROKEN[answer])


@pytest.mark.parametrize("answer", BROKEN)
@pytest.mark.parametrize("way", ["read", "read by seven", "lines"])
def test_a_broken_body_that_is_read_is_an_error(answer: str, way: str, wire: Verbatim) -> None:
    """Even one whose end `http.client` itself says nothing about, when it is read piece by piece."""
    WAYS.fail_by(way, wire, BROKEN[answer])


@pytest.mark.parametrize("answer", BEHEADED)
def test_a_broken_answer_breaks_in_the_same_way(answer: str, wire: Verbatim) -> None:
    wire.answers = [BEHEADED[answer]]
    seen, _ = raised(wire.host, lambda: ask(wire.url))
    assert len(seen) == len(seen.spans) == 1
    assert (seen.only.outcome, seen.only.http_status) == ("error", None)


@pytest.mark.parametrize("read", [True, False])
def test_an_error_is_raised_with_its_body_still_to_come(read: bool, wire: Verbatim) -> None:
    refused = sized(b'{"error":{"message":"Rate limit","code":429}}', retry_after="1").replace(b"200", b"429", 1)
    wire.answers = [refused]

    def scenario() -> Any:
        with pytest.raises(urllib.error.HTTPError) as caught:
            ask(wire.url)
        error = caught.value
        seen = error.code, error.reason, undated(error.headers), error.url, type(error.fp), sorted(vars(error))
        return seen, error.read() if read else error.close()

    call = same(wire.host, scenario).only
    assert (call.outcome, call.http_status, call.error_type) == ("error", 429, "429")
    assert call.error_message == "Rate limit", "It has come with the head, whether it is read or not."


def test_nothing_is_added_to_the_request(wire: Verbatim) -> None:
    wire.answers = [WHOLE["sized"]]
    headers = {"Authorization": "Bearer sk-or-v1-secret-of-a-test", "x-Session-ID": "s_7", "X-Title": "Shop"}

    def scenario() -> Any:
        asked = request(wire.url, **headers)
        return urllib.request.urlopen(asked, timeout=10).read(), asked.header_items(), sorted(vars(asked))

    call = same(wire.host, scenario).only
    bare, hooked = wire.requests
    assert hooked == bare
    assert (call.session, call.app_title, call.request_model) == ("s_7", "Shop", PROMPT["model"])
    assert call.key_hash is not None
    assert "sk-or-v1-secret" not in repr(call)


def test_a_header_that_a_redirect_would_lose_is_known(wire: Verbatim) -> None:
    wire.answers = [WHOLE["sized"]]
    asked = request(wire.url)
    asked.add_unredirected_header("X-Session-Id", "s_9")
    assert same(wire.host, lambda: urllib.request.urlopen(asked, timeout=10).read()).only.session == "s_9"


@pytest.mark.parametrize("body", [io.BytesIO, lambda body: iter([body[:9], body[9:]]), lambda body: [body]])
def test_a_body_that_is_a_stream_is_not_read_for_us(body: Callable[[bytes], Any], server: Replay) -> None:
    server.answer = Answer(200, JSON, [plain()])
    call = same(server.host, lambda: urllib.request.urlopen(server.url, body(BODY), timeout=10).read()).only
    assert (call.outcome, call.cost, call.request_model) == ("completed", COST, None)


def test_a_reader_over_an_answer_is_abandoned_when_it_is_collected(server: Replay) -> None:
    """It closes the answer itself, and nothing but the collector tells that nobody asked it to."""
    server.answer = Answer(200, {**SSE, "x-generation-id": GENERATION}, TEXT, hold=True)
    with watched(server.host) as seen:
        reader = io.TextIOWrapper(ask(server.url))
        assert reader.readline() == TEXT[0].decode().removesuffix("\n")
        cycle: list[Any] = [reader]
        cycle.append(cycle)
        del reader, cycle
        gc.collect()
        assert seen.ended == ()
        assert (seen.pair[0].outcome, seen.only.generation_id) == ("abandoned", GENERATION)


def test_an_opener_of_the_applications_own_is_seen(server: Replay) -> None:
    server.answer = Answer(200, {**JSON, "set-cookie": "a=b; Path=/"}, [plain()])

    class Connection(http.client.HTTPConnection):
        def putrequest(self, *args: Any, **kwargs: Any) -> None:
            super().putrequest(*args, **kwargs)
            self.putheader("x-own", "1")

    class Handler(urllib.request.HTTPHandler):
        def http_open(self, asked: Any) -> Any:
            return self.do_open(Connection, asked)

    def scenario() -> Any:
        jar = CookieJar()
        opener = urllib.request.build_opener(Handler, urllib.request.HTTPCookieProcessor(jar))
        answers = [opener.open(request(server.url), timeout=10).read() for _ in range(2)]
        return answers, [(cookie.name, cookie.value) for cookie in jar]

    assert [call.cost for call in same(server.host, scenario)] == [COST, COST]
    assert [(each.headers["x-own"], each.headers.get("cookie")) for each in server.requests[2:]] == [
        ("1", None),
        ("1", "a=b"),
    ]


def test_a_connection_that_is_kept_is_left_as_it_was(server: Replay) -> None:
    server.answer = Answer(200, JSON, [plain()])
    kept = []

    class Handler(urllib.request.HTTPHandler):
        def http_open(self, asked: Any) -> Any:
            return self.do_open(self.connected, asked)

        def connected(self, host: str, **options: Any) -> Any:
            kept.append(http.client.HTTPConnection(host, **options))
            return kept[-1]

    def scenario() -> Any:
        urllib.request.build_opener(Handler).open(request(server.url), timeout=10).read()
        return sorted(vars(kept[-1]))

    assert same(server.host, scenario).only.cost == COST


def test_a_connection_that_makes_its_responses_itself_is_not_heard(server: Replay) -> None:
    server.answer = Answer(200, JSON, [plain()])

    class Own(http.client.HTTPConnection):
        def getresponse(self) -> Any:
            response = http.client.HTTPResponse(self.sock, method="POST")
            response.begin()
            return response

    class Handler(urllib.request.HTTPHandler):
        def http_open(self, asked: Any) -> Any:
            return self.do_open(Own, asked)

    opener = urllib.request.build_opener(Handler)
    call = same(server.host, lambda: opener.open(request(server.url), timeout=10).read()).only
    assert (call.outcome, call.cost) == ("closed", None)


def test_a_redirect_of_a_post_asks_for_something_else(wire: Verbatim) -> None:
    """The standard library follows it with a GET."""
    moved = head(303, location="/elsewhere", content_length="2", **JSON) + b"{}"
    wire.answers = [moved, WHOLE["sized"]]
    assert [call.http_status for call in same(wire.host, lambda: ask(wire.url).read())] == [303]


def test_a_proxy_that_forwards_is_not_taken_for_the_host(server: Replay) -> None:
    server.answer = Answer(200, SSE, STREAM)
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({"http": f"http://{server.host}"}))

    def scenario() -> Any:
        return opener.open(request("http://openrouter.ai/api/v1/chat/completions"), timeout=10).read()

    call = same("unused.example", scenario).only
    assert (call.cost, call.server_address, call.server_port) == (COST, "openrouter.ai", 80)


def test_a_tunnel_that_is_refused(wire: Verbatim) -> None:
    wire.answers = [b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n"]
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({"https": f"http://{wire.host}"}))
    asked = "https://openrouter.ai/api/v1/chat/completions"
    seen, told = raised("unused.example", lambda: opener.open(request(asked), timeout=10))
    assert (told, seen.only.outcome, seen.only.http_status) == (urllib.error.URLError, "error", None)


def test_a_line_is_handed_on_as_soon_as_it_has_come(server: Replay) -> None:
    server.answer = Answer(200, SSE, TEXT, hold=True)
    with watched(server.host) as seen, ask(server.url) as response:
        assert response.readline() == TEXT[0].removesuffix(b"\n")
        assert list(seen) == []


@pytest.mark.parametrize(
    "asked",
    [
        lambda url: urllib.request.urlopen(url, "text"),
        lambda url: urllib.request.urlopen(url, 7),
        lambda url: urllib.request.urlopen(url, BODY, timeout="soon"),
        lambda url: urllib.request.urlopen(urllib.request.Request(url, BODY, {"X": "a\nb"})),
        lambda url: urllib.request.urlopen(urllib.request.Request(url, BODY, {"X": 7})),
        lambda _url: urllib.request.HTTPHandler().do_open(),
        lambda _url: urllib.request.HTTPHandler().do_open(http.client.HTTPConnection),
        lambda url: urllib.request.HTTPHandler().do_open(None, request(url)),
        lambda url: urllib.request.HTTPHandler().do_open(http.client.HTTPConnection, request(url), 1),
        lambda url: urllib.request.HTTPHandler().do_open(http.client.HTTPConnection, request(url), nonsense=1),
        lambda _url: urllib.request.urlopen("http://["),
        lambda _url: urllib.request.urlopen("http:///x", BODY),
    ],
)
def test_the_arguments_are_wrong(asked: Callable[[str], Any], wire: Verbatim) -> None:
    wire.answers = [WHOLE["sized"]]
    same(wire.host, lambda: asked(wire.url).read())


def test_do_open_looks_as_it_did() -> None:
    def look() -> Any:
        function = urllib.request.AbstractHTTPHandler.do_open
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
    with watched("127.0.0.2"), ask(server.url) as response:
        assert type(response.fp) is io.BufferedReader
