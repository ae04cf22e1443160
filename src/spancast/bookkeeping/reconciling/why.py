"""Why a call is in the ledger and not among what OpenRouter billed."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Literal

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
"""`another server`: it did not go to the OpenRouter that was asked. `another account`: its key is none of the
account's. `too recent`: it may be billed yet. `not finished`: a job of which nobody has asked since. `failed`,
`cancelled`, `killed`: it has no cost, since it came to nothing, was left by the application, or its process died.
`free`: it cost nothing. `no generation id`: the answer had no name to find it by. `not billed`: OpenRouter knows of no
such cost."""

SETTLING = timedelta(minutes=10)
"""How long what a call cost may be on its way; how long it really takes is documented nowhere."""
_OPENROUTER = "openrouter.ai"


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """Whose calls are compared: those that went to `server`, with one of `keys` where not all are meant."""

    server: str | None = None
    """The host that was asked; `None` where a file was read."""
    keys: frozenset[str] | None = None
    """Hashes; `None`: every key."""
    now: datetime
    """OpenRouter's time."""

    def outside(self, key_hash: str | None, server_address: str | None) -> Why | None:
        """Return why a call with this key to this server is none of those; `None` where it is one."""
        if self.server is not None and server_address is not None and not _same(server_address, self.server):
            return "another server"
        if self.keys is not None and key_hash is not None and key_hash not in self.keys:
            return "another account"
        return None


def why(row: CallRow, scope: Scope) -> Why:
    """Return why OpenRouter has not billed a call, as far as the ledger can tell."""
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
    ended = (row.started_at + (row.duration or 0)) / 10**9
    return ended > (now - SETTLING).timestamp()


def _same(address: str, server: str) -> bool:
    """Whether two hosts are the same OpenRouter; it has hosts for its regions."""
    return address == server or (_is_public(address) and _is_public(server))


def _is_public(host: str) -> bool:
    return host == _OPENROUTER or host.endswith(f".{_OPENROUTER}")
