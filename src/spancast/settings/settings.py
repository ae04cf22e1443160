"""The settings that are in force."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from spancast.destinations.destination import Destination

Durability = Literal["process", "power", "memory"]
"""What a finished call survives: the death of the process, the loss of power, or neither (nothing is written)."""

ContentMode = Literal["no_content", "span_only", "event_only", "span_and_event"]
"""Where prompts and completions go (GenAI semantic conventions, content capture)."""

MetricNames = Literal["latest", "1.44", "off"]
"""Which names the metrics have; see `spancast.trace.metrics`."""

Delivery = Literal["process", "external"]
"""Who sends: this process, or only `spancast deliver`."""

Backfill = Literal["off", "caller-key"]
"""Whether the key of a call, held in memory alone, is used to ask what the call cost where its answer did not say."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What holds in this process, each read, or what it is without."""

    destinations: tuple[Destination, ...]
    keys: Mapping[str, str]
    """Hashes of API keys, by the names that they are given."""
    home: Path
    hosts: tuple[str, ...]
    capture_content: ContentMode
    redact: Callable[[str], str | None] | None
    emit_event: bool
    metrics: MetricNames
    user_metrics: bool
    link_broadcast: bool
    default_user: str | None
    default_session: str | None
    default_tags: Mapping[str, str]
    baggage_keys: tuple[str, ...]
    forward_user: bool
    user_hash: bytes | None = field(repr=False)
    """The key of an HMAC."""
    backfill: Backfill
    backfill_key: str | None = field(repr=False)
    estimate: bool
    durability: Durability
    delivery: Delivery
    outbox_size: int
    """Bytes."""
    outbox_age: float
    """Seconds."""
    retention: float
    """Seconds."""
    ledger_retention: float | None
    """Seconds; `None` for no end."""
    enabled: bool
    instead_of: str | None = None
    """Which `home` was wanted, and why another is used."""
    stated: frozenset[str] = frozenset()
    """The names of those that an argument, a variable or a file states."""
