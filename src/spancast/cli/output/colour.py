"""Colour on terminals, unless `NO_COLOR` says otherwise (no-color.org)."""

import os
from collections.abc import Callable
from typing import Literal, TextIO

Style = Literal["bold", "dim", "red", "green", "yellow", "cyan"]
Paint = Callable[[str, Style], str]
"""Adds a style to a text."""

_CODES: dict[Style, int] = {"bold": 1, "dim": 2, "red": 31, "green": 32, "yellow": 33, "cyan": 36}
"""Select Graphic Rendition (ECMA-48, 8.3.117)."""


def paint_for(stream: TextIO) -> Paint:
    """Return the painter for a stream, which adds no style if that is not a terminal or colour is unwanted."""
    return _painted if stream.isatty() and not os.environ.get("NO_COLOR") and _has_colour() else unpainted


def unpainted(text: str, style: Style) -> str:  # noqa: ARG001 - the signature of a Paint
    """Return the text as it is."""
    return text


def _has_colour() -> bool:
    return os.environ.get("TERM") != "dumb"


def _painted(text: str, style: Style) -> str:
    return f"\x1b[{_CODES[style]}m{text}\x1b[0m" if text else text
