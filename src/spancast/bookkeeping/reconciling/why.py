"""Why a call in the ledger is missing from OpenRouter's bills."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Literal

from spancast.base.units import NS_PER_SECOND
from spancast.bookkeeping.answers.calls import CallRow
from spancast.records.late import JOBS

Why = Literal[
    "another server",
    "another account",
    "too recent",
    "not finished",
    "failed",
    "cancelled",
    "killed",
    "free",
    "no generation id",
    "not billed",
]
"""`another server`: it went to a different server than the one compared with. `another account`: its key is not one of
the account's. `too recent`: it may still be billed. `not finished`: a job whose result was never fetched. `failed`,
`cancelled`, `killed`: it has no cost, since it failed, the application abandoned it, or its process died. `free`: it
cost nothing. `no generation id`: its answer had no id to match it by. `not billed`: OpenRouter has no such cost."""

SETTLING = timedelta(minutes=10)
"""How long billing may take after a call; the real time is not documented."""
_OPENROUTER = "openrouter.ai"


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """Which calls are compared: those to `server` with one of `keys`."""

    server: str | None = None
    """The host of the API; `None` for an export."""
    keys: frozenset[str] | None = None
    """Hashes; `None` for all keys."""
    now: datetime
    """OpenRouter's time."""

    def outside(self, key_hash: str | None, server_address: str | None) -> Why | None:
        """Return why a call with this key to this server is out of scope; `None` where it is in scope."""
        if self.server is not None and server_address is not None and not _same(server_address, self.server):
            return "another server"
        if self.keys is not None and key_hash is not None and key_hash not in self.keys:
            return "another account"
        return None


def why(row: CallRow, scope: Scope) -> Why:
    """Return why OpenRouter has not billed a call, as far as the ledger shows."""
    outside = scope.outside(row.key_hash, row.server_address)
    if outside is not None:
        return outside
    if row.cost == Decimal(0) and not row.is_byok:
        return "free"
    if row.generation_id is not None and not _failed(row) and _is_recent(row, scope.now):
        return "too recent"
    return _unbilled(row) if row.cost is None else "no generation id" if row.generation_id is None else "not billed"


def _unbilled(row: CallRow) -> Why:
    if row.operation in JOBS and row.error_type is None:
        return "not finished"
    if _failed(row):
        return "failed"
    if row.outcome == "killed":
        return "killed"
    return "not billed" if row.outcome == "completed" else "cancelled"


def _failed(row: CallRow) -> bool:
    return row.cost is None and (row.outcome == "error" or row.refused)


def _is_recent(row: CallRow, now: datetime) -> bool:
    ended = (row.started_at + (row.duration or 0)) / NS_PER_SECOND
    return ended > (now - SETTLING).timestamp()


def _same(address: str, server: str) -> bool:
    """Whether two hosts are the same OpenRouter, which has a host for each region."""
    return address == server or (_is_public(address) and _is_public(server))


def _is_public(host: str) -> bool:
    return host == _OPENROUTER or host.endswith(f".{_OPENROUTER}")
