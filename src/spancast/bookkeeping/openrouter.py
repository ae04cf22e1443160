"""OpenRouter itself, where we ask it about money: where it is, and how it is asked.

`OPENROUTER_BASE_URL` says where; without it the call's own server is asked, with a key in the clear on this machine
alone.
"""

import ipaddress
import os
from urllib.parse import quote, urlsplit, urlunsplit

from spancast.contract import Reply, Request
from spancast.delivery.http.wire import MAX_REPLY, PATIENCE, Wire

PUBLIC = "https://openrouter.ai/api/v1"
_LONG_PATIENCE = 60.0
"""Seconds for one question about what was billed, for which a month may have to be looked through."""
_HTTPS = 443
_PORTS_WITHOUT_TLS = (None, 80, _HTTPS)


def base_url() -> str:
    """Return the base URL of the API that this environment names, or the public one."""
    return _named() or PUBLIC


def shown(url: str) -> str:
    """Return a URL as it may be written down: what stands before its host may be a password."""
    parts = urlsplit(url)
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))


def server(address: str | None, port: int | None) -> str:
    """Return the base URL of the API for a call that went to `address`."""
    named = _named()
    if named or address is None:
        return named or PUBLIC
    host = f"[{address}]" if ":" in address else address
    if _is_this_machine(address) and port != _HTTPS:
        return f"http://{host}:{port or 80}/api/v1"
    return f"https://{host}{'' if port in _PORTS_WITHOUT_TLS else f':{port}'}/api/v1"


def generation(wire: Wire, base: str, generation_id: str, key: str) -> Reply:
    """Ask what became of a generation (OpenRouter API, GET /generation); raise what the wire raises."""
    headers = {"authorization": f"Bearer {key}", "accept": "application/json"}
    return _get(wire, f"{base}/generation?id={quote(generation_id, safe='')}", headers)


def models(wire: Wire, limit: int) -> Reply:
    """Ask for the list of models with their prices, which needs no key (OpenRouter API, GET /models)."""
    return _get(wire, f"{base_url()}/models", {"accept": "application/json"}, limit)


def account(wire: Wire, url: str, key: str, body: bytes | None, limit: int) -> Reply:
    """Ask what the account of a key was billed: a question with a `body`, else a list; raise what the wire raises."""
    headers = {"authorization": f"Bearer {key}", "accept": "application/json"}
    if body is None:
        request = Request(method="GET", url=url, body=b"", headers=headers)
    else:
        request = Request(method="POST", url=url, body=body, headers=headers | {"content-type": "application/json"})
    return wire.post(request, _LONG_PATIENCE, limit)


def _get(wire: Wire, url: str, headers: dict[str, str], limit: int = MAX_REPLY) -> Reply:
    return wire.post(Request(method="GET", url=url, body=b"", headers=headers), PATIENCE, limit)


def _named() -> str | None:
    return os.environ.get("OPENROUTER_BASE_URL", "").strip().rstrip("/") or None


def _is_this_machine(address: str) -> bool:
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return address == "localhost"
