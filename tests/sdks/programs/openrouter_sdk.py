"""OpenRouter's own SDK, 0.x and 1.x."""

import asyncio
import inspect

from asking import BASE_URL, BROKE, FAILING, HELLO, KEY, MODEL, SAID, TOOL, USER, WEATHER, refused, say
from openrouter import OpenRouter, errors
from openrouter.utils.retries import BackoffStrategy, RetryConfig

ASKED = {"model": MODEL, "messages": SAID, "user": USER}
ASKED_FOR_TOOL = {**ASKED, "messages": [{"role": "user", "content": WEATHER}], "tools": [TOOL]}
TWICE = RetryConfig("backoff", BackoffStrategy(50, 50, 1.0, 60), retry_connection_errors=False)


def client() -> OpenRouter:
    return OpenRouter(api_key=KEY, server_url=BASE_URL, retry_config=None)
