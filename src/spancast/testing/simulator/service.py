"""Answering a request, in every dialect."""

from collections.abc import Callable
from typing import Any

import msgspec

from spancast.testing.simulator import identity, order, response_cache, work
from spancast.testing.simulator.account import Account
from spancast.testing.simulator.answer import EVENTS, JSON, Answer
from spancast.testing.simulator.dialect import Dialect
from spancast.testing.simulator.directives import Directives, apply_directives, parse_directives
from spancast.testing.simulator.errors import Refusal
from spancast.testing.simulator.faults import Fault
from spancast.testing.simulator.generation import Failure
from spancast.testing.simulator.pieces import Piece
from spancast.testing.simulator.response_cache import CacheRequest, Hit
from spancast.testing.simulator.served import Served
from spancast.testing.simulator.work import Task, Work

EXPOSED = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Expose-Headers": "X-Generation-Id,X-Provider-Name,request-id,cf-ray",
}
"""CORS headers, with which a browser may read the others."""


def serve(dialect: Dialect[Any], served: Served, account: Account) -> Answer:
    """Answer a request; raise `RequestError` for an error response."""
    todo = read(dialect, served, account)
    asked = response_cache.asked(served, stream=todo.order.stream) if dialect.cacheable else None
    done = work.work(todo, account, _hit(todo, asked, account))
    _keep(done, asked, account)
    return delivered(answer(done, asked), todo.route.fault, todo.directives, dialect.refusal)


def read(dialect: Dialect[Any], served: Served, account: Account) -> Task:
    """Parse a request into a task; raise `RequestError` for an invalid one."""
    directives = parse_directives(served.headers, account.config)
    body = dialect.parse(served)
    return work.task(dialect, order.order(dialect.read(body), body, served), served, directives)


def answer(done: Work, asked: CacheRequest | None = None) -> Answer:
    """Return the response to a request, with its bill, before any fault is applied."""
    caching = done.hit or asked
    shown = headers(done) | (caching.headers if caching else {})
    given = _streamed(done) if done.task.order.stream and done.task.dialect.stream else _whole(done)
    return msgspec.structs.replace(given, headers=given.headers | shown, bill=work.bill(done))


def delivered(given: Answer, fault: Fault, directives: Directives, refusal: Callable[[Refusal], bytes]) -> Answer:
    """Return the response as it is sent, with its fault and the client's directives applied."""
    if fault.instead is not None:
        given = _instead(given, refusal(fault.instead))
    return apply_directives(fault.answer(given, directives.delay), directives)


def headers(done: Work) -> dict[str, str]:
    """Return the response headers that describe its generation."""
    dialect, made = done.task.dialect, done.made
    named = {"X-Generation-Id": made.id} if dialect.names_generation else {}
    provided = {"X-Provider-Name": made.model.provider} if dialect.names_provider else {}
    return named | provided | {"request-id": identity.request_id(made.id, made.opening.at)} | EXPOSED


def _hit(todo: Task, asked: CacheRequest | None, account: Account) -> Hit | None:
    if todo.route.fault.cache_hit:
        return response_cache.ALWAYS
    return None if asked is None else account.responses.find(asked, todo.served.at)


def _keep(done: Work, asked: CacheRequest | None, account: Account) -> None:
    """Cache a successful response, even if a fault disturbs its transmission."""
    is_good = done.made.failure is None and done.task.route.fault.instead is None
    if asked is not None and done.hit is None and is_good:
        account.responses.keep(asked, done.made.id, done.task.served.at)


def _streamed(done: Work) -> Answer:
    dialect = done.task.dialect
    assert dialect.stream is not None
    comment = Piece(dialect.comment)
    ending = (Piece(dialect.done),) if done.task.directives.done and dialect.done else ()
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
