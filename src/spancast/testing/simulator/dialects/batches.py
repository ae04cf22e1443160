"""`POST /batches` starts a job of many requests of one dialect, at half the price; `GET /batches/{id}` polls it.

The responses follow OpenRouter's description (OpenRouter docs, batch quickstart; openrouter SDK, BatchObject). Only the
batch states its cost; its results state token counts. OpenRouter describes the states of a cancelled batch, but not the
route that cancels one, which is OpenAI's.
"""

from decimal import Decimal
from typing import Any

import msgspec

from spancast.testing.simulator import (
    answer,
    errors,
    faults,
    identity,
    models,
    order,
    reading,
    service,
    usage,
    work,
)
from spancast.testing.simulator.account import Account
from spancast.testing.simulator.answer import Answer
from spancast.testing.simulator.dialect import Dialect
from spancast.testing.simulator.dialects import costs
from spancast.testing.simulator.dialects.table import DIALECTS
from spancast.testing.simulator.directives import Directives, parse_directives
from spancast.testing.simulator.errors import Refusal, RequestError
from spancast.testing.simulator.jobs import Job, JobStatus, Kind
from spancast.testing.simulator.served import Served
from spancast.testing.simulator.usage import Usage
from spancast.testing.simulator.work import Work

_KIND: Kind = "batch"
_PLACE = 3
"""The index of the batch's id in the path."""
_ENDPOINTS = ("/v1/chat/completions", "/v1/responses", "/v1/messages", "/v1/embeddings")
_HALF = Decimal("0.5")
_PREFIX = "gen-batch-"
_MONEY = frozenset({"cost", "cost_details", "is_byok"})
_WINDOW = 24 * 60 * 60
"""Seconds until a batch expires."""
_TOOK = 1
"""Seconds that a batch takes."""
_STATES = {"running": "in_progress", "cancelling": "cancelling", "cancelled": "cancelled", "done": "completed"}
"""The status of a batch, by the state of its job."""


class Line(msgspec.Struct, frozen=True):
    """One request of a batch, with its result or its error."""

    custom_id: str
    outcome: Work | Refusal


class Batch(msgspec.Struct, frozen=True, kw_only=True):
    """The requests of a batch."""

    id: str
    endpoint: str
    model: str
    created: int
    """Unix time in seconds."""
    lines: tuple[Line, ...]

    @property
    def works(self) -> tuple[Work, ...]:
        """The requests that were served."""
        return tuple(line.outcome for line in self.lines if isinstance(line.outcome, Work))


class Submission(msgspec.Struct, frozen=True, kw_only=True):
    """A request to start a batch."""

    served: Served
    account: Account
    directives: Directives
    body: dict[str, Any]
    dialect: Dialect[Any]
    model: str


def submit(served: Served, account: Account) -> Answer:
    """Start a batch; raise `RequestError` if it is rejected."""
    submission = _read(served, account)
    fault = submission.directives.fault or faults.of_model(submission.model)
    if fault.refusal is not None and submission.directives.fault is not None:
        raise RequestError(fault.refusal)
    batch = _batch(submission)
    bills = tuple(map(work.bill, batch.works))
    account.jobs.begin(Job(id=batch.id, kind=_KIND, polls=submission.directives.polls, bills=bills, result=batch))
    begun = answer.json(msgspec.json.encode(_object(batch, "validating")), status=202, headers=service.EXPOSED)
    return service.delivered(begun, fault, submission.directives, errors.body)


def poll(served: Served, account: Account) -> Answer:
    """Return the state of a batch, with its results once it is done."""
    return _told(account.jobs.poll(served.parts[_PLACE], _KIND))


def cancel(served: Served, account: Account) -> Answer:
    """Cancel a batch unless it is done."""
    return _told(account.jobs.cancel(served.parts[_PLACE], _KIND))


def _told(job_status: JobStatus) -> Answer:
    batch: Batch = job_status.job.result
    stated = _object(batch, _STATES[job_status.state])
    if job_status.state == "done":
        stated |= _results(batch)
    if job_status.state in {"done", "cancelled"}:
        stated |= {"finalized_at": batch.created + _TOOK}
    return answer.json(msgspec.json.encode(stated), headers=service.EXPOSED)


def _read(served: Served, account: Account) -> Submission:
    directives = parse_directives(served.headers, account.config)
    body = reading.json_object(served)
    dialect = _dialect(body)
    model = reading.required(body, "model", str)
    models.find(model, dialect.kind)
    return Submission(served=served, account=account, directives=directives, body=body, dialect=dialect, model=model)


