"""A finished span of the application's own, kept on its way to the destinations that take more than LLM calls."""

from typing import Literal

import msgspec

from spancast.records.call import Scalar

Value = Scalar | tuple[Scalar, ...]
"""What an attribute of it may be."""

Kind = Literal["internal", "server", "client", "producer", "consumer"]
Status = Literal["unset", "ok", "error"]


class Happening(msgspec.Struct, frozen=True, omit_defaults=True):
    """An event of it."""

    name: str
    time: int
    """Unix time in nanoseconds."""
    attributes: dict[str, Value] = {}


class Foreign(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag="span"):
    """One span that is none of ours: an agent, a tool, a request that the application serves."""

    call_id: str
    """The trace id and the span id: the key that a record has."""
    trace_id: str
    """32 hex digits."""
    span_id: str
    """16 hex digits."""
    parent_span_id: str | None = None
    genai_parent_span_id: str | None = None
    """The nearest span above it that is a part of a model's work."""
    is_genai: bool = False
    """Whether it is such a part itself."""
    name: str
    kind: Kind = "internal"
    started_at: int
    """Unix time in nanoseconds."""
    ended_at: int
    """Unix time in nanoseconds."""
    status: Status = "unset"
    status_message: str | None = None
    attributes: dict[str, Value] = {}
    words: dict[str, Value] = {}
    """Those attributes that hold what was asked and answered; empty where content is not kept."""
    events: tuple[Happening, ...] = ()
    user: str | None = None
    session: str | None = None
    scope: tuple[str, str] = ("", "")
    """Name and version of the instrumentation that made it."""
    sampled: bool = True
    destinations: tuple[str, ...] = ()
    """The destinations configured where it was made that take spans of its kind."""
    resource: dict[str, Scalar] = {}

    @property
    def content(self) -> bool:
        """Whether its words are in a record of their own; they are in this one."""
        return False
