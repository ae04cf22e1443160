"""JSON text as Python's own reader takes it, whatever its integers are."""

import json
from typing import Any

_MAX_DIGITS = 64
"""Digits of an integer that is read as a number; a longer one stays as it is written."""


def read(written: str) -> Any:
    """Return what JSON text means; raise `ValueError` or `RecursionError` for what cannot be read."""
    try:
        return json.loads(written)
    except json.JSONDecodeError:
        raise
    except ValueError:  # an integer of more digits than Python reads (`sys.set_int_max_str_digits`)
        return json.loads(written, parse_int=_integer)


def _integer(written: str) -> int | str:
    return int(written) if len(written) <= _MAX_DIGITS else written
