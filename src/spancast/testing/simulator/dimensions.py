"""The dimensions by which analytics groups and filters (OpenRouter skills, analytics schema)."""

import zlib
from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from spancast.testing.simulator import keys
from spancast.testing.simulator.bills import Bill


class Dimension(msgspec.Struct, frozen=True, kw_only=True):
    """One dimension. A row may show a label, whereas a filter compares the id."""

    label: str
    shown: Callable[[Bill], Any]
    filtered: Callable[[Bill], Any]
    is_long: bool
    """Whether a query may go back 365 days; else 31."""


def app_id(bill: Bill) -> int | None:
    """Return the application's number, which filters compare."""
    return None if bill.app is None else zlib.crc32(bill.app.encode())


def _dimension(label: str, shown: Callable[[Bill], Any], *, is_long: bool = False) -> Dimension:
    return Dimension(label=label, shown=shown, filtered=shown, is_long=is_long)


def _variant(bill: Bill) -> str:
    return bill.model.rpartition("/")[2].partition(":")[2] or "standard"


DIMENSIONS: Mapping[str, Dimension] = {
    "model": _dimension("Model", lambda bill: bill.model, is_long=True),
    "variant": _dimension("Variant", _variant, is_long=True),
    "api_key_id": Dimension(
        label="API Key",
        shown=lambda bill: None if bill.key_hash is None else keys.name(bill.key_hash),
        filtered=lambda bill: bill.key_hash,
        is_long=True,
    ),
    "app": Dimension(label="App", shown=lambda bill: bill.app, filtered=app_id, is_long=True),
    "generation_id": _dimension("Generation", lambda bill: bill.generation_id),
    "provider": _dimension("Provider", lambda bill: bill.provider),
    "origin": _dimension("Origin", lambda bill: bill.origin or None),
    "finish_reason": _dimension("Finish Reason", lambda bill: bill.finish_reason),
    "external_user": _dimension("External User", lambda bill: bill.user),
}
