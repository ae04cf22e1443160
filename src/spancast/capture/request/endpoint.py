"""The API and the key of a request: what is needed to ask the same server about its generation later."""

from collections.abc import Mapping

from spancast.capture import api_path


def server_and_key(
    scheme: str, host: str, port: int | None, path: str, headers: Mapping[str, str]
) -> tuple[str, str] | None:
    """Return the base URL of the API and the API key of a request; `None` where either is unknown.

    For a route in alpha or beta it is the base of `v1`, where GET /generation is.
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
