"""With `link_broadcast` a request names our span, and is the application's own again when it has been sent."""

import asyncio
import json
import threading
import urllib.request
from collections.abc import Callable, Iterator
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import ModuleType
from typing import Any

import aiohttp
import httpx
import httpx2
import pytest
import requests
import urllib3
from opentelemetry.sdk.trace import TracerProvider

from spancast.capture.route import Routes
from spancast.hooks.patching import Patches
from spancast.hooks.table import HOOKS
from spancast.recording.recorder import Recorder
from spancast.trace.tracing import Tracing
from tests.support.answers import JSON, plain
from tests.support.watching import Seen

BODY = {"model": "openai/gpt-5-mini", "messages": []}


class Server:
    """Answers, and remembers which bodies came and how long they were said to be."""

    def __init__(self) -> None:
        self.bodies: list[bytes] = []
        bodies = self.bodies

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                if self.path.endswith("/moved"):
                    self.rfile.read(int(self.headers["content-length"]))
                    self.send_response(307)
                    self.send_header("location", "/api/v1/chat/completions")
                    self.send_header("content-length", "0")
                    self.end_headers()
                    return
                bodies.append(self.rfile.read(int(self.headers["content-length"])))
                body = plain()
                self.send_response(200)
                self.send_header("content-type", JSON["content-type"])
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: Any) -> None:
                """Say nothing."""

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"127.0.0.1:{self._http.server_port}"
        self.url = f"http://{self.address}/api/v1/chat/completions"
        self._thread = threading.Thread(target=self._http.serve_forever)
        self._thread.start()

    def close(self) -> None:
        self._http.shutdown()
        self._thread.join()
        self._http.server_close()


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server()
    yield server
    server.close()


@pytest.fixture
def seen(server: Server) -> Iterator[Seen]:
    seen, tracing = Seen(), Tracing(TracerProvider(shutdown_on_exit=False))
    patches = Patches(Recorder(Routes([server.address]), tracing, seen.keep, link_broadcast=True))
    patches.install(HOOKS)
    yield seen
    patches.remove()


def sync(module: ModuleType, url: str, **body: Any) -> Any:
    with module.Client() as client:
        return client.send(client.build_request("POST", url, **body))


def in_a_loop(module: ModuleType, url: str, **body: Any) -> Any:
    async def main() -> Any:
        async with module.AsyncClient() as client:
            return await client.send(client.build_request("POST", url, **body))

    return asyncio.run(main())


CLIENTS = pytest.mark.parametrize("module", [httpx, httpx2])
WAYS = pytest.mark.parametrize("post", [sync, in_a_loop])
Post = Callable[..., Any]


@CLIENTS
@WAYS
def test_a_request_names_the_span_of_its_call(module: ModuleType, post: Post, server: Server, seen: Seen) -> None:
    post(module, server.url, json=BODY)

    (body,) = map(json.loads, server.bodies)
    assert body == {**BODY, "trace": {"trace_id": seen.only.trace_id, "parent_span_id": seen.only.span_id}}
    assert seen.only.linked


@CLIENTS
@WAYS
def test_the_request_is_the_applications_own_again_behind_it(
    module: ModuleType, post: Post, server: Server, seen: Seen
) -> None:
    response = post(module, server.url, json=BODY)

    assert json.loads(response.request.content) == BODY
    assert response.request.headers["content-length"] == str(len(response.request.content))


@CLIENTS
def test_a_request_that_is_sent_again_names_the_span_of_its_new_call(
    module: ModuleType, server: Server, seen: Seen
) -> None:
    with module.Client() as client:
        request = client.build_request("POST", server.url, json=BODY)
        client.send(request)
        client.send(request)

    named = [json.loads(body)["trace"]["parent_span_id"] for body in server.bodies]
    assert named == [call.span_id for call in seen]
    assert len(set(named)) == 2


@CLIENTS
@WAYS
def test_a_trace_that_the_application_names_is_left_alone(
    module: ModuleType, post: Post, server: Server, seen: Seen
) -> None:
    body = {**BODY, "trace": {"trace_id": "theirs"}}
    post(module, server.url, json=body)

    assert [json.loads(each) for each in server.bodies] == [body]
    assert seen.only.linked


@CLIENTS
def test_a_body_that_is_not_json_in_memory_is_sent_as_it_is(module: ModuleType, server: Server, seen: Seen) -> None:
    text = json.dumps(BODY).encode()
    sync(module, server.url, content=text, headers={"content-type": "text/plain"})
    sync(
        module,
        server.url,
        content=iter([text]),
        headers={"content-type": "application/json", "content-length": str(len(text))},
    )

    assert server.bodies == [text, text]
    assert not any(call.linked for call in seen)


@CLIENTS
def test_a_request_that_fails_is_the_applications_own_again(module: ModuleType, server: Server, seen: Seen) -> None:
    with module.Client(transport=module.HTTPTransport(local_address="127.0.0.1")) as client:
        request = client.build_request("POST", server.url, json=BODY)
        server.close()
        with pytest.raises(module.TransportError):
            client.send(request)
        server.__init__()  # type: ignore[misc]  # the fixture closes it once more

    assert json.loads(request.content) == BODY
    assert request.headers["content-length"] == str(len(request.content))


