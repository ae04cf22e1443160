"""`POST /videos` begins a job; `GET /videos/{id}` tells how it stands, and its cost once it is done.

The answers are as recorded in August 2026: the job has an id of its own, and a poll names the generation. A video is
noise behind the header of an MP4 file.
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
from spancast.testing.simulator.generation import Generation, Opening
from spancast.testing.simulator.jobs import Job, Kind, Standing
from spancast.testing.simulator.model import Model
from spancast.testing.simulator.order import Order
from spancast.testing.simulator.pieces import Piece
from spancast.testing.simulator.served import Served
from spancast.testing.simulator.usage import Usage
from spancast.testing.simulator.work import Work

_KIND: Kind = "video"
_PLACE = 3
"""Where the job's id stands in the path."""
_SECONDS = 5
"""How long a video is that no length was asked for."""
_BYTES = 4096
_HEADER = b"\x00\x00\x00\x18ftypmp42\x00\x00\x00\x00mp42isom"


class Film(msgspec.Struct, frozen=True):
    """What is to be filmed."""

    prompt: str
    seconds: int

    @property
    def key(self) -> str:
        """No cache reads from a prompt for a video."""
        return self.prompt


def submit(served: Served, account: Account) -> Answer:
    """Begin a job."""
    todo = service.read(VIDEO, served, account)
    done = work.work(todo, account)
    job_id = _id(done.made)
    bill = msgspec.structs.replace(work.bill(done), job_id=job_id)
    account.jobs.begin(Job(id=job_id, kind=_KIND, polls=todo.directives.polls, bills=(bill,), result=done))
    given = msgspec.structs.replace(service.answer(done), bill=None)
    return service.delivered(given, todo.route.fault, todo.directives, VIDEO.refusal)


def poll(served: Served, account: Account) -> Answer:
    """Tell how a job stands."""
    standing = account.jobs.poll(served.parts[_PLACE], _KIND)
    done = _work(standing)
    url = _url(done.task.order, done.made)
    begun = {"id": standing.job.id, "generation_id": done.made.id, "polling_url": url}
    return answer.json(msgspec.json.encode(begun | _state(standing, done.made, url)), headers=service.EXPOSED)


def content(served: Served, account: Account) -> Answer:
    """Hand out the video of a job that is done."""
    standing = account.jobs.look(served.parts[_PLACE], _KIND)
    made = _work(standing).made
    if standing.state != "done" or made.failure is not None:
        raise errors.bad_request("The video is not completed.")
    noise = Random(hashlib.sha256(made.output.prompt.encode()).digest()).randbytes(_BYTES)  # noqa: S311 - noise
    return Answer(headers={"Content-Type": "video/mp4"}, pieces=(Piece(_HEADER + noise),))


def _whole(order: Order[Film], made: Generation[Film]) -> tuple[Piece, ...]:
    begun = {"id": _id(made), "polling_url": _url(order, made), "status": "pending"}
    return (Piece(msgspec.json.encode(begun)),)


def _work(standing: Standing) -> Work:
    done: Work = standing.job.result
    return done


def _state(standing: Standing, made: Generation[Film], url: str) -> dict[str, Any]:
    if standing.state != "done":
        return {"status": "pending"}
    stated = {"usage": costs.charged(made.usage)} if made.usage_stated else {}
    if made.failure is not None:
        return {"status": "failed", "error": made.failure.message} | stated
    return {"status": "completed", "unsigned_urls": [f"{url}/content?index=0"]} | stated


def _id(made: Generation[Film]) -> str:
    return identity.derived("", "video", made.id, length=20)


def _url(order: Order[Film], made: Generation[Film]) -> str:
    return f"{order.base_url}/videos/{_id(made)}"


def _read(body: dict[str, Any]) -> Film:
    seconds = body.get("duration")
    return Film(reading.needed(body, "prompt", str), seconds if isinstance(seconds, int) and seconds > 0 else _SECONDS)


def _make(want: Film, model: Model, opening: Opening, _: Directives) -> Generation[Film]:
    counted = Usage(units=want.seconds)
    return Generation(opening=opening, model=model, output=want, usage=usage.priced(counted, model.prices))


VIDEO = Dialect[Film](
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
