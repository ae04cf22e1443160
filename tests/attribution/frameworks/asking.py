"""What each application here does with a request: it calls OpenRouter, and says in the session whose call it has to be.

`X-User-Id` names the user; a call's session is `USER/PLACE`, which the application states itself, in the body. So the
ledger has side by side whom a call was for, and what the middleware made of it.
"""

import os
from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx2

import spancast

spancast.start()
URL = os.environ["OPENROUTER_BASE_URL"] + "/chat/completions"
KEY = {"authorization": "Bearer sk-or-v1-simulator"}
TLS = httpx2.create_ssl_context() if hasattr(httpx2, "create_ssl_context") else True


def body(user: str, place: str) -> dict[str, Any]:
    """Return a request."""
    messages = [{"role": "user", "content": "Hi"}]
    return {"model": "openai/gpt-4o-mini", "messages": messages, "session_id": f"{user}/{place}"}


def ask(user: str, place: str) -> bytes:
    """Make one call."""
    with httpx2.Client(verify=TLS, timeout=60) as client:
        client.post(URL, json=body(user, place), headers=KEY).raise_for_status()
    return b"."


async def ask_async(user: str, place: str) -> bytes:
    """Make one call."""
    async with httpx2.AsyncClient(verify=TLS, timeout=60) as client:
        (await client.post(URL, json=body(user, place), headers=KEY)).raise_for_status()
    return b"."


def stream(user: str) -> Iterator[bytes]:
    """Make a call for each part of an answer, the second one behind a block of the answer's own."""
    yield ask(user, "stream")
    with spancast.attribute(tags={"part": "2"}):
        yield ask(user, "stream")


async def stream_async(user: str, place: str = "stream") -> AsyncIterator[bytes]:
    """Do the same."""
    yield await ask_async(user, place)
    with spancast.attribute(tags={"part": "2"}):
        yield await ask_async(user, place)
