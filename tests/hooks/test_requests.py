"""requests sits on urllib3, and is seen there: one request is one Call, and the application sees nothing."""

import io
import pickle
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
import requests
import urllib3
from requests.adapters import HTTPAdapter
from requests.auth import HTTPDigestAuth

from tests.hooks.blocking import BODY, Ways, raised, repeated, run, same, undated
from tests.hooks.wires import BEHEADED, BROKEN, WHOLE, sized
from tests.support.answers import COST, JSON, PROMPT, SSE, STREAM, TEXT, plain
from tests.support.replay import Answer, Replay
from tests.support.verbatim import Verbatim
from tests.support.watched import watched

pytestmark = pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")


def ask(url: str, **options: Any) -> requests.Response:
    return requests.post(url, **{"json": PROMPT, "timeout": 10, **options})


def shell(response: requests.Response) -> dict[str, Any]:
    """Return what there is to see of a response, read or not."""
    raw = response.raw
    return {
        "class": (type(response), type(raw), type(raw._original_response)),
        "attributes": sorted(vars(response)),
        "of raw": (sorted(vars(raw)), raw.closed, raw.tell(), raw.chunk_left, type(raw.connection)),
        "status": (response.status_code, response.reason, response.ok, repr(response)),
        "headers": undated(response.headers),
        "encoding": response.encoding,
        "url": response.url,
        "cookies": dict(response.cookies),
        "history": [shell(each) for each in response.history],
        "next": response.next and response.next.url,
        "request": (response.request.method, dict(response.request.headers), response.request.body),
        "elapsed": type(response.elapsed),
        "read": (response._content_consumed, response._content),
    }


def snapshot(response: requests.Response) -> dict[str, Any]:
    """Return everything that there is to see of a response that is read."""
    copy = pickle.loads(pickle.dumps(response))
    return {
        "content": response.content,
        "text": response.text,
        "apparent": response.apparent_encoding,
        "json": run(response.json),
        "status": run(response.raise_for_status),
        "pickled": (copy.content, copy.status_code, undated(copy.headers), copy.raw),
        **shell(response),
    }


READ_OUT: dict[str, Callable[[requests.Response], Any]] = {
    "content": lambda response: (response.content, response.content),
    "text": lambda response: response.text,
    "json": lambda response: (response.json(), response.json()),
    "iter_content": lambda response: list(response.iter_content()),
    "iter_content by hundreds": lambda response: list(response.iter_content(100)),
    "iter_content as it comes": lambda response: list(response.iter_content(None)),
    "iter_content as text": lambda response: list(response.iter_content(7, decode_unicode=True)),
    "iter_lines": lambda response: list(response.iter_lines()),
    "iter_lines by seven": lambda response: list(response.iter_lines(chunk_size=7, decode_unicode=True)),
    "iter_lines of events": lambda response: list(response.iter_lines(delimiter=b"\n\n")),
    "iterated": list,
    "raw": lambda response: response.raw.read(),
    "raw by nine": lambda response: repeated(lambda: response.raw.read(9, decode_content=True)),
    "raw data": lambda response: response.raw.data,
    "raw stream": lambda response: list(response.raw.stream(9)),
    "raw buffered": lambda response: io.BufferedReader(response.raw).readlines(),
    "pickled": lambda response: pickle.loads(pickle.dumps(response)).content,
}

OTHERWISE: dict[str, Callable[[requests.Response], Any]] = {
    "read twice": lambda response: (b"".join(response.iter_content(9)), list(response.iter_content(9))),
    "then its content": lambda response: (b"".join(response.iter_content(9)), response.content),
    "closed": lambda response: (response.raw.read(3), response.close(), response.content),
    "in a block": lambda response: (response.__enter__().raw.read(4), response.__exit__(None, None, None)),
    "by the size of a word": lambda response: response.iter_content("9"),
    "by its socket": lambda response: response.raw._fp.fp.raw.readable(),
    "as sseclient reads": lambda response: response.raw._fp.fp.read1(4),
}


WAYS = Ways(partial(ask, stream=True), shell, READ_OUT, OTHERWISE)


@pytest.mark.parametrize("answer", WHOLE)
def test_every_way_to_read_a_body_gives_the_same(answer: str, wire: Verbatim) -> None:
    WAYS.end_it(wire, WHOLE[answer])


@pytest.mark.parametrize("answer", WHOLE)
def test_whatever_else_is_done_with_an_answer_gives_the_same(answer: str, wire: Verbatim) -> None:
    WAYS.do_otherwise(wire, WHOLE[answer])


