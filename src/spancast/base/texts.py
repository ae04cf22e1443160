"""The application's own objects as text."""


def as_text(seen: object) -> str:
    """Return an object as `str()` writes it, and of text the text itself, whatever its class would write.

    A member of a `(str, Enum)` is `Feature.SEARCH` to `str()` and `search` in the body of a request: one user, not two.
    """
    return str.__str__(seen) if isinstance(seen, str) else str(seen)