def _dialect(body: dict[str, Any]) -> Dialect[Any]:
    """Return the dialect of the requests, which must come last: OpenRouter parses the body as a stream."""
    names = list(body)
    if "requests" in names and not {"endpoint", "model"} <= set(names[: names.index("requests")]):
        raise errors.bad_request("endpoint and model must come before requests")
    endpoint = reading.required(body, "endpoint", str)
    if endpoint not in _ENDPOINTS:
        raise errors.bad_request(f"Invalid endpoint: {endpoint}. It is one of {', '.join(_ENDPOINTS)}")
    return msgspec.structs.replace(DIALECTS[endpoint], prefix=_PREFIX)


def _batch(submission: Submission) -> Batch:
    requests = reading.objects(reading.required(submission.body, "requests", list))
    _check(requests, submission.model)
    batch_id = submission.account.batch_id()
    return Batch(
        id=batch_id,
        endpoint=submission.body["endpoint"],
        model=submission.model,
        created=int(submission.served.at),
        lines=tuple(Line(each["custom_id"], _outcome(each["body"], batch_id, submission)) for each in requests),
    )


def _check(requests: list[dict[str, Any]], model: str) -> None:
    """Raise `RequestError` (400) if the batch as a whole is invalid."""
    names = [reading.required(each, "custom_id", str) for each in requests]
    if len(set(names)) < len(names):
        raise errors.bad_request("custom_id must be unique within the batch")
    if any(reading.required(each, "body", dict).get("model", model) != model for each in requests):
        raise errors.bad_request("The model of every request must be that of the batch")


def _outcome(request: dict[str, Any], batch_id: str, submission: Submission) -> Work | Refusal:
    """Return the result or the error of a request; an error does not stop the batch."""
    body = request | {"model": submission.model, "stream": False}
    dialect, served = submission.dialect, submission.served
    try:
        todo = work.task(dialect, order.order(dialect.read(body), body, served), served, submission.directives)
    except RequestError as refused:
        return refused.refusal
    return work.work(msgspec.structs.replace(todo, factor=_HALF, job_id=batch_id), submission.account)


def _object(batch: Batch, status: str) -> dict[str, Any]:
    return {
        "id": batch.id,
        "object": "batch",
        "endpoint": batch.endpoint,
        "model": batch.model,
        "completion_window": "24h",
        "status": status,
        "created_at": batch.created,
        "expires_at": batch.created + _WINDOW,
        "finalized_at": None,
        "provider": batch.works[0].made.model.provider if batch.works else None,
        "request_counts": {"total": len(batch.lines), "completed": 0, "failed": 0},
        "usage": None,
        "results": None,
        "error": None,
    }


def _results(batch: Batch) -> dict[str, Any]:
    results = [_result(batch, line) for line in batch.lines]
    failed = sum(result["error"] is not None for result in results)
    return {
        "request_counts": {"total": len(results), "completed": len(results) - failed, "failed": failed},
        "usage": _usage(batch.works),
        "results": results,
    }


def _result(batch: Batch, line: Line) -> dict[str, Any]:
    result_id = identity.derived("batch_req_", batch.id, line.custom_id)
    named = {"id": result_id, "custom_id": line.custom_id, "response": None, "error": None}
    if isinstance(line.outcome, Refusal):
        return named | {"error": _error(line.outcome.message, line.outcome.error_type)}
    made = line.outcome.made
    if made.failure is not None:
        return named | {"error": _error(made.failure.message, made.failure.error_type)}
    response = {"status_code": 200, "request_id": identity.request_id(made.id, made.opening.at)}
    return named | {"response": response | {"body": _body(line.outcome)}}


def _error(message: str, error_type: str | None) -> dict[str, Any]:
    return {"message": message, "type": "api_error", "param": None} | ({"error_type": error_type} if error_type else {})


def _body(done: Work) -> dict[str, Any]:
    """Return the response body of a request in its dialect, without costs."""
    written = b"".join(piece.data for piece in done.task.dialect.whole(done.task.order, done.made))
    body: dict[str, Any] = msgspec.json.decode(written)
    counted = {name: value for name, value in (body.get("usage") or {}).items() if name not in _MONEY}
    return body | ({"usage": counted} if counted else {})


def _usage(works: tuple[Work, ...]) -> dict[str, Any]:
    """Return the total usage of all requests."""
    together = Usage()
    for done in works:
        together = usage.add(together, done.made.usage)
    counted = {"prompt_tokens": together.prompt_tokens, "completion_tokens": together.completion_tokens}
    total = {"total_tokens": together.total_tokens}
    return counted | total | costs.charged(together) | {"cost_details": costs.details(together)}
