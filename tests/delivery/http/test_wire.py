import os
import socket
import struct
import subprocess
import sys
import threading
import time
from contextlib import closing

import httpcore2
import pytest
from opentelemetry.instrumentation.utils import is_instrumentation_enabled

from spancast.contract import Request
from spancast.delivery.http import wire as wires
from spancast.delivery.http.wire import MAX_REPLY_BYTES, Ambiguous, Unsent, Wire
from tests.support.platform import Platform, answer, hanging_up, noting_ports, trickling


@pytest.fixture
def wire():
    with closing(Wire()) as opened:
        yield opened


def opened(*answers):
    return Platform(*answers).open()


def a_request(url: str, **facts) -> Request:
    return Request(**{"url": url, "body": b"spans", **facts})


def a_listener() -> socket.socket:
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    return listener


def test_the_request_arrives_as_it_was_made(wire):
    with opened() as platform:
        wire.post(a_request(f"{platform.url}/v1/traces?x=1", headers={"x-key": "k"}))
    (received,) = platform.received
    assert (received.path, received.body, received.headers["x-key"]) == ("/v1/traces?x=1", b"spans", "k")
    assert received.headers["host"] == f"127.0.0.1:{platform.port}"


def test_the_answer_is_given_with_names_in_lower_case(wire):
    with opened(answer(429, {"Retry-After": "7"}, b"slow down")) as platform:
        reply = wire.post(a_request(platform.url))
    assert (reply.status, reply.headers["retry-after"], reply.body) == (429, "7", b"slow down")


def test_a_method_other_than_post_is_sent_as_such(wire):
    with opened() as platform:
        assert wire.post(a_request(platform.url, method="PUT")).status == 200


def test_a_redirect_is_an_answer_and_is_not_followed(wire):
    with opened() as elsewhere, opened(answer(302, {"location": elsewhere.url})) as platform:
        assert wire.post(a_request(platform.url)).status == 302
        assert elsewhere.received == []


def test_no_more_of_an_answer_is_read_than_the_limit(wire):
    with opened(answer(200, body=b"x" * (MAX_REPLY_BYTES * 4))) as platform:
        assert len(wire.post(a_request(platform.url)).body) == MAX_REPLY_BYTES
        assert len(wire.post(a_request(platform.url), limit=10).body) == 10
        assert len(wire.post(a_request(platform.url), limit=MAX_REPLY_BYTES * 8).body) == MAX_REPLY_BYTES * 4


def test_a_refused_connection_is_unsent(wire):
    with closing(a_listener()) as listener, pytest.raises(Unsent, match="refused"):
        wire.post(a_request(f"http://127.0.0.1:{listener.getsockname()[1]}"))


def test_a_host_that_does_not_exist_is_unsent(wire):
    with pytest.raises(Unsent):
        wire.post(a_request("http://nowhere.invalid"))


@pytest.mark.parametrize(
    "url", ["http://" + "x" * 300 + ".example", "nonsense", "ftp://127.0.0.1/", "http://127.0.0.1:x/"]
)
def test_an_address_that_cannot_be_is_unsent(wire, url):
    with pytest.raises(Unsent):
        wire.post(a_request(url))


def test_a_header_that_cannot_be_written_is_unsent(wire):
    with opened() as platform, pytest.raises(Unsent):
        wire.post(a_request(platform.url, headers={"x-key": "line\r\nbreak"}))
    assert platform.received == []


@pytest.mark.parametrize("url", ["http://exämple.invalid", "http://127.0.0.1:1/ü", "http://127.0.0.1:1/\u200b"])
def test_a_url_that_is_not_ascii_is_unsent(wire, url):
    with pytest.raises(Unsent, match="the URL has characters that are not ASCII"):
        wire.post(a_request(url))


def test_a_header_that_is_not_ascii_is_unsent_and_not_shown(wire):
    with opened() as platform, pytest.raises(Unsent, match="the header 'authorization' has") as raised:
        wire.post(a_request(platform.url, headers={"authorization": "Bearer skü"}))
    assert "sk" not in str(raised.value)
    assert platform.received == []


def test_a_request_that_got_out_whole_and_was_not_answered_is_ambiguous(wire):
    with opened(hanging_up) as platform, pytest.raises(Ambiguous):
        wire.post(a_request(platform.url))


def test_a_request_that_was_cut_off_on_its_way_out_is_unsent(wire):
    with closing(a_listener()) as listener:
        listener.listen()

        def reset() -> None:
            connection, _ = listener.accept()
            connection.recv(1024)
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            connection.close()

        peer = threading.Thread(target=reset)
        peer.start()
        with pytest.raises(Unsent):
            wire.post(a_request(f"http://127.0.0.1:{listener.getsockname()[1]}", body=b"x" * 32_000_000))
        peer.join()


