"""A request's task for a model, in any dialect, its result, and its bill."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import msgspec

from spancast.testing.simulator import models, routing
from spancast.testing.simulator.account import Account
from spancast.testing.simulator.bills import Bill
from spancast.testing.simulator.dialect import Dialect
from spancast.testing.simulator.directives import Directives
from spancast.testing.simulator.errors import Refusal, RequestError
from spancast.testing.simulator.generation import Generation
from spancast.testing.simulator.model import Model
from spancast.testing.simulator.order import ParsedRequest
from spancast.testing.simulator.response_cache import Hit
from spancast.testing.simulator.routing import Route
from spancast.testing.simulator.served import Served
from spancast.testing.simulator.usage import Usage

_ROUTED = "completions"
"""The API type whose responses describe their routing (OpenRouter docs, router metadata)."""


class Task(msgspec.Struct, frozen=True, kw_only=True):
    """A parsed request, with the route to its model."""

    dialect: Dialect[Any]
    served: Served
    directives: Directives
    order: ParsedRequest[Any]
    route: Route
    factor: Decimal = Decimal(1)
    """The factor on the model's prices."""
    job_id: str | None = None
    """The job that it belongs to."""


class Work(msgspec.Struct, frozen=True, kw_only=True):
    """A task, with the generation that it produced."""

    task: Task
    made: Generation[Any]
    hit: Hit | None


def task(dialect: Dialect[Any], order: ParsedRequest[Any], served: Served, directives: Directives) -> Task:
    """Return the task of a request; raise `RequestError` if a model does not exist, or all of them fail."""
    route = routing.route(order, dialect.kind, directives)
    todo = Task(dialect=dialect, served=served, directives=directives, order=order, route=route)
    if route.fault.refusal is not None:
        raise RequestError(_told(route.fault.refusal, todo))
    return todo


def work(todo: Task, account: Account, hit: Hit | None = None) -> Work:
    """Perform the task; a hit of the response cache reproduces the response at no cost."""
    made = _made(todo, account, hit)
    if hit is not None:
        made = msgspec.structs.replace(made, usage=Usage())
    elif _includes_routing(todo):
        made = msgspec.structs.replace(made, routing=routing.metadata(todo.route, made.usage))
    return Work(task=todo, made=made, hit=hit)


def bill(done: Work) -> Bill:
    """Return the bill."""
    todo, made, usage = done.task, done.made, done.made.usage
    return Bill(
        generation_id=made.id,
        created=made.created,
        operation=todo.dialect.operation,
        api_type=todo.dialect.api_type,
        model=made.model.slug,
        provider=made.model.provider,
        router=todo.route.router,
        service_tier=made.model.tier,
        user=todo.order.user,
        session_id=todo.order.session_id,
        job_id=todo.job_id,
        prompt_tokens=usage.prompt_tokens,
        completion_tokens=usage.completion_tokens,
        cached_tokens=usage.cached_tokens,
        cache_write_tokens=usage.cache_write_tokens,
        reasoning_tokens=usage.reasoning_tokens,
        image_tokens=usage.image_tokens,
        units=usage.units,
        search_results=usage.search_results,
        cost=usage.cost.normalize(),
        upstream_cost=usage.upstream_cost.normalize(),
        tool_cost=usage.tool_cost.normalize(),
        is_byok=usage.is_byok,
        streamed=todo.order.stream,
        finish_reason=made.finish_reason,
        native_finish_reason=made.native_finish_reason,
        cache_source_id=done.hit.source_id if done.hit else None,
        key_hash=todo.served.key_hash,
        app=_app(todo.served.headers),
        origin=todo.served.headers.get("http-referer", ""),
        user_agent=todo.served.headers.get("user-agent"),
    )


def _app(headers: Mapping[str, str]) -> str | None:
    """Return the application's title, else its address (OpenRouter docs, app attribution)."""
    names = ("x-openrouter-title", "x-title", "http-referer")
    return next((headers[name] for name in names if headers.get(name)), None)


def _made(todo: Task, account: Account, hit: Hit | None) -> Generation[Any]:
    dialect, fault, fields = todo.dialect, todo.route.fault, todo.order.fields
    model = _model(todo)
    opening = account.open(dialect.prefix, model.id, fields.key, todo.served.at, todo.directives.lookup_delay)
    opening = msgspec.structs.replace(opening, source_id=hit.source_id if hit else None)
    made = dialect.make(fields, model, opening, todo.directives)
    if fault.ending is not None:
        made = dialect.end(made, fault.ending)
    return msgspec.structs.replace(made, usage=fault.usage(made.usage), usage_stated=fault.usage_stated)


def _model(todo: Task) -> Model:
    model = todo.route.model
    return model if todo.factor == 1 else models.at(model, todo.factor)


def _told(refusal: Refusal, todo: Task) -> Refusal:
    if not _includes_routing(todo):
        return refusal
    return msgspec.structs.replace(refusal, routing=routing.metadata(todo.route, None))


def _includes_routing(todo: Task) -> bool:
    return todo.order.includes_routing and todo.dialect.api_type == _ROUTED
