"""A server that others wrote, as a process of its own on loopback, for as long as it is needed."""

import json
import socket
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from http import HTTPStatus
from pathlib import Path
from typing import Any

import httpx2

from spancast.contract import Reply, Request
from tests.support.waiting import eventually

PATIENCE = 400.0
"""Seconds until a server is up; some import for many of them."""


def free_port() -> int:
    """Return a port of loopback that nothing listens on."""
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


@contextmanager
def serving(
    command: Sequence[str | Path], healthy: str, environment: Mapping[str, str], folder: Path
) -> Iterator[None]:
    """Run a command until the `healthy` address answers with success, and while the block lasts.

    It has `environment` and nothing of this process's own. What it says is in `server.log` of `folder`.
    """
    with (
        (folder / "server.log").open("wb") as log,
        subprocess.Popen(
            command, cwd=folder, env={"HOME": str(folder), "PATH": "", **environment}, stdout=log, stderr=log
        ) as process,
    ):
        try:
            eventually(lambda: answers(healthy), PATIENCE, by=process, telling=lambda: _said(folder))
            yield
        finally:
            process.terminate()


def answer_to(request: Request) -> Reply:
    """Send what an exporter asks to send; return the answer, for which a busy machine may take a minute."""
    with httpx2.Client(trust_env=False, timeout=60.0) as client:
        answer = client.request(
            request.method, request.url, content=request.body or None, headers=dict(request.headers)
        )
    return Reply(answer.status_code, dict(answer.headers), answer.content)


def fetched(url: str, *, query: str | None = None) -> Any:
    """Return the JSON at an address; with a query, of GraphQL, what answers it."""
    asked = Request(url=url, body=b"", method="GET")
    if query is not None:
        body = json.dumps({"query": query}).encode()
        asked = Request(url=url, body=body, headers={"content-type": "application/json"})
    reply = answer_to(asked)
    assert reply.status == HTTPStatus.OK, reply
    return json.loads(reply.body)


def answers(url: str) -> bool:
    """Return whether an address answers with success."""
    try:
        return httpx2.get(url, trust_env=False).is_success
    except httpx2.HTTPError:
        return False


def _said(folder: Path) -> str:
    return (folder / "server.log").read_text("utf-8", "replace")[-2_000:]