@pytest.mark.parametrize("what", ["headers", "body"])
def test_a_peer_that_trickles_is_left_at_the_deadline(wire, what):
    with opened(trickling(what)) as platform:
        began = time.monotonic()
        with pytest.raises(Ambiguous):
            wire.post(a_request(platform.url), timeout=0.5)
        assert 0.4 < time.monotonic() - began < 1.5


def test_a_peer_that_takes_nothing_is_left_at_the_deadline_and_has_not_got_the_request(wire):
    with closing(a_listener()) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        listener.listen()
        began = time.monotonic()
        with pytest.raises(Unsent):
            wire.post(a_request(f"http://127.0.0.1:{listener.getsockname()[1]}", body=b"x" * 32_000_000), timeout=0.5)
        assert 0.4 < time.monotonic() - began < 1.5


def test_connections_are_kept_for_the_next_request(wire):
    ports: list[int] = []
    with opened(noting_ports(ports)) as platform:
        wire.post(a_request(platform.url))
        wire.post(a_request(platform.url))
    assert len(set(ports)) == 1


def test_our_own_requests_are_not_traced(wire, monkeypatch):
    seen = []
    real = httpcore2.ConnectionPool.handle_request
    monkeypatch.setattr(
        httpcore2.ConnectionPool,
        "handle_request",
        lambda self, request: seen.append(is_instrumentation_enabled()) or real(self, request),
    )
    with opened() as platform:
        wire.post(a_request(platform.url))
    assert seen == [False]
    assert is_instrumentation_enabled()


def test_a_proxy_of_the_environment_is_not_asked_for_this_machine(wire, monkeypatch):
    with opened() as proxy, opened() as platform:
        monkeypatch.setenv("http_proxy", proxy.url)
        monkeypatch.delenv("no_proxy", raising=False)
        assert wire.post(a_request(platform.url)).status == 200
        assert proxy.received == []


def test_a_proxy_of_the_environment_is_asked_for_other_hosts(wire, monkeypatch):
    with opened() as proxy:
        monkeypatch.setenv("http_proxy", proxy.url)
        monkeypatch.delenv("no_proxy", raising=False)
        assert wire.post(a_request("http://collector.example/v1/traces")).status == 200
        assert [received.path for received in proxy.received] == ["http://collector.example/v1/traces"]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_forked_child_does_not_write_on_its_parents_connection(wire):
    ports: list[int] = []
    with opened(noting_ports(ports)) as platform:
        wire.post(a_request(platform.url))
        child = os.fork()
        if child == 0:
            try:
                os._exit(0 if wire.post(a_request(platform.url)).status == 200 else 1)
            finally:
                os._exit(2)
        assert os.waitpid(child, 0)[1] == 0
        wire.post(a_request(platform.url))
    assert ports[0] == ports[2] != ports[1]


def test_several_threads_have_their_own_wires(wire):
    with opened() as platform:
        replies = []

        def send() -> None:
            with closing(Wire()) as own:
                replies.append(own.post(a_request(platform.url)).status)

        threads = [threading.Thread(target=send) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert replies == [200] * 4


def test_importing_it_imports_no_http_engine():
    code = "import sys, spancast.delivery.courier.courier; print({'httpcore2', 'httpx2', 'h11'} & {*sys.modules})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def status_of(child: int) -> int:
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_no_fork_falls_into_the_making_of_a_tls_context(wire, monkeypatch):
    making, go_on, make = threading.Event(), threading.Event(), httpcore2.default_ssl_context

    def made_slowly():
        making.set()
        go_on.wait(20)
        making.clear()
        return make()

    monkeypatch.setattr(httpcore2, "default_ssl_context", made_slowly)
    wires._ssl_context.cache_clear()
    with opened() as platform:
        posting = threading.Thread(target=wire.post, args=(a_request(platform.url),))
        posting.start()
        assert making.wait(20)
        threading.Timer(0.2, go_on.set).start()
        child = os.fork()
        if child == 0:
            os._exit(making.is_set())
        posting.join()
    assert status_of(child) == 0


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_forked_child_makes_a_tls_context_of_its_own():
    context = wires._ssl_context()
    child = os.fork()
    if child == 0:
        os._exit(wires._ssl_context() is context)
    assert status_of(child) == 0
    assert wires._ssl_context() is context
