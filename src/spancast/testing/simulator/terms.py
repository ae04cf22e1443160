"""What whoever starts the simulator decides for all requests."""

from decimal import Decimal

import msgspec


class Patience(msgspec.Struct, frozen=True):
    """How long `GET /generation` does not find a generation."""

    lookups: int
    """How many lookups are answered 404 first."""
    seconds: float
    """From the generation's start, before a lookup finds it."""


class Terms(msgspec.Struct, frozen=True, kw_only=True):
    """How patient a client has to be, and how rich it is."""

    lookups_before_ready: int
    """How many lookups of a generation are answered 404 first."""
    ready_after: float
    """Seconds from a generation's start before a lookup finds it."""
    polls_before_done: int
    """How many polls find a job under way."""
    slow_delay: float
    """Seconds that the fault `slow` takes."""
    analytics_rows: int
    """The most rows that a question to analytics is answered with."""
    management_key_hash: str | None
    """SHA-256 of the one key that may ask what only management keys may; `None`: any may."""
    credits: Decimal
    """USD bought."""
