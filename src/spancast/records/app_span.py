"""A finished span of the application, stored on its way to the destinations that are sent more than LLM calls."""

from typing import Literal

import msgspec

from spancast.records.call import Scalar

Value = Scalar | tuple[Scalar, ...]
"""The value of an attribute."""

Kind = Literal["internal", "server", "client", "producer", "consumer"]
Status = Literal["unset", "ok", "error"]


class SpanEvent(msgspec.Struct, frozen=True, omit_defaults=True):
    """An event of an application's span."""

    name: str
    time: int
    """Unix time in nanoseconds."""
    attributes: dict[str, Value] = {}


class AppSpan(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag="span"):
    """One span that Spancast did not make: an agent, a tool, a request that the application serves."""

    call_id: str
    """The trace id and the span id: the key of the record."""
    trace_id: str
    """32 hex digits."""
    span_id: str
    """16 hex digits."""
    parent_span_id: str | None = None
    genai_parent_span_id: str | None = None
    """The nearest GenAI span above it."""
    is_genai: bool = False
    """Whether it is a GenAI span: a part of a model's work, such as an agent or a tool."""
    name: str
    kind: Kind = "internal"
    started_at: int
    """Unix time in nanoseconds."""
    ended_at: int
    """Unix time in nanoseconds."""
    status: Status = "unset"
    status_message: str | None = None
    attributes: dict[str, Value] = {}
    content_attributes: dict[str, Value] = msgspec.field(default_factory=dict, name="words")
    """The attributes that hold content; empty where content is not captured."""
    events: tuple[SpanEvent, ...] = ()
    user: str | None = None
    session: str | None = None
    scope: tuple[str, str] = ("", "")
    """Name and version of the instrumentation that made it."""
    sampled: bool = True
    destinations: tuple[str, ...] = ()
    """The destinations configured in its process that are sent such spans."""
    resource: dict[str, Scalar] = {}

    @property
    def content(self) -> bool:
        """Whether its content is in a record of its own; it is in this one."""
        return False
