"""One process that opens, hears and ends calls between those of an SDK to another host, and prints what each took.

python between_work.py TIMES: one line of JSON, by the part of the call, the seconds of each time.
"""

import gc
import json
import sys
import time
from typing import Any

import setups
import traffic
import transport

PARTS = ("open", "headers", "body")
_REQUEST = {"messages": traffic.MESSAGES, "model": traffic.MODEL, "temperature": 0.7}
_ASKED = {"authorization": "Bearer sk-none-at-all", "content-type": "application/json", "x-stainless-retry-count": "0"}


class _Object:
    """What stands for the client library's own request, which is not kept alive."""


def main(times: int) -> None:
    from spancast.delivery.journal import pump

    pump.PERIOD_SECONDS = 3600.0  # what runs in another thread has its own row in `overhead.py`
    setups.spancast_in_private_provider()
    from spancast.capture.http_request import HttpRequest
    from spancast.recording.recorder import Recorder

    recorder = next(each for each in gc.get_objects() if isinstance(each, Recorder))
    between, body, answer = _sdk_call(), json.dumps(_REQUEST).encode(), traffic.body()
    answered = {**dict(traffic.HEADERS), "content-type": "application/json"}
    took: dict[str, list[float]] = {part: [] for part in PARTS}
    for _ in range(times):
        between()
        began, itself = time.perf_counter(), _Object()
        path = "/api/v1/chat/completions"
        exchange = recorder.open(
            HttpRequest("POST", "https", "openrouter.ai", None, path, _ASKED, body, replaceable=True, itself=itself)
        )
        opened = time.perf_counter()
        assert exchange is not None
        exchange.headers(200, answered)
        heard = time.perf_counter()
        exchange.body(answer)
        ended = time.perf_counter()
        for part, seconds in zip(PARTS, (opened - began, heard - opened, ended - heard), strict=True):
            took[part].append(seconds)
    print(json.dumps(took))


def _sdk_call() -> Any:
    """Return what makes a call to a host that is not watched, and so fills the processor's caches with other code."""
    import httpx2
    from openai import OpenAI

    client, _ = transport.clients(httpx2, traffic.stream(1))
    sdk = OpenAI(base_url="http://other.example/v1", api_key="sk-none", http_client=client, max_retries=0)
    return lambda: sdk.chat.completions.create(model=traffic.MODEL, messages=traffic.MESSAGES, temperature=0.7)


main(int(sys.argv[1]))
