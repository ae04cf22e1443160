import threading
import time
from urllib.parse import urlsplit

import pytest

from spancast.testing import Simulator
from tests.support.waiting import eventually
from tests.testing.wire import KEY, MINI, chat, connected, get, received, request

SLOW_STREAM = {"X-Simulator-Words": "1000", "X-Simulator-Chunk-Delay": "0.01"}
BODY = b'{"model":"openai/gpt-4o-mini","messages":[{"role":"user","content":"Hello"}]}'
STREAM_BODY = b'{"stream":true,' + BODY[1:]
CHAT = "/api/v1/chat/completions"


def test_it_starts_and_stops_quickly():
    def lived() -> float:
        begin = time.perf_counter()
        with Simulator():
            pass
        return time.perf_counter() - begin

    assert min(lived() for _ in range(5)) < 0.1


def test_it_listens_on_loopback_where_its_base_url_says(openrouter: Simulator):
    parts = urlsplit(openrouter.base_url)
    assert (parts.hostname, parts.port, parts.path) == ("127.0.0.1", openrouter.port, "/api/v1")


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.1.1", "example.com", ""])
def test_it_does_not_listen_beyond_this_machine(host: str):
    with pytest.raises(ValueError, match="the simulator listens on loopback only"):
        Simulator(host=host)


def test_localhost_is_this_machine():
    with Simulator(host="localhost") as simulator:
        assert chat(simulator).status == 200


def test_starting_twice_keeps_the_port():
    simulator = Simulator().start()
    port = simulator.port
    assert simulator.start().port == port
    simulator.stop()


def test_stopping_twice_or_before_the_start_does_nothing():
    simulator = Simulator()
    simulator.stop()
    simulator.start()
    simulator.stop()
    simulator.stop()
    with pytest.raises(RuntimeError, match="is not running"):
        _ = simulator.base_url


def test_it_can_be_started_again_and_remembers():
    simulator = Simulator()
    for _ in range(2):
        with simulator:
            chat(simulator)
    assert len(simulator.requests) == len(simulator.bills) == 2


def test_while_it_does_not_run_it_has_no_address():
    with pytest.raises(RuntimeError, match=r"is not running. Enter it with `with`"):
        _ = Simulator().base_url


def test_a_port_that_is_taken_is_an_error(openrouter: Simulator):
    with pytest.raises(OSError, match="in use"):
        Simulator(port=openrouter.port).start()


def test_stopping_drops_open_connections_and_leaves_no_thread():
    before = set(threading.enumerate())
    with Simulator() as simulator, connected(simulator) as connection, connection.makefile("rb") as stream:
        connection.sendall(request("GET", "/api/v1/models", b"", {}))
        assert received(stream).whole
        simulator.stop()
        assert stream.read() == b""
    eventually(lambda: set(threading.enumerate()) <= before, 5)


def test_stopping_does_not_wait_for_a_slow_stream():
    with Simulator() as simulator, connected(simulator) as connection:
        connection.sendall(request("POST", CHAT, STREAM_BODY, KEY | SLOW_STREAM))
        assert connection.recv(1)
        begin = time.perf_counter()
        simulator.stop()
        assert time.perf_counter() - begin < 1


def test_serving_forever_ends_with_stop():
    simulator = Simulator()
    thread = threading.Thread(target=simulator.serve_forever)
    thread.start()
    eventually(lambda: simulator._server is not None, 5)
    assert chat(simulator).status == 200
    simulator.stop()
    thread.join(timeout=5)
    assert not thread.is_alive()


def test_a_connection_serves_many_requests(openrouter: Simulator):
    with connected(openrouter) as connection, connection.makefile("rb") as stream:
        for body in (BODY, STREAM_BODY, b"", BODY):
            connection.sendall(request("POST", CHAT, body, KEY))
            assert received(stream).whole
    assert len(openrouter.requests) == 4


def test_requests_are_served_side_by_side(openrouter: Simulator):
    with connected(openrouter) as connection:
        connection.sendall(request("POST", CHAT, STREAM_BODY, KEY | SLOW_STREAM))
        assert connection.recv(1)
        assert chat(openrouter).status == 200


def test_what_was_asked_is_kept_without_its_secrets(openrouter: Simulator):
    chat(openrouter, {"Cookie": "secret", "x-api-key": "secret", "X-Title": "My app"}, user="u_42")
    get(openrouter, "/api/v1/generation?id=gen-1")
    first, second = openrouter.requests
    assert (first.method, first.path, first.authorized) == ("POST", CHAT, True)
    assert (first.json["user"], first.headers["x-title"]) == ("u_42", "My app")
    assert not {"authorization", "cookie", "x-api-key"} & set(first.headers)
    assert (second.method, second.path, second.query, second.body) == (
        "GET",
        "/api/v1/generation",
        {"id": "gen-1"},
        b"",
    )


def test_a_request_body_in_chunks_is_read(openrouter: Simulator):
    head = request("POST", CHAT, b"", KEY | {"Transfer-Encoding": "chunked"}).replace(b"Content-Length: 0\r\n", b"")
    parts = b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in (BODY[:10], BODY[10:]))
    with connected(openrouter) as connection, connection.makefile("rb") as stream:
        connection.sendall(head + parts + b"0\r\n\r\n")
        assert received(stream).json["model"] == MINI
    assert openrouter.requests[0].body == BODY


def test_a_client_of_http_1_0_reads_until_the_connection_closes(openrouter: Simulator):
    with connected(openrouter) as connection, connection.makefile("rb") as stream:
        connection.sendall(request("POST", CHAT, BODY, KEY).replace(b"HTTP/1.1", b"HTTP/1.0"))
        head, _, body = stream.read().partition(b"\r\n\r\n")
    assert b"Transfer-Encoding" not in head
    assert body.endswith(b"}")


@pytest.mark.parametrize(
    ("body", "headers"),
    [(STREAM_BODY, SLOW_STREAM), (BODY, {"X-Simulator-Fault": "slow", "X-Simulator-Delay": "100"})],
    ids=["streamed", "plain"],
)
def test_a_generation_whose_client_goes_away_is_charged_and_marked(
    openrouter: Simulator, body: bytes, headers: dict[str, str]
):
    with connected(openrouter) as connection, connection.makefile("rb") as stream:
        connection.sendall(request("POST", CHAT, body, KEY | headers))
        while stream.readline() not in {b"\n", b": OPENROUTER PROCESSING\n"}:
            pass
    eventually(lambda: openrouter.bills, 5)
    (bill,) = openrouter.bills
    assert bill.cancelled
    assert bill.cost > 0


def test_a_next_request_that_comes_early_does_not_hurry_the_answer(openrouter: Simulator):
    slowly = KEY | {"X-Simulator-Chunk-Delay": "0.01"}
    begin = time.perf_counter()
    with connected(openrouter) as connection, connection.makefile("rb") as stream:
        connection.sendall(request("POST", CHAT, STREAM_BODY, slowly))
        assert stream.peek(1)
        connection.sendall(request("POST", CHAT, BODY, KEY))
        first, second = received(stream), received(stream)
    assert time.perf_counter() - begin >= 0.01 * len(first.chunks)
    assert second.text == first.text


def test_a_client_that_stays_finds_the_bill_when_it_has_read_the_usage(openrouter: Simulator):
    for earlier in range(50):
        with connected(openrouter) as connection, connection.makefile("rb") as stream:
            connection.sendall(request("POST", CHAT, STREAM_BODY, KEY))
            while b'"usage"' not in stream.readline():
                pass
            assert len(openrouter.bills) == earlier + 1
    assert not any(bill.cancelled for bill in openrouter.bills)
