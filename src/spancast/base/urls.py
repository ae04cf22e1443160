"""URLs without the parts that may hold a secret."""

from urllib.parse import urlsplit, urlunsplit


def without_user_info(url: str) -> str:
    """Return the URL without the user and password in front of its host; raise `ValueError` if it cannot be parsed."""
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))


def origin(url: str) -> str:
    """Return scheme, host and port of a URL, whose path may be a key; raise `ValueError` if it cannot be parsed."""
    parts = urlsplit(url)
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], "", "", ""))


def location(url: str | None) -> str | None:
    """Return scheme, host, port and path of a URL: no user info, query or fragment. `None` if it cannot be parsed."""
    if not url:
        return None
    try:
        parts = urlsplit(url)
    except ValueError:
        return None
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))
