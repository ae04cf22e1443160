"""OpenRouter's API for costs and prices: its URL, and the requests to it.

`OPENROUTER_BASE_URL` sets the URL; without it, the server of the call is used, over plain HTTP only on this machine.
"""

import os
from urllib.parse import quote

from spancast.base import urls
from spancast.base.hosts import is_loopback
from spancast.contract import Reply, Request
from spancast.delivery.http.wire import MAX_REPLY_BYTES, TIMEOUT_SECONDS, Wire

PUBLIC = "https://openrouter.ai/api/v1"
_BILLING_TIMEOUT_SECONDS = 60.0
"""Seconds per billing request, for which OpenRouter may have to search a month."""
_HTTPS = 443
_PORTS_WITHOUT_TLS = (None, 80, _HTTPS)


def base_url() -> str:
    """Return the base URL of the API from the environment, or the public one."""
    return _url_from_environment() or PUBLIC


def shown(url: str) -> str:
    """Return a URL for messages, without a user, password or query."""
    return urls.location(url) or "a URL that cannot be parsed"


def server(address: str | None, port: int | None) -> str:
    """Return the base URL of the API for a call that went to `address`."""
    named = _url_from_environment()
    if named or address is None:
        return named or PUBLIC
    host = f"[{address}]" if ":" in address else address
    if is_loopback(address) and port != _HTTPS:
        return f"http://{host}:{port or 80}/api/v1"
    return f"https://{host}{'' if port in _PORTS_WITHOUT_TLS else f':{port}'}/api/v1"


def generation(wire: Wire, base: str, generation_id: str, key: str) -> Reply:
    """Request the facts of a generation (OpenRouter API, GET /generation); raise what the wire raises."""
    headers = {"authorization": f"Bearer {key}", "accept": "application/json"}
    return _get(wire, f"{base}/generation?id={quote(generation_id, safe='')}", headers)


def models(wire: Wire, limit: int) -> Reply:
    """Request the list of models with their prices, which needs no key (OpenRouter API, GET /models)."""
    return _get(wire, f"{base_url()}/models", {"accept": "application/json"}, limit)


def account(wire: Wire, url: str, key: str, body: bytes | None, limit: int) -> Reply:
    """Request what an account was billed: POST a `body`, or GET where it is `None`; raise what the wire raises."""
    headers = {"authorization": f"Bearer {key}", "accept": "application/json"}
    if body is None:
        request = Request(method="GET", url=url, body=b"", headers=headers)
    else:
        request = Request(method="POST", url=url, body=body, headers=headers | {"content-type": "application/json"})
    return wire.post(request, _BILLING_TIMEOUT_SECONDS, limit)


def _get(wire: Wire, url: str, headers: dict[str, str], limit: int = MAX_REPLY_BYTES) -> Reply:
    return wire.post(Request(method="GET", url=url, body=b"", headers=headers), TIMEOUT_SECONDS, limit)


def _url_from_environment() -> str | None:
    return os.environ.get("OPENROUTER_BASE_URL", "").strip().rstrip("/") or None
