"""Whom the calls of a request are for, in an application that speaks ASGI."""

import asyncio
import collections
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest

import spancast
from spancast.attribution.asgi import AttributionMiddleware, identity
from spancast.attribution.attribution import Attribution
from spancast.attribution.context import current
from spancast.base import guard
from spancast.errors import ConfigurationError
from spancast.testing import Simulator
from tests.support.answers import PROMPT
from tests.support.features import Feature
from tests.support.watching import watching

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


class Member:
    is_authenticated = True
    identity = Feature.SEARCH


class Anonymous:
    is_authenticated = False
    identity = "nobody"


@pytest.mark.parametrize(
    ("user", "known"), [(Authenticated(), "7"), (Member(), "search"), (Anonymous(), None), (None, None)]
)
def test_the_user_of_the_framework_is_known(user: object, known: str | None) -> None:
    assert identity({"user": user}) == known


@pytest.fixture
def openrouter() -> Iterator[Simulator]:
    with Simulator(seed=5) as simulator:
        yield simulator


def test_the_calls_of_concurrent_users_are_never_mixed(openrouter: Simulator) -> None:
    """The session of a call, which the application states itself, names the user whose it has to be."""

    async def everybody() -> None:
        key = {"authorization": "Bearer sk-or-v1-simulator"}
        async with httpx2.AsyncClient(base_url=openrouter.base_url, timeout=60, headers=key) as client:

            async def application(scope: Any, _receive: Any, send: Any) -> None:
                mine = dict(scope["headers"])[b"x-user-id"].decode()
                await send({"type": "http.response.start", "status": 200, "headers": []})
                for _ in range(2):
                    await client.post("/chat/completions", json={**PROMPT, "session_id": mine})
                    await send({"type": "http.response.body", "body": b".", "more_body": True})

            middleware = AttributionMiddleware(application, user="x-user-id")
            await asyncio.gather(
                *(middleware(a_scope(x_user_id=f"u_{each}"), _nothing, _nothing) for each in range(USERS))
            )

    with watching(openrouter.address) as seen:
        asyncio.run(everybody())
    assert collections.Counter((call.session, call.user) for call in seen) == {
        (f"u_{each}", f"u_{each}"): 2 for each in range(USERS)
    }
    assert len(openrouter.bills) == 2 * USERS


def test_what_a_request_begins_goes_on_for_its_user_when_it_is_answered() -> None:
    told: list[str | None] = []

    async def late() -> None:
        await asyncio.sleep(0)
        told.append(current().user)

    async def main() -> None:
        begun: list[asyncio.Task[None]] = []

        async def application(*_: Any) -> None:
            begun.append(asyncio.create_task(late()))

        await AttributionMiddleware(application, user="x-user-id")(a_scope(x_user_id="u_1"), _nothing, _nothing)
        assert (current(), told) == (Attribution(), [])
        await asyncio.gather(*begun)

    asyncio.run(main())
    assert told == ["u_1"]


@pytest.mark.parametrize(
    ("sent", "read"),
    [(["ü".encode()], "ü"), (["ü".encode("latin-1")], "ü"), ([b"u_1", b"u_2"], "u_1, u_2"), ([b""], None)],
)
def test_a_header_is_read_as_it_is_sent(sent: list[bytes], read: str | None) -> None:
    seen = Seen()
    scope = {**a_scope(), "headers": [(b"x-user-id", value) for value in sent]}
    serve(AttributionMiddleware(seen, user="x-user-id"), scope)
    assert seen.who[0].user == read


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"user": 7}, "user cannot be 7. Give the name of a header"),
        ({"session": "x session"}, "session cannot be 'x session'. Give the name of a header"),
        ({"tags": "x-tenant"}, "tags cannot be 'x-tenant'. Give a mapping"),
        ({"tags": {"tenant": 7}}, "tags['tenant'] cannot be 7."),
    ],
)
def test_what_is_no_source_is_told_when_the_application_is_made(wrong: Any, words: str) -> None:
    with pytest.raises(ConfigurationError) as error:
        AttributionMiddleware(Seen(), **wrong)
    assert str(error.value).startswith(words)


def test_who_leaves_while_the_user_is_looked_up_has_left() -> None:
    async def forever(_scope: Any) -> str:
        await asyncio.Event().wait()
        return "u_1"

    async def main() -> None:
        seen = Seen()
        task = asyncio.create_task(AttributionMiddleware(seen, user=forever)(a_scope(), _nothing, _nothing))  # type: ignore[arg-type]
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert seen.types == []

    asyncio.run(main())


def test_no_framework_is_imported() -> None:
    modules = ("asgi", "wsgi", "django", "celery")
    script = f"import sys; {'; '.join(f'import spancast.attribution.{each}' for each in modules)}; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True)
    assert not set(done.stdout.split()) & {"django", "celery", "starlette", "fastapi", "flask", "quart", "asgiref"}
