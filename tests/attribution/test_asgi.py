"""Whom the calls of a request are for, in an application that speaks ASGI."""

import asyncio
import collections
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest

import spancast
from spancast import guard
from spancast.attribution.asgi import AttributionMiddleware, identity
from spancast.attribution.context import Attribution, current
from spancast.testing import Simulator

USERS = 50


class Seen:
    """An application that answers in two steps, and notes whom each was for."""

    def __init__(self) -> None:
        self.who: list[Attribution] = []
        self.types: list[str] = []

    async def __call__(self, scope: Any, _receive: Any, send: Any) -> None:
        self.types.append(scope["type"])
        self.who.append(current())
        if scope["type"] == "http":
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await asyncio.sleep(0)
            self.who.append(current())
            await send({"type": "http.response.body", "body": b"ok"})


def a_scope(**headers: str) -> dict[str, Any]:
    named = [(name.replace("_", "-").encode(), value.encode("latin-1")) for name, value in headers.items()]
    return {"type": "http", "method": "GET", "path": "/", "headers": named}


async def _nothing(*_: Any) -> dict[str, Any]:
    return {}


def serve(middleware: AttributionMiddleware, scope: dict[str, Any]) -> None:
    asyncio.run(middleware(scope, _nothing, _nothing))


def test_headers_say_whom_a_request_is_for_to_the_end_of_its_answer() -> None:
    seen = Seen()
    middleware = AttributionMiddleware(seen, user="X-User-Id", session="x-session", tags={"tenant": "x-tenant"})
    serve(middleware, a_scope(x_user_id="u_1", x_session="s_1", x_tenant="acme"))
    assert seen.who == [Attribution("u_1", "s_1", {"tenant": "acme"})] * 2


def test_a_header_that_is_missing_says_nothing() -> None:
    seen = Seen()
    with spancast.attribute(user="outer"):
        serve(AttributionMiddleware(seen, user="x-user-id"), a_scope())
    assert {each.user for each in seen.who} == {"outer"}


def test_functions_of_the_scope_say_it_async_or_not() -> None:
    async def session(scope: Any) -> str:
        await asyncio.sleep(0)
        return f"{scope['path']}!"

    seen = Seen()
    middleware = AttributionMiddleware(
        seen, user=lambda scope: scope["method"], session=session, tags=lambda _scope: {"a": 1}
    )
    serve(middleware, a_scope())
    assert seen.who[0] == Attribution("GET", "/!", {"a": "1"})


def test_a_function_that_fails_costs_the_attribution_and_never_the_request() -> None:
    async def failing(_scope: Any) -> str:
        raise KeyError("session")

    seen, before = Seen(), collections.Counter(guard.faults)
    middleware = AttributionMiddleware(seen, user=lambda scope: scope["absent"], session=failing)
    serve(middleware, a_scope())
    assert seen.who[0] == Attribution()
    assert guard.faults["attribution of a request"] - before["attribution of a request"] == 2


def test_a_websocket_is_served_inside_too_and_the_lifespan_is_not() -> None:
    seen = Seen()
    middleware = AttributionMiddleware(seen, user="x-user-id")
    serve(middleware, {**a_scope(x_user_id="u_1"), "type": "websocket"})
    serve(middleware, {"type": "lifespan"})
    assert [(kind, each.user) for kind, each in zip(seen.types, seen.who, strict=True)] == [
        ("websocket", "u_1"),
        ("lifespan", None),
    ]


class Authenticated:
    is_authenticated = True
    id = 7

    @property
    def identity(self) -> str:
        raise NotImplementedError


class Anonymous:
    is_authenticated = False
    identity = "nobody"


@pytest.mark.parametrize(("user", "known"), [(Authenticated(), "7"), (Anonymous(), None), (None, None)])
def test_the_user_of_the_framework_is_known(user: object, known: str | None) -> None:
    assert identity({"user": user}) == known


@pytest.fixture
def openrouter() -> Iterator[Simulator]:
    with Simulator(seed=5) as simulator:
        yield simulator


def test_concurrent_users_are_never_mixed(openrouter: Simulator) -> None:
    """The requests that the application makes say for themselves whom they are for."""
    told: dict[str, str | None] = {}

    async def application(scope: Any, _receive: Any, send: Any) -> None:
        mine = dict(scope["headers"])[b"x-user-id"].decode()
        async with httpx2.AsyncClient(base_url=openrouter.base_url) as client:
            body = {"model": "openai/gpt-4o-mini", "messages": [{"role": "user", "content": mine}]}
            await client.post("/chat/completions", json=body, headers={"Authorization": "Bearer sk-or-v1-simulator"})
        told[mine] = current().user
        await send({"type": "http.response.start", "status": 200, "headers": []})

    async def everybody() -> None:
        middleware = AttributionMiddleware(application, user="x-user-id")
        await asyncio.gather(*(middleware(a_scope(x_user_id=f"u_{each}"), _nothing, _nothing) for each in range(USERS)))

    asyncio.run(everybody())
    assert told == {f"u_{each}": f"u_{each}" for each in range(USERS)}
