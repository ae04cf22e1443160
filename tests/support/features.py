"""Text as applications have it that is more than text."""

from enum import Enum


class Feature(str, Enum):  # noqa: UP042 - `StrEnum` writes itself as its text, and this is what many have
    """A member is `Feature.SEARCH` to `str()`, and `search` in JSON."""

    SEARCH = "search"
