"""Suggesting the name that a misspelt one probably stands for."""

import difflib
from collections.abc import Collection


def did_you_mean(name: object, known: Collection[str], cutoff: float = 0.6) -> str:
    """Return "Did you mean ...?" with the most similar known name; nothing if none is similar."""
    near = difflib.get_close_matches(name, known, n=1, cutoff=cutoff) if isinstance(name, str) else ()
    return f"Did you mean {near[0]!r}?" if near else ""
