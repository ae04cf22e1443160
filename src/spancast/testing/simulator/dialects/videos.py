"""`POST /videos` starts a job; `GET /videos/{id}` returns its state, and its cost once it is done.

The responses are as recorded in August 2026: the job has its own id, and a poll names the generation. A video is
noise after the header of an MP4 file.
"""

import hashlib
from random import Random
from typing import Any

import msgspec

from spancast.testing.simulator import answer, errors, generation, identity, reading, service, usage, work
from spancast.testing.simulator.account import Account
from spancast.testing.simulator.answer import Answer
from spancast.testing.simulator.dialect import Dialect
from spancast.testing.simulator.dialects import costs
from spancast.testing.simulator.directives import Directives
from spancast.testing.simulator.generation import Generation, GenerationStart
from spancast.testing.simulator.jobs import Job, JobStatus, Kind
from spancast.testing.simulator.model import Model
from spancast.testing.simulator.order import ParsedRequest
from spancast.testing.simulator.pieces import Piece
from spancast.testing.simulator.served import Served
from spancast.testing.simulator.usage import Usage
from spancast.testing.simulator.work import Work

_KIND: Kind = "video"
_PLACE = 3
"""The index of the job's id in the path."""
_SECONDS = 5
"""The default duration of a video."""
_BYTES = 4096
_HEADER = b"\x00\x00\x00\x18ftypmp42\x00\x00\x00\x00mp42isom"


class VideoRequest(msgspec.Struct, frozen=True):
    """The parsed fields of a video request."""

    prompt: str
    seconds: int

    @property
    def key(self) -> str:
        """Video prompts are not read from a prompt cache."""
        return self.prompt


def submit(served: Served, account: Account) -> Answer:
    """Start a job."""
    todo = service.read(VIDEO, served, account)
    done = work.work(todo, account)
    job_id = _id(done.made)
    bill = msgspec.structs.replace(work.bill(done), job_id=job_id)
    account.jobs.begin(Job(id=job_id, kind=_KIND, polls=todo.directives.polls, bills=(bill,), result=done))
    given = msgspec.structs.replace(service.answer(done), bill=None)
    return service.delivered(given, todo.route.fault, todo.directives, VIDEO.refusal)


def poll(served: Served, account: Account) -> Answer:
    """Return the state of a job."""
    job_status = account.jobs.poll(served.parts[_PLACE], _KIND)
    done = _work(job_status)
    url = _url(done.task.order, done.made)
    begun = {"id": job_status.job.id, "generation_id": done.made.id, "polling_url": url}
    return answer.json(msgspec.json.encode(begun | _state(job_status, done.made, url)), headers=service.EXPOSED)


def content(served: Served, account: Account) -> Answer:
    """Return the video of a finished job."""
    job_status = account.jobs.look(served.parts[_PLACE], _KIND)
    made = _work(job_status).made
    if job_status.state != "done" or made.failure is not None:
        raise errors.bad_request("The video is not completed.")
    noise = Random(hashlib.sha256(made.output.prompt.encode()).digest()).randbytes(_BYTES)  # noqa: S311 - noise
    return Answer(headers={"Content-Type": "video/mp4"}, pieces=(Piece(_HEADER + noise),))


def _whole(order: ParsedRequest[VideoRequest], made: Generation[VideoRequest]) -> tuple[Piece, ...]:
    begun = {"id": _id(made), "polling_url": _url(order, made), "status": "pending"}
    return (Piece(msgspec.json.encode(begun)),)


def _work(job_status: JobStatus) -> Work:
    done: Work = job_status.job.result
    return done


def _state(job_status: JobStatus, made: Generation[VideoRequest], url: str) -> dict[str, Any]:
    if job_status.state != "done":
        return {"status": "pending"}
    stated = {"usage": costs.charged(made.usage)} if made.usage_stated else {}
    if made.failure is not None:
        return {"status": "failed", "error": made.failure.message} | stated
    return {"status": "completed", "unsigned_urls": [f"{url}/content?index=0"]} | stated


def _id(made: Generation[VideoRequest]) -> str:
    return identity.derived("", "video", made.id, length=20)


def _url(order: ParsedRequest[VideoRequest], made: Generation[VideoRequest]) -> str:
    return f"{order.base_url}/videos/{_id(made)}"


def _read(body: dict[str, Any]) -> VideoRequest:
    seconds = body.get("duration")
    return VideoRequest(
        reading.required(body, "prompt", str), seconds if isinstance(seconds, int) and seconds > 0 else _SECONDS
    )


def _make(fields: VideoRequest, model: Model, opening: GenerationStart, _: Directives) -> Generation[VideoRequest]:
    counted = Usage(units=fields.seconds)
    return Generation(opening=opening, model=model, output=fields, usage=usage.priced(counted, model.prices))


VIDEO = Dialect[VideoRequest](
    operation="video",
    api_type="video",
    kind="video",
    prefix="gen-vid-",
    read=_read,
    make=_make,
    end=generation.fail,
    whole=_whole,
    states_failure=True,
    status=202,
    paddings=2,
    names_generation=False,
)
