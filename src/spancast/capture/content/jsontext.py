"""JSON text as Python's own parser reads it, however long its integers are."""

import json
from typing import Any

from spancast.capture.json_decoder import MAX_DIGITS


def read(written: str) -> Any:
    """Return the value of JSON text.

    Raises:
        ValueError: where it is no JSON.
        RecursionError: where it is nested too deep.
    """
    try:
        return json.loads(written)
    except json.JSONDecodeError:
        raise
    except ValueError:  # an integer of more digits than Python parses (`sys.set_int_max_str_digits`)
        return json.loads(written, parse_int=_integer)


def _integer(written: str) -> int | str:
    return int(written) if len(written) <= MAX_DIGITS else written