@pytest.mark.parametrize("answer", BROKEN)
def test_a_broken_body_breaks_in_the_same_way(answer: str, wire: Verbatim) -> None:
    WAYS.break_it(wire, BROKEN[answer])


@pytest.mark.parametrize("answer", WHOLE)
def test_a_plain_answer_is_the_same(answer: str, wire: Verbatim) -> None:
    wire.answers = [WHOLE[answer]]
    call = same(wire.host, lambda: snapshot(ask(wire.url))).only
    assert (call.outcome, call.cost, call.request_model) == ("completed", COST, PROMPT["model"])


@pytest.mark.parametrize("answer", [*BROKEN, *BEHEADED])
def test_a_broken_answer_breaks_in_the_same_way(answer: str, wire: Verbatim) -> None:
    wire.answers = [(BROKEN | BEHEADED)[answer]]
    seen = same(wire.host, lambda: snapshot(ask(wire.url)))
    assert len(seen) == len(seen.spans) == 1
    assert (seen.only.outcome, seen.only.cost) == ("error", None)


@pytest.mark.parametrize(
    "answer",
    [
        Answer(200, {"content-type": "text/plain; charset=latin-1"}, [b"caf\xe9"]),
        Answer(200, JSON, [b'{"id":"\xff\xfe"}']),
        Answer(200, JSON, []),
        Answer(500, {"content-type": "text/html"}, [b"<h1>Sorry</h1>"]),
        Answer(429, {**JSON, "retry-after": "1"}, [b'{"error":{"message":"Rate limit","code":429}}']),
    ],
    ids=["no json", "no utf-8", "empty", "broken", "refused"],
)
@pytest.mark.parametrize("stream", [False, True])
def test_an_answer_that_is_none_is_the_same(answer: Answer, stream: bool, server: Replay) -> None:
    server.answer = answer
    assert len(same(server.host, lambda: snapshot(ask(server.url, stream=stream)))) == 1


def test_a_session_keeps_its_cookies_and_its_connection(server: Replay) -> None:
    server.answer = Answer(200, {**JSON, "set-cookie": "a=b; Path=/"}, [plain()])

    def scenario() -> Any:
        with requests.Session() as session:
            answers = [snapshot(session.post(server.url, json=PROMPT)) for _ in range(3)]
            (pool,) = session.adapters["http://"].poolmanager.pools._container.values()
            return answers, dict(session.cookies), pool.num_connections, pool.num_requests

    assert [call.cost for call in same(server.host, scenario)] == [COST] * 3
    assert [request.headers.get("cookie") for request in server.requests[3:]] == [None, "a=b", "a=b"]


def test_redirects_are_followed_with_the_same_history(server: Replay) -> None:
    """requests makes a request of each step."""
    server.answers["/api/v1/chat/completions"] = Answer(307, {**JSON, "location": "/v1/chat/completions"}, [b"{}"])
    server.answers["/v1/chat/completions"] = Answer(200, JSON, [plain()])

    def scenario() -> Any:
        response = ask(server.url)
        return snapshot(response), [each.content for each in response.history]

    seen = same(server.host, scenario)
    assert [(call.http_status, call.cost) for call in seen] == [(307, None), (200, COST)]


def test_redirects_are_left_alone_where_they_are_not_followed(server: Replay) -> None:
    server.answer = Answer(307, {**JSON, "location": "/elsewhere"}, [b"{}"])
    assert same(server.host, lambda: snapshot(ask(server.url, allow_redirects=False))).only.http_status == 307


def test_too_many_redirects(server: Replay) -> None:
    server.answer = Answer(307, {**JSON, "location": "/api/v1/chat/completions"}, [b"{}"])

    def scenario() -> Any:
        with requests.Session() as session:
            session.max_redirects = 2
            return session.post(server.url, json=PROMPT)

    seen, told = raised(server.host, scenario)
    assert (told, len(seen)) == (requests.TooManyRedirects, 3)


def test_an_auth_that_answers_a_challenge_makes_two_requests(server: Replay) -> None:
    server.answer = Answer(401, {**JSON, "www-authenticate": 'Digest realm="r", nonce="n"'}, [b"{}"])
    seen = same(server.host, lambda: ask(server.url, auth=HTTPDigestAuth("user", "pass")).status_code)
    assert [call.http_status for call in seen] == [401, 401]


def consume(response: requests.Response, **_: Any) -> Any:
    return response.content and None


def close(response: requests.Response, **_: Any) -> None:
    response.close()


