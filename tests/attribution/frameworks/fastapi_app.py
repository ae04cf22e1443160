"""FastAPI: functions that are `async` and such that are not, an answer by steps, a task behind it, a websocket."""

from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import BackgroundTasks, Depends, FastAPI, Header, WebSocket
from fastapi.responses import PlainTextResponse, StreamingResponse

import spancast
from spancast.attribution.asgi import AttributionMiddleware
from tests.attribution.frameworks.asking import ask, ask_async, stream_async

app = FastAPI()
app.add_middleware(AttributionMiddleware, user="x-user-id", tags={"tenant": "x-tenant"})

User = Annotated[str, Header(alias="x-user-id")]


@app.get("/alive", response_class=PlainTextResponse)
async def alive() -> str:
    return "ok\n"


@app.get("/plain", response_class=PlainTextResponse)
async def plain(user: User) -> bytes:
    return await ask_async(user, "plain")


@app.get("/thread", response_class=PlainTextResponse)
def thread(user: User) -> bytes:
    return ask(user, "thread")


@app.get("/stream")
async def stream(user: User) -> StreamingResponse:
    return StreamingResponse(stream_async(user))


@app.get("/behind", response_class=PlainTextResponse)
async def behind(user: User, tasks: BackgroundTasks) -> str:
    tasks.add_task(ask_async, user, "behind")
    tasks.add_task(ask, user, "behind")
    return "."


async def depended(user: User) -> AsyncIterator[str]:
    """Know the user when the handler is about to run."""
    with spancast.attribute(user=f"depended-{user}"):
        yield f"depended-{user}"


Depended = Annotated[str, Depends(depended)]


@app.get("/depends", response_class=PlainTextResponse)
async def depends(user: Depended) -> bytes:
    return await ask_async(user, "depends")


@app.get("/depends-thread", response_class=PlainTextResponse)
def depends_thread(user: Depended) -> bytes:
    return ask(user, "depends-thread")


@app.websocket("/socket")
async def socket(socket: WebSocket) -> None:
    await socket.accept()
    await ask_async(socket.headers["x-user-id"], "socket")
    await socket.close()
