"""The settings in force."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from spancast.destinations.destination import Destination

Durability = Literal["process", "power", "memory"]
"""What a finished call survives: the death of the process, a loss of power, or neither (nothing is written)."""

ContentMode = Literal["no_content", "span_only", "event_only", "span_and_event"]
"""Where prompts and completions are recorded (GenAI semantic conventions, content capture)."""

MetricNames = Literal["latest", "1.44", "off"]
"""Which names the metrics have; see `spancast.trace.metrics`."""

Delivery = Literal["process", "external"]
"""Who sends to destinations: this process, or only `spancast deliver`."""

Backfill = Literal["off", "caller-key"]
"""Whether the key of a call, kept in memory alone, is used to look up a cost that the response did not state."""


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings of this process, each with its parsed value or its default."""

    destinations: tuple[Destination, ...]
    keys: Mapping[str, str]
    """Hashes of API keys by name."""
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
    """Seconds; `None` for no limit."""
    enabled: bool
    instead_of: str | None = None
    """Which `home` was configured, and why another one is used."""
    stated: frozenset[str] = frozenset()
    """The names of the settings that an argument, a variable or a file sets."""
