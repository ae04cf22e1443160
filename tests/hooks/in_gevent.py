"""Three clients in greenlets of one thread. Run patched, and by `test_gevent.py`, where gevent is."""

import json
import sys

import gevent
from gevent.pool import Pool
from opentelemetry import trace

from tests.hooks.blocking import CLIENTS
from tests.support.answers import GENERATION, SSE, STREAM, TEXT
from tests.support.replay import Answer, replaying
from tests.support.watched import watched

HEADERS = {**SSE, "x-generation-id": GENERATION}
GREENLETS = 30


def ask(url: str, number: int) -> bool:
    client = CLIENTS[number % 3]
    body = client.whole(url) if number % 2 else b"".join(client.pieces(client.open(url)))
    assert body == b"".join(STREAM)
    return trace.get_current_span() is trace.INVALID_SPAN


with replaying() as server, watched(server.host) as seen:
    server.answer = Answer(200, HEADERS, STREAM)
    pool = Pool(5)  # as many as the server lets wait
    asking = [pool.spawn(ask, server.url, number) for number in range(GREENLETS)]
    clean = [each.get(timeout=20) for each in asking]
    completed = [call.outcome for call in seen]

    server.answer = Answer(200, HEADERS, TEXT, hold=True)
    left = [gevent.spawn(client.whole, server.url) for client in CLIENTS]
    gevent.sleep(0.3)
    gevent.killall(left)
    killed = [call.outcome for call in seen[GREENLETS:]]

json.dump({"clean": all(clean), "completed": completed, "killed": killed, "spans": len(seen.spans)}, sys.stdout)
