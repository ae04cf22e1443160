"""The simulator's configuration, which applies to all requests."""

from decimal import Decimal

import msgspec


class LookupDelay(msgspec.Struct, frozen=True):
    """For how long `GET /generation` does not find a generation; both limits apply."""

    lookups: int
    """The number of lookups that are answered 404 first."""
    seconds: float
    """From the generation's start until a lookup finds it."""


class Config(msgspec.Struct, frozen=True, kw_only=True):
    """The arguments of `Simulator`, as it uses them."""

    lookups_before_ready: int
    """The number of lookups of a generation that are answered 404 first."""
    ready_after: float
    """Seconds from a generation's start until a lookup finds it."""
    polls_before_done: int
    """The number of polls that find a job in progress."""
    slow_delay: float
    """Seconds that the fault `slow` takes."""
    analytics_rows: int
    """The most rows in a response of analytics."""
    management_key_hash: str | None
    """SHA-256 of the only management key; `None` if any key is one."""
    credits: Decimal
    """The credits of the account, in USD."""
