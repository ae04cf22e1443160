"""Checks of the options that most exporters have; each raises `ValueError` with what was seen and what to give."""

from collections.abc import Mapping
from urllib.parse import urlsplit

from spancast.contract import shown_url


def check_endpoint(url: str, example: str, name: str = "endpoint", *, allow_query: bool = True) -> None:
    """Refuse what is not the URL of an HTTP server, or has a user in it."""
    refuse_user(url, name)
    try:
        parts = urlsplit(url)
        is_http = parts.scheme in ("http", "https") and bool(parts.hostname) and (allow_query or not parts.query)
    except ValueError:
        is_http = False
    if not is_http:
        raise ValueError(f"{name} cannot be {shown_url(url)!r}. Give a URL such as {example}.")


def refuse_user(url: str, name: str = "endpoint") -> None:
    """Refuse a URL with a user or password: these would not be sent, but shown wherever the URL is."""
    try:
        has_user = "@" in urlsplit(url).netloc or "@" in url.partition("/")[0]
    except ValueError:
        has_user = "@" in url
    if has_user:
        raise ValueError(
            f"{name} contains a user or a password, which would not be sent. Give the address alone, and the "
            "credential in an option of its own; where there is none, in the header authorization."
        )


def check_key(name: str, value: str, forbidden: str = " ") -> None:
    """Refuse a key or token with characters that cannot be in one; the message does not repeat it."""
    if not is_key(value, forbidden):
        raise ValueError(f"{name} is empty, or contains characters that no key has. Copy it again.")


def is_key(value: object, forbidden: str = " ") -> bool:
    """Return whether a value can be a key or token, and so be sent in a header."""
    is_text = isinstance(value, str) and value.isascii() and value.isprintable() and bool(value)
    return is_text and not set(str(value)) & set(forbidden)


def check_headers(headers: Mapping[str, str]) -> None:
    """Refuse headers that HTTP cannot carry."""
    for name, value in headers.items():
        if not (name.isascii() and value.isascii() and f"{name}{value}".isprintable()):
            raise ValueError(f"The header {name!a} contains characters that no header has. Copy it again.")