def leave(_response: requests.Response, **_: Any) -> None:
    raise LookupError("no such model")


def check(response: requests.Response, **_: Any) -> None:
    response.raise_for_status()


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("act", [consume, close, leave, check])
def test_a_response_hook_may_spoil_the_answer(act: Any, stream: bool, server: Replay) -> None:
    server.answer = Answer(402, JSON, [plain()])
    seen = same(server.host, lambda: snapshot(ask(server.url, stream=stream, hooks={"response": act})))
    assert len(seen) == len(seen.spans) == 1
    assert seen.only.error_type is not None


def test_the_attempts_of_an_adapter_are_calls_of_their_own(wire: Verbatim) -> None:
    wire.answers = [sized(b'{"error":{"message":"No","code":503}}').replace(b"200", b"503", 1), WHOLE["chunked"]]
    wire.answers = [each.replace(b"\r\n", b"\r\nConnection: close\r\n", 1) for each in wire.answers]
    retry = urllib3.Retry(3, status_forcelist=[503], allowed_methods=None)

    def scenario() -> Any:
        with requests.Session() as session:
            session.mount("http://", HTTPAdapter(max_retries=retry))
            return snapshot(session.post(wire.url, json=PROMPT, timeout=10))

    seen = same(wire.host, scenario)
    assert [(call.http_status, call.error_message, call.cost) for call in seen] == [
        (503, "No", None),
        (200, None, COST),
    ]
    refused, answered = seen
    assert (answered.attempt_of, answered.retry) == (refused.call_id, 1)


def test_nothing_is_added_to_the_request(server: Replay) -> None:
    server.answer = Answer(200, JSON, [plain()])
    headers = {"Authorization": "Bearer sk-or-v1-secret-of-a-test", "X-SESSION-ID": "s_7", b"X-Title": b"Shop"}
    call = same(server.host, lambda: ask(server.url, headers=headers).content).only
    bare, hooked = server.requests
    assert hooked == bare
    assert (call.session, call.app_title) == ("s_7", "Shop")
    assert call.key_hash is not None
    assert "sk-or-v1-secret" not in repr(call)


@pytest.mark.parametrize(
    ("options", "model"),
    [
        (lambda: {"data": BODY}, PROMPT["model"]),
        (lambda: {"data": BODY.decode()}, PROMPT["model"]),
        (lambda: {"data": None, "files": {"model": (None, "m/x"), "file": ("a.wav", b"RIFF")}}, "m/x"),
        (lambda: {"data": io.BytesIO(BODY)}, None),
        (lambda: {"data": iter([BODY[:9], BODY[9:]])}, None),
        (lambda: {"data": {"model": "m/x"}}, None),
    ],
    ids=["bytes", "text", "form with a file", "file", "generator", "form"],
)
def test_a_body_in_memory_is_known_and_another_is_not_read_for_us(
    options: Callable[[], Any], model: str | None, server: Replay
) -> None:
    server.answer = Answer(200, JSON, [plain()])
    call = same(server.host, lambda: ask(server.url, json=None, **options()).content).only
    assert (call.cost, call.request_model) == (COST, model)


def test_a_prepared_request_is_seen(server: Replay) -> None:
    server.answer = Answer(200, SSE, STREAM)

    def scenario() -> Any:
        with requests.Session() as session:
            prepared = session.prepare_request(requests.Request("POST", server.url, json=PROMPT))
            return session.send(prepared, stream=True).content

    assert same(server.host, scenario).only.cost == COST


def test_a_proxy_that_forwards_is_not_taken_for_the_host(server: Replay) -> None:
    server.answer = Answer(200, SSE, STREAM)

    def scenario() -> Any:
        url = "http://openrouter.ai/api/v1/chat/completions"
        return ask(url, proxies={"http": f"http://{server.host}"}).content

    call = same("unused.example", scenario).only
    assert (call.cost, call.server_address) == (COST, "openrouter.ai")


def test_a_line_is_handed_on_as_soon_as_it_has_come(server: Replay) -> None:
    server.answer = Answer(200, SSE, TEXT, hold=True)
    with watched(server.host) as seen, ask(server.url, stream=True) as response:
        lines = response.iter_lines(chunk_size=None)
        assert next(lines) == TEXT[0].rstrip()
        assert list(seen) == []


@pytest.mark.parametrize("url", ["http://[", "openrouter.ai/api", "ftp://openrouter.ai/x", "http:///x", "", "http://*"])
def test_the_url_is_none(url: str) -> None:
    assert list(raised("unused.example", lambda: ask(url))[0]) == []