TYPE = {"content-type": "application/json"}
TEXT = json.dumps(BODY)


def by_requests(url: str, **body: Any) -> dict[str, Any]:
    """Return what the application has of its request afterwards."""
    response = requests.post(url, timeout=10, **body)
    return {"body": response.request.body, "length": response.request.headers["content-length"]}


def by_urllib3(url: str, **body: Any) -> dict[str, Any]:
    with urllib3.PoolManager() as pool:
        pool.request("POST", url, **body)
    return body


def by_urllib(url: str, **body: Any) -> dict[str, Any]:
    asked = urllib.request.Request(url, **body)
    with urllib.request.urlopen(asked, timeout=10) as response:
        response.read()
    return {"body": asked.data, "length": asked.get_header("Content-length")}


def by_aiohttp(url: str, **body: Any) -> dict[str, Any]:
    async def main() -> None:
        async with aiohttp.ClientSession() as session, session.post(url, **body) as response:
            await response.read()

    asyncio.run(main())
    return body


WAYS_OF_OTHERS: dict[str, tuple[Callable[..., dict[str, Any]], dict[str, Any]]] = {
    "requests": (by_requests, {"json": BODY}),
    "requests, bytes": (by_requests, {"data": TEXT.encode(), "headers": TYPE}),
    "requests, text": (by_requests, {"data": TEXT, "headers": TYPE}),
    "urllib3": (by_urllib3, {"json": BODY}),
    "urllib3, bytes": (by_urllib3, {"body": TEXT.encode(), "headers": TYPE}),
    "urllib3, a length": (
        by_urllib3,
        {"body": TEXT, "headers": urllib3.HTTPHeaderDict({**TYPE, "CONTENT-length": str(len(TEXT))})},
    ),
    "urllib": (by_urllib, {"data": TEXT.encode(), "headers": TYPE}),
    "urllib, a length": (by_urllib, {"data": TEXT.encode(), "headers": {**TYPE, "Content-Length": str(len(TEXT))}}),
    "aiohttp": (by_aiohttp, {"json": BODY}),
    "aiohttp, bytes": (by_aiohttp, {"data": TEXT.encode(), "headers": TYPE}),
    "aiohttp, text": (by_aiohttp, {"data": TEXT, "headers": list(TYPE.items())}),
}
others = pytest.mark.parametrize(("post", "body"), WAYS_OF_OTHERS.values(), ids=WAYS_OF_OTHERS)
Others = Callable[..., dict[str, Any]]


@others
def test_a_request_of_every_other_client_names_the_span_of_its_call(
    post: Others, body: dict[str, Any], server: Server, seen: Seen
) -> None:
    before = repr(body)
    kept = post(server.url, **body)

    (sent,) = map(json.loads, server.bodies)
    assert sent == {**BODY, "trace": {"trace_id": seen.only.trace_id, "parent_span_id": seen.only.span_id}}
    assert seen.only.linked
    assert (repr(body), kept.get("length", str(len(kept.get("body") or "")))) == (
        before,
        str(len(kept.get("body") or "")),
    )
    assert "trace_id" not in str(kept)


@others
def test_what_is_no_json_is_sent_as_it_is_by_every_other_client(
    post: Others, body: dict[str, Any], server: Server, seen: Seen
) -> None:
    field = "body" if post is by_urllib3 else "data"
    post(server.url, **{field: TEXT.encode(), "headers": {"content-type": "text/plain"}})

    assert server.bodies == [TEXT.encode()]
    assert not seen.only.linked


def test_aiohttp_writes_the_members_of_a_request_in_the_applications_own_way(server: Server, seen: Seen) -> None:
    def written(value: Any) -> str:
        return json.dumps(value, default=str)

    async def main() -> None:
        async with aiohttp.ClientSession(json_serialize=written) as session:
            body = {**BODY, "seed": Decimal("0.10"), "trace": {"trace_name": "t"}}
            async with session.post(server.url, json=body) as response:
                await response.read()

    asyncio.run(main())
    (sent,) = map(json.loads, server.bodies)
    ids = {"trace_id": seen.only.trace_id, "parent_span_id": seen.only.span_id}
    assert sent == {**BODY, "seed": "0.10", "trace": {"trace_name": "t", **ids}}


def test_each_try_of_urllib3_names_the_span_of_its_own_call(server: Server, seen: Seen) -> None:
    again = urllib3.Retry(2, status_forcelist=[200], allowed_methods=None)
    with urllib3.PoolManager(retries=again) as pool, pytest.raises(urllib3.exceptions.MaxRetryError):
        pool.request("POST", server.url, json=BODY)

    named = [json.loads(body)["trace"]["parent_span_id"] for body in server.bodies]
    assert named == [call.span_id for call in seen]
    assert [call.retry for call in seen] == [None, 1, 2]


def test_nothing_is_changed_unless_it_is_asked_for(server: Server) -> None:
    seen = Seen()
    patches = Patches(Recorder(Routes([server.address]), Tracing(TracerProvider(shutdown_on_exit=False)), seen.keep))
    patches.install(HOOKS)
    try:
        sync(httpx, server.url, json=BODY)
    finally:
        patches.remove()

    assert [json.loads(each) for each in server.bodies] == [BODY]
    assert not seen.only.linked
