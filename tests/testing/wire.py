"""A client that exposes the wire format: one request per socket, the response with its framing."""

import json
import socket
from dataclasses import dataclass
from decimal import Decimal
from io import BufferedReader
from typing import Any

from spancast.testing import Simulator

KEY = {"Authorization": "Bearer sk-or-v1-simulator"}
HELLO = [{"role": "user", "content": "Hello"}]
MINI = "openai/gpt-4o-mini"
WEATHER = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "Current weather of a place.",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string"}, "unit": {"enum": ["celsius", "fahrenheit"]}},
            "required": ["city", "unit"],
        },
    },
}


@dataclass(frozen=True)
class Reply:
    """A response: `head` as sent, `chunks` as framed, `whole` whether the framing was complete."""

    head: bytes
    chunks: tuple[bytes, ...]
    whole: bool

    @property
    def status(self) -> int:
        return int(self.head.split(b" ", 2)[1])

    @property
    def headers(self) -> dict[str, str]:
        lines = self.head.decode().split("\r\n")[1:]
        return {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}

    @property
    def body(self) -> bytes:
        return b"".join(self.chunks)

    @property
    def json(self) -> Any:
        """The body, with numbers as exact decimals."""
        return json.loads(self.body, parse_float=Decimal)

    @property
    def events(self) -> list[Any]:
        """The parsed events of a stream, without comments, names and `[DONE]`."""
        lines = self.body.decode().splitlines()
        return [json.loads(line[6:], parse_float=Decimal) for line in lines if line.startswith("data: {")]

    @property
    def text(self) -> str:
        """The assistant's text, streamed or not."""
        if self.headers["content-type"] != "text/event-stream":
            return str(self.json["choices"][0]["message"]["content"])
        return "".join(event["choices"][0]["delta"].get("content") or "" for event in self.events)


def chat(simulator: Simulator, headers: dict[str, str] | None = None, **body: Any) -> Reply:
    """Send a chat request; `HELLO` to the small model unless told otherwise."""
    return post(simulator, {"model": MINI, "messages": HELLO} | body, headers)


def post(simulator: Simulator, body: Any, headers: dict[str, str] | None = None) -> Reply:
    return send(simulator, "POST", "/api/v1/chat/completions", json.dumps(body).encode(), headers)


def get(simulator: Simulator, path: str) -> Reply:
    return send(simulator, "GET", path)


def send(
    simulator: Simulator, method: str, path: str, body: bytes = b"", headers: dict[str, str] | None = None
) -> Reply:
    with connected(simulator) as connection, connection.makefile("rb") as stream:
        connection.sendall(request(method, path, body, KEY | (headers or {})))
        return received(stream)


def connected(simulator: Simulator) -> socket.socket:
    return socket.create_connection(("127.0.0.1", simulator.port), timeout=10)


def request(method: str, path: str, body: bytes, headers: dict[str, str]) -> bytes:
    lines = [f"{method} {path} HTTP/1.1", "Host: simulator", f"Content-Length: {len(body)}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def received(stream: BufferedReader) -> Reply:
    head = b"".join(iter(stream.readline, b"\r\n")).rstrip()
    framing = Reply(head, (), whole=False).headers
    if "content-length" in framing:
        return Reply(head, (stream.read(int(framing["content-length"])),), whole=True)
    chunks = []
    while size := int(stream.readline() or b"0", 16):
        chunks.append(stream.read(size))
        stream.readline()
    return Reply(head, tuple(chunks), whole=stream.readline() == b"\r\n")
