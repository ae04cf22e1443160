"""A request in every dialect, and helpers to read the response."""

import json
from dataclasses import dataclass, field
from typing import Any

from spancast.testing import Simulator
from tests.testing.wire import HELLO, MINI, Reply, send

QUESTIONS = {
    "matches": {"type": "noul", "instructions": "The photo shows the item."},
    "colour": {"type": "choice", "instructions": "Which colour?", "criteria": {"red": None, "blue": None}},
    "grade": {"type": "score", "instructions": "How good?", "criteria": ["bad", "fair", "good"]},
    "place": {"type": "box", "instructions": "Where?"},
}


@dataclass(frozen=True)
class Ask:
    """A request: its path below the API's base URL, its body, and whether its response can be streamed."""

    path: str
    model: str
    body: dict[str, Any] = field(default_factory=dict)
    streams: bool = False


ASKS = {
    "chat": Ask("/chat/completions", MINI, {"messages": HELLO}, streams=True),
    "completion": Ask("/completions", MINI, {"prompt": "Hello"}, streams=True),
    "responses": Ask("/responses", MINI, {"input": "Hello"}, streams=True),
    "message": Ask("/messages", MINI, {"messages": HELLO, "max_tokens": 1000}, streams=True),
    "embeddings": Ask("/embeddings", "openai/text-embedding-3-small", {"input": ["Hello", "World"]}),
    "rerank": Ask("/rerank", "voyageai/rerank-2.5-lite", {"query": "what is ruby", "documents": ["Paris", "Ruby is"]}),
    "image": Ask("/images", "google/gemini-3.1-flash-lite-image", {"prompt": "a siamese cat"}, streams=True),
    "speech": Ask("/audio/speech", "hexgrad/kokoro-82m", {"input": "Hello", "voice": "af_bella"}),
    "transcription": Ask(
        "/audio/transcriptions", "openai/whisper-1", {"input_audio": {"data": "AAAA" * 4096, "format": "mp3"}}
    ),
    "decision": Ask("/systemone", "cloudflare/clef-flash", {"state": "A red sticker", "questions": QUESTIONS}),
}
"""Requests by operation, without jobs."""
TEXT = ("chat", "completion", "responses", "message")
FORMS = [(name, False) for name in ASKS] + [(name, True) for name, each in ASKS.items() if each.streams]
"""Every form of response: the dialect, and whether it is streamed."""


def ask(simulator: Simulator, name: str, headers: dict[str, str] | None = None, **more: Any) -> Reply:
    """Send a request in the dialect called `name`, with `more` members in the body."""
    wanted = ASKS[name]
    return posted(simulator, wanted.path, {"model": wanted.model, **wanted.body, **more}, headers)


def posted(simulator: Simulator, path: str, body: Any, headers: dict[str, str] | None = None) -> Reply:
    return send(simulator, "POST", f"/api/v1{path}", json.dumps(body).encode(), headers)


def got(simulator: Simulator, path: str) -> Reply:
    return send(simulator, "GET", f"/api/v1{path}")


def objects(reply: Reply) -> list[Any]:
    """Return the JSON objects of a response: the events, or the body; none of audio."""
    kind = reply.headers["content-type"]
    if kind == "text/event-stream":
        return reply.events
    return [reply.json] if kind == "application/json" and reply.body.strip() else []


def usage(reply: Reply) -> dict[str, Any]:
    """Return the last `usage` in a response, including one nested in a stream's object."""
    found = [each.get("usage") or each.get("response", {}).get("usage") for each in objects(reply)]
    return next((each for each in reversed(found) if each), {})
