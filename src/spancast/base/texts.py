"""Objects of the application as text."""


def as_text(value: object) -> str:
    """Return `str(value)`, but for a subclass of `str` its plain text, whatever its `__str__` returns.

    `str()` of a `(str, Enum)` member is `Feature.SEARCH`, while JSON encodes it as `search`; both must be one user.
    """
    return str.__str__(value) if isinstance(value, str) else str(value)
