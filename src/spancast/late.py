"""What OpenRouter says of a call after its exchange has ended: the bill of a job, of a cut stream, of a sound."""

from decimal import Decimal

import msgspec

from spancast.call import Call, CostSource


class Late(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag="late"):
    """Facts that fill what the call left unknown, and change nothing that it knew.

    It names its call by `call_id`, or by the id of the job that the call began.
    """

    at: int
    """Unix time in nanoseconds at which it became known."""
    source: CostSource
    call_id: str | None = None
    job_id: str | None = None
    """The `response_id` of the call, which is a video job or a batch."""
    generation_id: str | None = None
    provider: str | None = None
    response_model: str | None = None
    status: str | None = None
    error_type: str | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None
    total_tokens: int | None = None
    cached_tokens: int | None = None
    cache_write_tokens: int | None = None
    reasoning_tokens: int | None = None
    cost: Decimal | None = None
    upstream_cost: Decimal | None = None
    is_byok: bool | None = None


DONE = frozenset({"completed", "failed", "cancelled", "expired"})
"""States in which a job has come to its end (OpenRouter API, VideoGenerationResponse; openrouter SDK, BatchObject)."""


def bill_of(poll: Call) -> Late | None:
    """Return what a poll says of its job; `None` while the job is under way, or when the poll itself failed."""
    if poll.response_id is None or (poll.cost is None and poll.status not in DONE):
        return None
    return Late(
        at=poll.started_at + (poll.duration or 0),
        source="response",
        job_id=poll.response_id,
        **{name: getattr(poll, name) for name in _STATED},
    )


_STATED = tuple(name for name in Late.__struct_fields__ if name in Call.__struct_fields__ and name != "call_id")
"""What a Late and a Call both have a field for."""
