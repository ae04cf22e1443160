"""What OpenRouter says of a call after its exchange has ended: the bill of a job, of a cut stream, of a sound."""

from decimal import Decimal

import msgspec

from spancast.records.call import Call, CostSource


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
    error_message: str | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None
    total_tokens: int | None = None
    cached_tokens: int | None = None
    cache_write_tokens: int | None = None
    reasoning_tokens: int | None = None
    cost: Decimal | None = None
    upstream_cost: Decimal | None = None
    is_byok: bool | None = None


JOBS = frozenset({"video", "batch"})
"""Operations whose answer only says that something was begun; the bill comes with a poll of the job."""
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


def may_come(call: Call) -> bool:
    """Whether OpenRouter may still state what a finished call cost: its job is under way, or there is a name to ask by.

    What was answered with an error is not billed.
    """
    if call.cost is not None and call.cost_source != "prices":
        return False
    if call.operation in JOBS:
        return under_way(call)
    return call.generation_id is not None and (call.http_status or 0) < _ERRORS


def under_way(call: Call) -> bool:
    """Whether the call began a job whose end, and bill, is not known yet."""
    begun = call.operation in JOBS and call.response_id is not None
    return begun and call.cost is None and call.status not in DONE


def comes_soon(call: Call) -> bool:
    """Whether the call began a job that takes minutes; a batch takes hours."""
    return call.operation == "video" and under_way(call)


def filled(call: Call, late: Late) -> Call:
    """Return the call with what the word says.

    It fills what is unknown; what is known stands, but for four things: a stated cost replaces an estimate, a job's
    last state stands, a call whose job failed has failed, and the generation's counts replace the running counts of an
    answer that was not read to its end.
    """
    counts = _COUNTS if late.source in _RECORDS and call.outcome != "completed" else ()
    said = {name: value for name in _FILLED if (value := getattr(late, name)) is not None}
    facts = {name: value for name, value in said.items() if name in counts or getattr(call, name) is None}
    if late.status is not None:
        facts["status"] = late.status
    if "error_type" in facts and call.outcome == "completed":
        facts["outcome"] = "error"
    if late.cost is not None and (call.cost is None or (call.cost_source == "prices" and late.source != "prices")):
        facts |= {"cost": late.cost, "cost_source": late.source}
    return msgspec.structs.replace(call, **facts)


def is_news(before: Call, after: Call) -> bool:
    """Whether who was told of the call as it was `before` is to be told anew: its cost is known, or its job failed."""
    return (before.cost, before.outcome) != (after.cost, after.outcome)


_RECORDS = ("generation", "analytics")
"""What knows the counts of a whole generation."""
_ERRORS = 400
"""The first HTTP status that is an error; OpenRouter does not bill what it answers with one."""
_STATED = tuple(name for name in Late.__struct_fields__ if name in Call.__struct_fields__ and name != "call_id")
"""What a Late and a Call both have a field for."""
_FILLED = tuple(name for name in _STATED if name not in ("status", "cost"))
_COUNTS = frozenset(name for name in _STATED if name.endswith("_tokens"))
