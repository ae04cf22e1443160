"""A web application: a header of each request names the user, and the ledger attributes its calls to that user."""

import os
import threading
from collections.abc import Callable, Iterable
from typing import Any
from wsgiref.simple_server import make_server

import httpx2
from openai import OpenAI

import spancast
from spancast.attribution.wsgi import AttributionMiddleware

spancast.start()
client = OpenAI(
    base_url=os.environ.get("OPENROUTER_BASE_URL", "https://openrouter.ai/api/v1"),
    api_key=os.environ["OPENROUTER_API_KEY"],
)


def application(_environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    answer = client.chat.completions.create(
        model="openai/gpt-4o-mini", messages=[{"role": "user", "content": "Say hello."}], max_tokens=40
    )
    start_response("200 OK", [("Content-Type", "text/plain; charset=utf-8")])
    return [(answer.choices[0].message.content or "").encode()]


with make_server("127.0.0.1", 0, AttributionMiddleware(application, user="x-user-id")) as server:
    server.RequestHandlerClass.log_message = lambda *_: None  # type: ignore[method-assign,assignment]
    threading.Thread(target=server.serve_forever, daemon=True).start()
    for user in ("erin", "frank"):
        print(f"{user}:", httpx2.get(f"http://127.0.0.1:{server.server_port}/", headers={"X-User-Id": user}).text)
    server.shutdown()
print("all booked:", spancast.flush(timeout=5.0))
