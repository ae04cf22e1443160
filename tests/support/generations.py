"""An OpenRouter on loopback that is asked about money alone, and answers as told."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from time import monotonic
from urllib.parse import parse_qs, urlsplit

Answer = tuple[int, bytes]


@dataclass(frozen=True)
class Asked:
    path: str
    generation_id: str
    authorization: str | None
    at: float = field(default_factory=monotonic)


def generation(cost: str = "0.0000120", **more: object) -> Answer:
    """Answer with a generation of that cost."""
    data = {
        "model": "openai/gpt-5-mini-2025-08-07",
        "provider_name": "Azure",
        "native_tokens_prompt": 7,
        "native_tokens_completion": 21,
        "native_tokens_cached": 0,
        "native_tokens_reasoning": 5,
        "tokens_prompt": 3,
        "tokens_completion": 4,
        "is_byok": False,
        "upstream_inference_cost": 0,
        "total_cost": "COST",
        **more,
    }
    return 200, json.dumps({"data": data}).replace('"COST"', cost).encode()


NOT_FOUND: Answer = (404, b'{"error":{"message":"Generation not found","code":404}}')


class OpenRouter:
    def __init__(self, *answers: Answer) -> None:
        self.answers = list(answers)
        """Given in turn; the last is given for ever."""
        self.headers: dict[str, str] = {}
        self.asked: list[Asked] = []
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.openrouter = self
        self.port: int = self._server.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}/api/v1"

    def next_answer(self) -> Answer:
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]

    @contextmanager
    def open(self) -> Iterator["OpenRouter"]:
        thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self._server.shutdown()
            self._server.server_close()
            thread.join()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    openrouter: OpenRouter


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def do_GET(self) -> None:
        openrouter, parts = self.server.openrouter, urlsplit(self.path)
        wanted = parse_qs(parts.query).get("id", [""])[0]
        openrouter.asked.append(Asked(parts.path, wanted, self.headers.get("authorization")))
        status, body = openrouter.next_answer()
        self.send_response(status)
        for name, value in {**openrouter.headers, "content-length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        """Say nothing."""
