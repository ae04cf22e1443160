"""Routing: which model serves a request, which models failed before it, and `openrouter_metadata` about that."""

from typing import Any

import msgspec

from spancast.testing.simulator import faults, models, money, search, tiers
from spancast.testing.simulator.directives import Directives
from spancast.testing.simulator.faults import Fault
from spancast.testing.simulator.model import Kind, Model
from spancast.testing.simulator.order import ParsedRequest
from spancast.testing.simulator.usage import Usage

_REGION = "iad"
_STRATEGIES = {"openrouter/auto": "auto", "openrouter/free": "free"}


class Candidate(msgspec.Struct, frozen=True):
    """A requested model and its fault."""

    model: Model
    fault: Fault


class Route(msgspec.Struct, frozen=True, kw_only=True):
    """The route of a request through its models."""

    requested: str
    candidates: tuple[Candidate, ...]
    """The requested models, in order."""
    place: int
    """The index of the one that serves the request, or fails last."""

    @property
    def model(self) -> Model:
        """The model that serves the request."""
        return self.candidates[self.place].model

    @property
    def fault(self) -> Fault:
        """The model's fault."""
        return self.candidates[self.place].fault

    @property
    def router(self) -> str | None:
        """The router that selected the model, if one was requested."""
        return models.router(self.requested)


def route(order: ParsedRequest[Any], kind: Kind, directives: Directives) -> Route:
    """Return the route of a request: if a model fails, the next one is tried.

    Raise `RequestError` (400) if one of the models does not exist.
    """
    found = [Candidate(models.find(model_id, kind), faults.of_model(model_id)) for model_id in order.models]
    if directives.fault is not None:
        found = [Candidate(found[0].model, directives.fault)]
    answering = (place for place, candidate in enumerate(found) if not candidate.fault.falls_back)
    served = tuple(
        Candidate(tiers.serving(each.model, order.service_tier, directives.tier), each.fault) for each in found
    )
    return Route(requested=order.models[0], candidates=served, place=next(answering, len(found) - 1))


def metadata(route: Route, usage: Usage | None) -> dict[str, Any]:
    """Return `openrouter_metadata`; without `usage`, that of a request that every model failed to serve."""
    answered = usage is not None
    return {
        "requested": route.requested,
        "strategy": _strategy(route),
        "region": _REGION,
        "summary": _summary(route, answered=answered),
        "attempt": route.place + 1,
        "is_byok": usage is not None and usage.is_byok,
        "endpoints": {"total": len(route.candidates), "available": _endpoints(route, answered=answered)},
        "attempts": _attempts(route),
    } | ({"pipeline": [_stage(usage)]} if usage is not None and usage.searches else {})


def _strategy(route: Route) -> str:
    return _STRATEGIES.get(route.requested, "fallback" if route.place else "direct")


def _summary(route: Route, *, answered: bool) -> str:
    available = f"available={len(route.candidates)}"
    return f"{available}, selected={route.model.provider}" if answered else available


def _endpoints(route: Route, *, answered: bool) -> list[dict[str, Any]]:
    return [
        _named(candidate.model) | {"selected": answered and place == route.place}
        for place, candidate in enumerate(route.candidates)
    ]


def _attempts(route: Route) -> list[dict[str, Any]]:
    tried = route.candidates[: route.place + 1]
    return [_named(each.model) | {"status": each.fault.refusal.status if each.fault.refusal else 200} for each in tried]


def _named(model: Model) -> dict[str, Any]:
    return {"provider": model.provider, "model": model.id}


def _stage(usage: Usage) -> dict[str, Any]:
    """Return the pipeline stage of the web search."""
    cost = {"cost_usd": money.number(usage.tool_cost)}
    if usage.tool_calls:
        return {"type": "server_tools", "name": "server-tools", "data": {"mode": "sdk", "tools": [search.TOOL]}} | cost
    return {"type": "plugin", "name": "web-search", "data": {"engine": search.ENGINE}} | cost
