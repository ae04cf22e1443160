"""From a request to its answer, in every dialect."""

from collections.abc import Callable
from typing import Any

import msgspec

from spancast.testing.simulator import identity, order, response_cache, wishes, work
from spancast.testing.simulator.account import Account
from spancast.testing.simulator.answer import EVENTS, JSON, Answer
from spancast.testing.simulator.dialect import Dialect
from spancast.testing.simulator.errors import Refusal
from spancast.testing.simulator.faults import Fault
from spancast.testing.simulator.generation import Failure
from spancast.testing.simulator.pieces import Piece
from spancast.testing.simulator.response_cache import Asked, Hit
from spancast.testing.simulator.served import Served
from spancast.testing.simulator.wishes import Wishes
from spancast.testing.simulator.work import Task, Work

EXPOSED = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Expose-Headers": "X-Generation-Id,X-Provider-Name,request-id,cf-ray",
}
"""What lets a browser read the headers."""


def serve(dialect: Dialect[Any], served: Served, account: Account) -> Answer:
    """Answer a request; raises `Refused` for what cannot be answered."""
    todo = read(dialect, served, account)
    asked = response_cache.asked(served, stream=todo.order.stream) if dialect.cacheable else None
    done = work.work(todo, account, _hit(todo, asked, account))
    _keep(done, asked, account)
    return delivered(answer(done, asked), todo.route.fault, todo.wished, dialect.refusal)


def read(dialect: Dialect[Any], served: Served, account: Account) -> Task:
    """Return what a request asks to be done; raises `Refused` for what cannot be."""
    wished = wishes.read(served.headers, account.terms)
    body = dialect.parse(served)
    return work.task(dialect, order.order(dialect.read(body), body, served), served, wished)


def answer(done: Work, asked: Asked | None = None) -> Answer:
    """Return the answer to a request, before anything goes wrong with it, and what is charged for it."""
    caching = done.hit or asked
    shown = headers(done) | (caching.headers if caching else {})
    given = _streamed(done) if done.task.order.stream and done.task.dialect.stream else _whole(done)
    return msgspec.structs.replace(given, headers=given.headers | shown, bill=work.bill(done))


def delivered(given: Answer, fault: Fault, wished: Wishes, refusal: Callable[[Refusal], bytes]) -> Answer:
    """Return the answer as it is sent: with what goes wrong on the way, and as the client wishes it."""
    if fault.instead is not None:
        given = _instead(given, refusal(fault.instead))
    return wishes.granted(fault.answer(given, wished.delay), wished)


def headers(done: Work) -> dict[str, str]:
    """Return what the headers of an answer say of its generation."""
    dialect, made = done.task.dialect, done.made
    named = {"X-Generation-Id": made.id} if dialect.names_generation else {}
    provided = {"X-Provider-Name": made.model.provider} if dialect.names_provider else {}
    return named | provided | {"request-id": identity.request_id(made.id, made.opening.at)} | EXPOSED


def _hit(todo: Task, asked: Asked | None, account: Account) -> Hit | None:
    if todo.route.fault.cache_hit:
        return response_cache.ALWAYS
    return None if asked is None else account.responses.find(asked, todo.served.at)


def _keep(done: Work, asked: Asked | None, account: Account) -> None:
    """Have the answer kept, if it is a good one; what goes wrong on its way does not matter."""
    is_good = done.made.failure is None and done.task.route.fault.instead is None
    if asked is not None and done.hit is None and is_good:
        account.responses.keep(asked, done.made.id, done.task.served.at)


def _streamed(done: Work) -> Answer:
    dialect = done.task.dialect
    assert dialect.stream is not None
    comment = Piece(dialect.comment)
    ending = (Piece(dialect.done),) if done.task.wished.done and dialect.done else ()
    return Answer(
        headers={"Content-Type": EVENTS, "Cache-Control": "no-cache"},
        pieces=(*[comment] * dialect.comments, *dialect.stream(done.task.order, done.made), *ending),
        chunked=True,
        idle=comment,
    )


def _whole(done: Work) -> Answer:
    dialect, failure = done.task.dialect, done.made.failure
    padding = Piece(dialect.padding)
    if failure is not None and not dialect.states_failure:
        body: tuple[Piece, ...] = (Piece(dialect.refusal(_refusal(failure)), settles=True),)
        return Answer(headers={"Content-Type": JSON}, pieces=body, chunked=True, idle=padding)
    return Answer(
        status=dialect.status,
        headers={"Content-Type": dialect.content_type},
        pieces=(*[padding] * dialect.paddings, *dialect.whole(done.task.order, done.made)),
        chunked=True,
        idle=padding,
    )


def _refusal(failure: Failure) -> Refusal:
    return Refusal(status=failure.code, message=failure.message, metadata={"error_type": failure.error_type})


def _instead(given: Answer, body: bytes) -> Answer:
    stated = given.headers | {"Content-Type": JSON}
    return msgspec.structs.replace(given, headers=stated, pieces=(Piece(body),), bill=None)
