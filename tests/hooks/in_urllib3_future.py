"""requests and urllib3 where urllib3-future has taken the place of urllib3. Run by `test_urllib3_future.py`."""

import gc
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import urllib3

from tests.hooks.blocking import BODY, CLIENTS, Client, run, same
from tests.hooks.wires import ANOTHER_NAME, BROKEN, EVENTS, TWICE, UNFINISHED, chunked
from tests.support.answers import COST, GENERATION, SSE, STREAM, TEXT
from tests.support.replay import Answer, Replay
from tests.support.verbatim import Verbatim
from tests.support.watched import watched

HEADERS = {**SSE, "x-generation-id": GENERATION}
WHOLE = Answer(200, HEADERS, STREAM)
HELD = Answer(200, HEADERS, TEXT, hold=True)
UNFINISHED_STREAM = chunked(EVENTS, SSE).removesuffix(b"0\r\n\r\n")
WAYS: dict[str, tuple[Answer, Callable[[Client, str], Any], str]] = {
    "taken whole": (WHOLE, lambda client, url: client.whole(url), "completed"),
    "read out": (WHOLE, lambda client, url: list(client.pieces(client.open(url))), "completed"),
    "closed": (HELD, lambda client, url: client.open(url).close(), "closed"),
    "dropped": (HELD, lambda client, url: client.open(url) and None, "abandoned"),
}

pytestmark = pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")


@pytest.fixture(autouse=True)
def _collected() -> Iterator[None]:
    """Collect what a test has left open where it is not complained of."""
    yield
    gc.collect()


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("client", CLIENTS[:2], ids=str)
def test_one_request_is_one_call(client: Client, way: str, server: Replay) -> None:
    assert hasattr(urllib3, "AsyncPoolManager"), "This is not urllib3-future."
    server.answer, act, outcome = WAYS[way]
    bare = act(client, server.url)
    with watched(server.host) as seen:
        assert act(client, server.url) == bare
        gc.collect()
        call, _span = seen.pair
    assert (call.outcome, call.generation_id, call.http_status) == (outcome, GENERATION, 200)
    assert call.cost == (COST if outcome == "completed" else None)


@pytest.mark.parametrize("how", ["whole", "stream"])
@pytest.mark.parametrize("client", CLIENTS[:2], ids=str)
@pytest.mark.parametrize(
    ("answer", "known"),
    [
        (UNFINISHED, ("error", GENERATION, COST)),
        (UNFINISHED_STREAM, ("completed", GENERATION, COST)),
        (ANOTHER_NAME, ("completed", GENERATION, COST)),
        (TWICE, ("completed", "gen-h", COST)),
    ],
    ids=["unfinished", "unfinished stream", "another name", "twice"],
)
def test_what_comes_is_known(client: Client, answer: bytes, known: Any, how: str, wire: Verbatim) -> None:
    wire.answers = [answer]
    seen = same(
        wire.host, lambda: client.whole(wire.url) if how == "whole" else list(client.pieces(client.open(wire.url)))
    )
    call = seen.only
    assert (call.outcome, call.generation_id, call.cost, call.http_status) == (*known, 200)


@pytest.mark.parametrize("how", ["whole", "stream"])
@pytest.mark.parametrize("client", CLIENTS[:2], ids=str)
def test_a_body_that_cannot_be_decoded_is_over_though_its_exception_is_kept(
    client: Client, how: str, wire: Verbatim
) -> None:
    wire.answers = [BROKEN["no gzip"]]
    with watched(wire.host) as seen, pytest.raises(Exception, match="failed to decode") as kept:
        client.whole(wire.url) if how == "whole" else list(client.pieces(client.open(wire.url)))
    assert kept.value is not None
    assert (seen.only.outcome, seen.only.http_status, len(seen.ended)) == ("error", 200, 1)


@pytest.mark.parametrize("client", CLIENTS[:2], ids=str)
def test_the_head_is_known_before_a_body_that_is_read_at_once(client: Client, server: Replay) -> None:
    server.answer = HELD
    with watched(server.host) as seen:
        asking = threading.Thread(target=run, args=(lambda: client.whole(server.url, timeout=60),), daemon=True)
        asking.start()
        while not any(call.http_status for call in seen.opened):
            assert asking.is_alive()
        assert ([*seen], seen.opened[-1].generation_id) == ([], GENERATION)
        server.closing.set()
        asking.join()
    server.closing.clear()


def test_nothing_of_ours_is_left_on_a_connection(server: Replay) -> None:
    server.answer = WHOLE
    with urllib3.PoolManager() as pools, watched(server.host):
        response = pools.request("POST", server.url, body=BODY, preload_content=False)
        low = response._fp
        assert "request" not in vars(response.connection)
        assert type(low.from_promise).__mro__[1] is object
        assert "_promised" not in vars(low.from_promise)
        response.drain_conn()
