"""Real frameworks under their real servers: fifty users at once, and each call in the ledger with its own."""

import asyncio
import hmac
import os
import signal
import subprocess
import sys
import urllib.request
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from http.cookies import SimpleCookie
from pathlib import Path

import pytest

from spancast.bookkeeping.book import Book
from spancast.delivery.journal.drainer import Drainer
from spancast.testing import Simulator
from tests.support.environments import python_with
from tests.support.programs import surroundings
from tests.support.waiting import eventually
from tests.worlds.servers import free_port, serving

ROOT = Path(__file__).parents[3]
APPS = "tests.attribution.frameworks"
USERS = [f"u_{number}" for number in range(50)]
ASGI = ("fastapi>=0.115", "quart>=0.20", "litestar>=2.12", "uvicorn[standard]>=0.30", "hypercorn>=0.17")
WSGI = ("flask>=3", "django>=5", "gunicorn>=23", "waitress>=3", "uvicorn>=0.30")
COMMANDS = {
    "uvicorn": ("uvicorn", "--port", "{port}", "--log-level", "warning", "{app}"),
    "hypercorn": ("hypercorn", "-b", "127.0.0.1:{port}", "{app}"),
    "waitress": ("waitress", "--listen", "127.0.0.1:{port}", "--threads", "8", "{app}"),
    "gunicorn": ("gunicorn", "-b", "127.0.0.1:{port}", "-w", "2", "-k", "gthread", "--threads", "4", "{app}"),
}

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
def openrouter() -> Iterator[Simulator]:
    with Simulator(seed=21) as simulator:
        yield simulator


def command(environment: str, requires: tuple[str, ...], server: str, app: str, port: int) -> list[str | Path]:
    python = python_with(f"attribution/{environment}", *requires)
    return [python, "-m", *(each.format(port=port, app=f"{APPS}.{app}") for each in COMMANDS[server])]


def get(port: int, path: str, user: str, **headers: str) -> tuple[bytes, str]:
    """Return an answer, and the cookie of a session that is begun with it."""
    asked = urllib.request.Request(f"http://127.0.0.1:{port}/{path}", headers={"X-User-Id": user, **headers})
    with urllib.request.urlopen(asked, timeout=60) as answer:
        cookie = SimpleCookie(answer.headers.get("set-cookie", "")).get("sessionid")
        return answer.read(), "" if cookie is None else f"sessionid={cookie.value}"


def whose(home: Path) -> Counter[tuple[str | None, str | None]]:
    """Return how many calls there are of each user and each session."""
    with closing(Book(home)) as book:
        assert Drainer(home, [book]).drain(30.0)
        with book.reading() as connection:
            return Counter(tuple(row) for row in connection.execute("SELECT user, session FROM calls"))


ASGI_APPS = [
    ("uvicorn", "fastapi_app:app", {"plain": 1, "thread": 1, "stream": 2, "behind": 2}),
    ("hypercorn", "fastapi_app:app", {"plain": 1, "thread": 1, "stream": 2, "behind": 2}),
    ("uvicorn", "starlette_app:app", {"plain": 1, "thread": 1, "stream": 2}),
    ("hypercorn", "quart_app:app", {"plain": 1, "thread": 1, "stream": 2, "behind": 2}),
    ("uvicorn", "litestar_app:app", {"plain": 1, "thread": 1, "stream": 2, "behind": 1}),
]
WSGI_APPS = [
    ("waitress", "flask_app:app", {"plain": 1, "stream": 2}),
    ("gunicorn", "flask_app:app", {"plain": 1, "stream": 2}),
]


@pytest.mark.parametrize(
    ("environment", "requires", "server", "app", "paths"),
    [("asgi", ASGI, *each) for each in ASGI_APPS] + [("wsgi", WSGI, *each) for each in WSGI_APPS],
    ids=lambda each: each if isinstance(each, str) else "",
)
def test_each_call_is_for_the_user_whose_request_made_it(  # noqa: PLR0913, PLR0917 - a row of the table
    environment: str,
    requires: tuple[str, ...],
    server: str,
    app: str,
    paths: dict[str, int],
    openrouter: Simulator,
    tmp_path: Path,
) -> None:
    port = free_port()
    with serving(command(environment, requires, server, app, port), port, tmp_path, openrouter) as served:
        with ThreadPoolExecutor(10) as pool:
            asked = [pool.submit(get, port, path, user) for path in paths for user in USERS]
            assert {len(each.result()[0]) > 0 for each in asked} == {True}
        served.end()

    assert whose(served.home) == {(user, f"{user}/{path}"): times for user in USERS for path, times in paths.items()}


