"""An application that every server here can run: each request makes a call, for the user that its path names.

`/u_1` makes a call. `/hang/u_1` makes one and never answers. Variables say the rest: `MARKS` is where it notes what it
did, and with `FIRST_CALL=1` it makes a call as it is imported, before a server forks its workers.
"""

import asyncio
import json
import os
import time
import urllib.request
from collections.abc import Callable, Iterable
from typing import Any

import spancast
from tests.support.oracle import Oracle

spancast.start()
ORACLE = Oracle(os.environ["MARKS"])
URL = os.environ["OPENROUTER_BASE_URL"] + "/chat/completions"
HEADERS = {"authorization": "Bearer sk-or-v1-simulator", "content-type": "application/json"}


def call(user: str) -> None:
    """Make one call, and mark it."""
    body = {"model": "openai/gpt-4o-mini", "messages": [{"role": "user", "content": "Hi"}], "user": user}
    ORACLE.mark("begun", user)
    with urllib.request.urlopen(urllib.request.Request(URL, json.dumps(body).encode(), HEADERS)) as answer:
        answer.read()
    ORACLE.mark("done", user)


def serve(path: str) -> None:
    """Do what a path asks for."""
    parts = path.strip("/").split("/")
    if parts[-1] != "alive":
        call(parts[-1])
    if parts[0] == "hang":
        time.sleep(600)


def wsgi(environ: dict[str, Any], start_response: Callable[..., object]) -> Iterable[bytes]:
    """Serve by WSGI."""
    serve(environ["PATH_INFO"])
    start_response("200 OK", [("content-type", "text/plain"), ("content-length", "3")])
    return [b"ok\n"]


application = wsgi


async def asgi(scope: dict[str, Any], receive: Any, send: Any) -> None:
    """Serve by ASGI."""
    if scope["type"] != "http":
        return
    await asyncio.get_running_loop().run_in_executor(None, serve, scope["path"])
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"3")]})
    await send({"type": "http.response.body", "body": b"ok\n"})


if os.environ.get("FIRST_CALL"):
    call(f"first-{os.getpid()}")
