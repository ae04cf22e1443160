"""OpenRouter's list of models and their prices (`GET /models`), stored on disk.

Constraints: it is fetched in the background, or by a command, never on a caller's thread. Format: one JSON object,
replaced as a whole. Recovery: a file that cannot be read counts as absent, and is fetched again.
"""

import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

import msgspec

from spancast.base import files
from spancast.base.folders import private
from spancast.bookkeeping.pricing import Pricing, pricing
from spancast.errors import SpancastError
from spancast.records.call import Call

FILE = "prices.json"
_OWN_PRICE_VARIANTS = ("free", "batch")
"""Variants with prices of their own; the others only select providers, at the model's price."""


class ListedModel(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A model in OpenRouter's list."""

    id: str
    canonical_slug: str | None = None
    """The dated name that answers state as their `model`."""
    alias_of: str | None = None
    """The id of the model that a name such as `~openai/gpt-latest` stands for."""
    pricing: dict[str, Any]
    """US dollars as stated, by what they are for."""

    @property
    def names(self) -> Iterator[str]:
        """The names that requests and answers use for it."""
        yield self.id
        if self.canonical_slug is not None:
            variant = self.id.partition(":")[2]
            yield f"{self.canonical_slug}:{variant}" if variant else self.canonical_slug


@dataclass(frozen=True)
class Prices:
    """The list as it was at one time."""

    fetched_at: float
    """Unix time in seconds."""
    models: tuple[ListedModel, ...]

    @property
    def age(self) -> float:
        """Seconds since it was fetched."""
        return max(0.0, time.time() - self.fetched_at)

    @cached_property
    def _by_name(self) -> dict[str, ListedModel]:
        found: dict[str, ListedModel] = {}
        for model in self.models:
            for name in model.names:
                found.setdefault(name, model)
        return found

    def find(self, name: str | None) -> ListedModel | None:
        """Return the model of that id, alias or dated name."""
        found = self._by_name.get(name or "")
        return found if found is None or found.alias_of is None else self._by_name.get(found.alias_of, found)

    def of(self, call: Call) -> Pricing | None:
        """Return the prices of the model that answered; `None` where it is not listed, or a router picked it."""
        requested = self.find(call.request_model)
        if requested is not None and pricing(requested.pricing).is_dynamic:
            return None
        found = next((model for name in _names(call) if (model := self.find(name)) is not None), None)
        return None if found is None else pricing(found.pricing)


def _names(call: Call) -> Iterator[str]:
    """Yield the names under which the model may be listed, the most specific first."""
    served, requested, variant = call.response_model, call.request_model, call.variant
    if served is not None:
        if variant and ":" not in served:
            yield f"{served}:{variant}"
        if variant not in _OWN_PRICE_VARIANTS or ":" in served:
            yield served
    if requested is not None and (served is None or not call.request_models):
        yield requested
        if variant not in _OWN_PRICE_VARIANTS:
            yield requested.partition(":")[0]


def read(body: bytes, fetched_at: float) -> Prices:
    """Return the list in an answer of OpenRouter; raise `SpancastError` where it has none."""
    try:
        rows = _answer(body).data
    except (msgspec.MsgspecError, ValueError) as error:
        raise SpancastError(f"OpenRouter's list of models cannot be read: {error}.") from error
    models = tuple(_listed(row) for row in rows if isinstance(row.id, str) and isinstance(row.pricing, dict))
    if not models:
        raise SpancastError("OpenRouter's list of models is empty.")
    return Prices(fetched_at, models)


def load(home: Path) -> Prices | None:
    """Return the list that is stored in `home`; `None` where it is absent or cannot be read."""
    try:
        stored = _stored(files.read(home / FILE))
    except (OSError, msgspec.MsgspecError, ValueError, RecursionError):
        return None
    return Prices(stored.fetched_at, stored.models)


def save(home: Path, prices: Prices) -> None:
    """Store the list in `home`, as a whole or not at all; raise `OSError` where that fails."""
    private(home)
    with NamedTemporaryFile(dir=home, prefix=f"{FILE}.", delete=False) as file:
        try:
            file.write(_encode(_Stored(fetched_at=prices.fetched_at, models=prices.models)))
            file.flush()
            Path(file.name).replace(home / FILE)
        except BaseException:
            with suppress(OSError):
                Path(file.name).unlink()
            raise


class _Row(msgspec.Struct):
    id: Any = None
    canonical_slug: Any = None
    alias_target: Any = None
    pricing: Any = None


class _Answer(msgspec.Struct):
    data: list[_Row]


class _Stored(msgspec.Struct, kw_only=True):
    fetched_at: float
    models: tuple[ListedModel, ...]


_answer = msgspec.json.Decoder(_Answer, float_hook=Decimal).decode
_stored = msgspec.json.Decoder(_Stored, float_hook=Decimal).decode
_encode = msgspec.json.Encoder(decimal_format="number").encode


def _listed(row: _Row) -> ListedModel:
    target = row.alias_target.get("slug") if isinstance(row.alias_target, dict) else None
    return ListedModel(
        id=row.id,
        canonical_slug=row.canonical_slug if isinstance(row.canonical_slug, str) else None,
        alias_of=target if isinstance(target, str) else None,
        pricing=row.pricing,
    )
