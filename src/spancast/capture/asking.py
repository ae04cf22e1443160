"""Whom a request asks, and with which key: what it takes to ask the same server about it later."""

from collections.abc import Mapping

from spancast.capture import api_path


def server_and_key(
    scheme: str, host: str, port: int | None, path: str, headers: Mapping[str, str]
) -> tuple[str, str] | None:
    """Return the base URL of the API that is asked, and the API key; `None` where they cannot be told.

    What is in alpha or beta is asked about in `v1`, where GET /generation is.
    """
    parts, key = api_path.split(path), _key(headers)
    if parts is None or key is None:
        return None
    name = f"[{host}]" if ":" in host else host
    return f"{scheme}://{name}{'' if port is None else f':{port}'}{parts[0]}v1", key


def _key(headers: Mapping[str, str]) -> str | None:
    scheme, _, rest = headers.get("authorization", "").partition(" ")
    key = rest.strip() if scheme.lower() == "bearer" else headers.get("x-api-key", "").strip()
    return key if key and key.isascii() and key.isprintable() and " " not in key else None
