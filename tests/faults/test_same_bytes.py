"""What goes out to OpenRouter is the same with us as without us, byte for byte: nothing is added, no trace header."""

import asyncio
import json
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import aiohttp
import httpx
import httpx2
import openai
import pytest
import requests
import urllib3
from opentelemetry import baggage, context
from opentelemetry.sdk.trace import TracerProvider

import spancast
from tests.support.answers import PROMPT, plain
from tests.support.verbatim import Verbatim, verbatim

HEADERS = {"authorization": "Bearer sk-or-v1-simulator", "x-own": "1", "x-signature": "of these very bytes"}
BODY = json.dumps(PROMPT).encode()


async def _aiohttp(url: str) -> None:
    async with aiohttp.ClientSession() as session, session.post(url, data=BODY, headers=HEADERS) as answer:
        await answer.read()


async def _async_httpx2(url: str) -> None:
    async with httpx2.AsyncClient() as client:
        await client.post(url, content=BODY, headers=HEADERS)


def _openai(url: str) -> None:
    with openai.OpenAI(base_url=url.removesuffix("/chat/completions"), api_key="sk-or-v1-simulator") as client:
        client.chat.completions.create(**PROMPT)


CLIENTS: dict[str, Callable[[str], object]] = {
    "httpx": lambda url: httpx.post(url, content=BODY, headers=HEADERS),
    "httpx2": lambda url: httpx2.post(url, content=BODY, headers=HEADERS),
    "httpx2 async": lambda url: asyncio.run(_async_httpx2(url)),
    "aiohttp": lambda url: asyncio.run(_aiohttp(url)),
    "requests": lambda url: requests.post(url, data=BODY, headers=HEADERS, timeout=20),
    "urllib3": lambda url: urllib3.PoolManager().request("POST", url, body=BODY, headers=HEADERS).data,
    "urllib": lambda url: urllib.request.urlopen(urllib.request.Request(url, BODY, HEADERS)).read(),
    "openai": _openai,
}


@pytest.fixture(scope="module")
def wire() -> Iterator[Verbatim]:
    body = plain()
    head = (
        f"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\nconnection: close\r\n\r\n"
    )
    with verbatim() as wire:
        wire.answers = [head.encode() + body]
        yield wire


@contextmanager
def busy_context(provider: TracerProvider) -> Iterator[None]:
    """Be in a span, with baggage, and with a user and a tag named."""
    with (
        provider.get_tracer("test").start_as_current_span("a request"),
        spancast.attribute(user="u_42", session="s_7", tags={"feature": "search"}),
    ):
        token = context.attach(baggage.set_baggage("tenant", "acme"))
        try:
            yield
        finally:
            context.detach(token)


@pytest.mark.filterwarnings("ignore::ResourceWarning")
@pytest.mark.parametrize("client", CLIENTS)
def test_not_a_byte_of_a_request_is_changed(client: str, wire: Verbatim, tmp_path: Path) -> None:
    call, provider = CLIENTS[client], TracerProvider()
    wire.requests.clear()
    with busy_context(provider):
        call(wire.url)
        spancast.start(home=tmp_path, hosts=[wire.host], tracer_provider=provider, capture_content=True)
        try:
            call(wire.url)
        finally:
            spancast.stop()
    bare, seen = wire.requests
    assert bare == seen
    assert b"traceparent" not in seen
    assert b"baggage" not in seen
    provider.shutdown()
