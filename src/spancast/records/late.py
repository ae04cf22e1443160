"""What OpenRouter states of a call after its exchange: the bill of a job, of a stream that was cut, of speech."""

from decimal import Decimal

import msgspec

from spancast.base.http_status import FIRST_ERROR
from spancast.records.call import Call, CostSource


class LateFacts(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag="late"):
    """Facts that fill what is unknown of a call; for what they may replace see `filled`.

    They name their call by `call_id`, or by the id of the job that it started.
    """

    at: int
    """Unix time in nanoseconds at which they became known."""
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
"""Operations that start a job; the bill comes with a poll of the job."""
DONE = frozenset({"completed", "failed", "cancelled", "expired"})
"""The statuses of a job that has ended (OpenRouter API, VideoGenerationResponse; openrouter SDK, BatchObject)."""


def bill_of(poll: Call) -> LateFacts | None:
    """Return what a poll states of its job; `None` while the job is in progress, or where the poll itself failed."""
    if poll.response_id is None or (poll.cost is None and poll.status not in DONE):
        return None
    return LateFacts(
        at=poll.started_at + (poll.duration or 0),
        source="response",
        job_id=poll.response_id,
        **{name: getattr(poll, name) for name in _STATED},
    )


def cost_may_come(call: Call) -> bool:
    """Whether OpenRouter may still state the cost of a finished call: its job is pending, or its generation has an id.

    A call that was answered with an error is not billed.
    """
    if call.cost is not None and call.cost_source != "prices":
        return False
    if call.operation in JOBS:
        return is_pending_job(call)
    return call.generation_id is not None and (call.http_status or 0) < FIRST_ERROR


def is_pending_job(call: Call) -> bool:
    """Whether the call started a job whose end, and therefore bill, is not known yet."""
    started = call.operation in JOBS and call.response_id is not None
    return started and call.cost is None and call.status not in DONE


def cost_comes_soon(call: Call) -> bool:
    """Whether the call started a job that takes minutes; a batch takes hours."""
    return call.operation == "video" and is_pending_job(call)


def filled(call: Call, late: LateFacts) -> Call:
    """Return the call with late facts.

    They fill what is unknown; what is known is retained, with four exceptions: a stated cost replaces an estimate, a
    job's later status replaces an earlier one, a call whose job failed has failed, and the counts of the generation
    replace the partial counts of an answer that was not read to its end.
    """
    counts = _COUNTS if late.source in _FINAL_COUNTS and call.outcome != "completed" else ()
    fields = _FILLED if late.source == "response" else _WITHOUT_FAILURE
    stated = {name: value for name in fields if (value := getattr(late, name)) is not None}
    facts = {name: value for name, value in stated.items() if name in counts or getattr(call, name) is None}
    if late.status is not None:
        facts["status"] = late.status
    if "error_type" in facts and call.outcome == "completed":
        facts["outcome"] = "error"
    if late.cost is not None and (call.cost is None or (call.cost_source == "prices" and late.source != "prices")):
        facts |= {"cost": late.cost, "cost_source": late.source}
    return msgspec.structs.replace(call, **facts)


def is_update(before: Call, after: Call) -> bool:
    """Whether a destination that has the call as it was `before` needs it again: with its cost, or as failed."""
    return (before.cost, before.outcome) != (after.cost, after.outcome)


_FINAL_COUNTS = ("generation", "analytics")
"""The sources that state the counts of a whole generation."""
_STATED = tuple(name for name in LateFacts.__struct_fields__ if name in Call.__struct_fields__ and name != "call_id")
"""The fields that LateFacts and Call share."""
_FILLED = tuple(name for name in _STATED if name not in ("status", "cost"))
_WITHOUT_FAILURE = tuple(name for name in _FILLED if name not in ("error_type", "error_message"))
"""What other sources than the poll of a job fill: only that states a failure, which is the job's."""
_COUNTS = frozenset(name for name in _STATED if name.endswith("_tokens"))