def test_a_dependency_may_say_whom_a_handler_calls_for(openrouter: Simulator, tmp_path: Path) -> None:
    port, paths = free_port(), ("depends", "depends-thread")
    with serving(command("asgi", ASGI, "uvicorn", "fastapi_app:app", port), port, tmp_path, openrouter) as served:
        with ThreadPoolExecutor(8) as pool:
            for each in [pool.submit(get, port, path, user) for path in paths for user in USERS]:
                each.result()
        served.end()

    assert whose(served.home) == {
        (f"depended-{user}", f"depended-{user}/{path}"): 1 for user in USERS for path in paths
    }


def test_a_websocket_is_for_who_opened_it(openrouter: Simulator, tmp_path: Path) -> None:
    port = free_port()
    with serving(command("asgi", ASGI, "uvicorn", "fastapi_app:app", port), port, tmp_path, openrouter) as served:
        for user in USERS[:5]:
            asyncio.run(open_socket(port, user))
        served.end()

    assert whose(served.home) == {(user, f"{user}/socket"): 1 for user in USERS[:5]}


async def open_socket(port: int, user: str) -> None:
    """Open a websocket, and wait until it is closed (RFC 6455)."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    lines = (
        "GET /socket HTTP/1.1",
        f"Host: 127.0.0.1:{port}",
        "Upgrade: websocket",
        "Connection: Upgrade",
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
        "Sec-WebSocket-Version: 13",
        f"X-User-Id: {user}",
    )
    writer.write("\r\n".join((*lines, "", "")).encode())
    assert b" 101 " in await reader.readline()
    head = await reader.readuntil(b"\r\n\r\n")
    assert head
    assert (await reader.readexactly(1))[0] & 0x0F == 0x8  # the frame that closes it
    writer.close()


@pytest.mark.parametrize(("server", "app"), [("gunicorn", "django_app:wsgi"), ("uvicorn", "django_app:asgi")])
def test_djangos_own_users_are_known(server: str, app: str, openrouter: Simulator, tmp_path: Path) -> None:
    port, paths = free_port(), {"plain": 1, "thread": 1, "stream": 2, "stream_async": 2}
    if server == "gunicorn":
        paths.pop("stream_async")  # Django warns of it there
    started = command("wsgi", WSGI, server, app, port)
    environment = surroundings(tmp_path / "home", openrouter, MARKS=str(tmp_path / "marks"), PYTHONPATH=str(ROOT))
    prepare = f"from {APPS}.django_app import prepare; prepare()"
    subprocess.run([started[0], "-c", prepare], env=environment, check=True, timeout=120)
    with serving(started, port, tmp_path, openrouter) as served:
        with ThreadPoolExecutor(8) as pool:
            cookies = dict(zip(USERS, pool.map(lambda user: get(port, "login", user)[1], USERS), strict=True))
            asked = [pool.submit(get, port, path, user, Cookie=cookies[user]) for path in paths for user in USERS]
            assert {len(each.result()[0]) > 0 for each in asked} == {True}
        get(port, "plain", "nobody")
        served.end()

    keys = {user: str(number + 1000) for number, user in enumerate(USERS)}
    assert whose(served.home) == {
        **{(keys[user], f"{user}/{path}"): times for user in USERS for path, times in paths.items()},
        (None, "nobody/plain"): 1,
    }


SEND = f"""
import spancast
from {APPS}.tasks import first
for number in range(50):
    with spancast.attribute(user=f"u_{{number}}", tags={{"sent": "by test"}}):
        first.delay(f"u_{{number}}")
"""


@pytest.mark.skipif(sys.platform == "win32", reason="the prefork pool needs fork")
@pytest.mark.parametrize(("pool", "key"), [("prefork", ""), ("threads", "a key")])
def test_a_celery_task_is_for_whom_it_was_sent_for(pool: str, key: str, openrouter: Simulator, tmp_path: Path) -> None:
    python = python_with("worlds/celery", "celery>=5.5")
    environment = surroundings(tmp_path / "home", openrouter, BROKER=str(tmp_path / "broker"), PYTHONPATH=str(ROOT))
    environment |= {"SPANCAST_USER_HASH": f"hmac:{key}"} if key else {}
    subprocess.run([python, "-c", SEND], cwd=ROOT, env=environment, check=True, timeout=60)
    worker = [python, "-m", "celery", "-A", f"{APPS}.tasks", "worker", "--loglevel", "warning", "-P", pool, "-c", "2"]
    written = {user: hmac.new(key.encode(), user.encode(), "sha256").hexdigest() if key else user for user in USERS}
    expected = {(written[user], f"{user}/{place}"): 1 for user in USERS for place in ("first", "again", "second")}
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen(worker, cwd=ROOT, env=environment, stdout=log, stderr=log, start_new_session=True)
    try:
        home, said = tmp_path / "home", (tmp_path / "log").read_text
        eventually(lambda: sum(whose(home).values()) >= len(expected), 120, by=process, telling=said)
        process.send_signal(signal.SIGTERM)
        process.wait(60)
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()

    assert whose(tmp_path / "home") == expected
