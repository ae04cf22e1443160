"""requests and urllib3 where urllib3-future has taken the place of urllib3. Run by `test_urllib3_future.py`."""

import gc
from collections.abc import Callable
from typing import Any

import pytest
import urllib3

from tests.hooks.blocking import CLIENTS, Client
from tests.support.answers import COST, GENERATION, SSE, STREAM, TEXT
from tests.support.replay import Answer, Replay
from tests.support.watched import watched

HEADERS = {**SSE, "x-generation-id": GENERATION}
WHOLE = Answer(200, HEADERS, STREAM)
HELD = Answer(200, HEADERS, TEXT, hold=True)
WAYS: dict[str, tuple[Answer, Callable[[Client, str], Any], str]] = {
    "taken whole": (WHOLE, lambda client, url: client.whole(url), "completed"),
    "read out": (WHOLE, lambda client, url: list(client.pieces(client.open(url))), "completed"),
    "closed": (HELD, lambda client, url: client.open(url).close(), "closed"),
    "dropped": (HELD, lambda client, url: client.open(url) and None, "abandoned"),
}

pytestmark = pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")


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
