"""The hooks go on once, whoever else patches the same method, and come off without a trace."""

import asyncio
import gc
import importlib
import logging
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import httpx
import httpx2
import pytest
import wrapt
from opentelemetry.sdk.trace.sampling import DEFAULT_ON

import spancast
from spancast.base import guard
from spancast.hooks.patching import Hook, Patches
from spancast.hooks.table import HOOKS
from spancast.instrumentor import OpenRouterInstrumentor
from spancast.recording.recorder import Recorder
from tests.hooks.caller import KINDS, Caller, Kind, every_kind, finished, run
from tests.support.answers import GENERATION, JSON, PROMPT, SSE, STREAM, plain
from tests.support.replay import Answer, Replay
from tests.support.watched import Watched, watched

ROOT = Path(__file__).parents[2]
PLAIN = Answer(200, JSON, [plain()])
METHODS = tuple(
    f"{library}.{client}.{method}"
    for library in ("httpx", "httpx2")
    for client in ("Client", "AsyncClient")
    for method in ("send", "_build_redirect_request", "_send_single_request")
)


@pytest.fixture(autouse=True)
def _plain(server: Replay) -> None:
    server.answer = PLAIN


@pytest.fixture(autouse=True)
def _bare_again() -> Iterator[None]:
    before = [dict(vars(kind.client)) for kind in KINDS]
    callbacks = list(gc.callbacks)
    yield
    assert [dict(vars(kind.client)) for kind in KINDS] == before
    assert [vars(kind.client)["send"] for kind in KINDS] == [each["send"] for each in before]
    assert gc.callbacks == callbacks


def ask(kind: Kind, server: Replay) -> int:
    """Make one call, and return its status."""

    async def scenario(caller: Caller) -> Any:
        return (await caller.do("post", server.url, json=PROMPT)).status_code

    return int(run(kind, scenario))


def layers(owner: Any) -> int:
    """Return how many wrappers lie on `send`."""
    return len(list(wrapt.wrapper_chain(vars(owner)["send"]))) - 1


def in_a_process(program: str, server: Replay) -> list[str]:
    """Run a program, which knows `HOST` and `URL`, and return what it prints."""
    given = f"HOST, URL, PROMPT = {server.host!r}, {server.url!r}, {PROMPT!r}\n"
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", given + program],
        cwd=ROOT,
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.stderr == ""
    assert done.returncode == 0
    return done.stdout.split()


def test_every_row_of_the_table_is_hooked_and_unhooked() -> None:
    bare = [vars(kind.client)["send"] for kind in KINDS]
    with watched() as seen:
        assert set(METHODS) <= set(seen.patches.hooked())
        assert [vars(kind.client)["send"].__wrapped__ for kind in KINDS] == bare
    assert seen.patches.hooked() == ()
    assert all(vars(kind.client)["send"] is send for kind, send in zip(KINDS, bare, strict=True))


@every_kind
def test_installing_twice_is_installing_once(kind: Kind, server: Replay) -> None:
    with watched(server.host) as seen:
        seen.patches.install(HOOKS)
        assert layers(kind.client) == 1
        assert ask(kind, server) == 200
    assert (len(seen), len(seen.spans)) == (1, 1)


def test_installing_in_many_threads_is_installing_once() -> None:
    seen = Watched((), DEFAULT_ON)
    together = threading.Barrier(8)

    def install() -> None:
        together.wait()
        seen.patches.install(HOOKS)

    threads = [threading.Thread(target=install) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [layers(kind.client) for kind in KINDS] == [1, 1, 1, 1]
    seen.patches.remove()


@every_kind
def test_of_two_recorders_the_one_further_out_has_the_call(kind: Kind, server: Replay) -> None:
    with watched(server.host) as first, watched(server.host) as second:
        assert ask(kind, server) == 200
    assert (len(first), len(second)) == (0, 1)


def test_starting_twice_is_starting_once(tmp_path: Path, server: Replay) -> None:
    for _ in range(2):
        spancast.start(home=tmp_path, hosts=[server.host])
    assert [layers(kind.client) for kind in KINDS] == [1, 1, 1, 1]
    spancast.stop()
    spancast.stop()


def test_the_instrumentor_beside_a_started_spancast_doubles_nothing(tmp_path: Path, server: Replay) -> None:
    spancast.start(home=tmp_path, hosts=[server.host])
    OpenRouterInstrumentor().instrument(hosts=[server.host])
    assert [layers(kind.client) for kind in KINDS] == [1, 1, 1, 1]
    OpenRouterInstrumentor().uninstrument()
    assert [layers(kind.client) for kind in KINDS] == [1, 1, 1, 1]
    spancast.stop()


@pytest.mark.parametrize("alias_first", [True, False])
@pytest.mark.parametrize("imported", ["", "import httpx2"])
def test_an_alias_of_httpx_is_hooked_once(alias_first: bool, imported: str, server: Replay) -> None:
    alias = "import httpx2; httpx2.alias_httpx()"
    first, then = (alias, "seen = stack.enter_context(watched(HOST))")[:: 1 if alias_first else -1]
    told = in_a_process(
        f"""
import asyncio, contextlib
from tests.support.watched import watched
{imported}
with contextlib.ExitStack() as stack:
    {first}
    {then}
    import httpx, httpx2
    assert httpx is httpx2
    httpx.post(URL, json=PROMPT)
    async def ask():
        async with httpx.AsyncClient() as client:
            await client.post(URL, json=PROMPT)
    asyncio.run(ask())
    print(len(seen), len(seen.spans), *sorted(each for each in seen.patches.hooked() if each.startswith("httpx")))
print(hasattr(httpx.Client.send, "__wrapped__"))
""",
        server,
    )
    assert told == ["2", "2", *sorted(each for each in METHODS if each.startswith("httpx2")), "False"]


def test_what_is_imported_after_the_start_is_hooked(server: Replay) -> None:
    told = in_a_process(
        """
import sys
from tests.support.watched import watched
with watched(HOST) as seen:
    assert not {"httpx", "httpx2"} & set(sys.modules)
    import httpx
    httpx.post(URL, json=PROMPT)
    import httpx2
    httpx2.post(URL, json=PROMPT)
    print(len(seen), len(seen.spans))
""",
        server,
    )
    assert told == ["2", "2"]


def test_what_is_imported_after_the_stop_is_not_hooked(server: Replay) -> None:
    told = in_a_process(
        """
from tests.support.watched import watched
with watched(HOST) as seen:
    pass
import httpx, httpx2
print(*(hasattr(each.send, "__wrapped__") for each in (httpx.Client, httpx.AsyncClient, httpx2.Client)))
""",
        server,
    )
    assert told == ["False", "False", "False"]


def test_reloading_the_client_library_doubles_nothing(server: Replay) -> None:
    told = in_a_process(
        """
import importlib, httpx2
from tests.support.watched import watched
bare = httpx2.Client.send
with watched(HOST) as seen:
    importlib.reload(httpx2)
    httpx2.post(URL, json=PROMPT)
    print(len(seen), len(seen.spans))
print(httpx2.Client.send is bare)
""",
        server,
    )
    assert told == ["1", "1", "True"]


def test_a_class_that_was_made_anew_is_hooked_by_installing_again(server: Replay) -> None:
    told = in_a_process(
        """
import importlib, httpx
from tests.support.watched import watched, HOOKS
old, bare = httpx.Client, httpx.Client.send
with watched(HOST) as seen:
    importlib.reload(httpx._client)
    importlib.reload(httpx)
    fresh = httpx.Client.send
    seen.patches.install(HOOKS)
    with httpx.Client() as client:
        client.post(URL, json=PROMPT)
    print(len(seen), len(seen.spans))
print(old is httpx.Client, old.send is bare, httpx.Client.send is fresh)
""",
        server,
    )
    assert told == ["1", "1", "False", "True", "True"]


def test_the_hooks_come_off_though_the_application_has_emptied_the_collectors_list(monkeypatch: Any) -> None:
    with monkeypatch.context() as others:
        others.setattr(gc, "callbacks", [])
        with watched() as seen:
            gc.callbacks.clear()
    assert seen.patches.hooked() == ()
    assert [layers(kind.client) for kind in KINDS] == [0, 0, 0, 0]


def test_what_cannot_be_undone_keeps_no_hook_on(monkeypatch: Any, caplog: pytest.LogCaptureFixture) -> None:
    monkeypatch.setattr(guard, "strict", False)
    seen = Watched((), DEFAULT_ON)
    with monkeypatch.context() as broken:
        broken.setattr(gc, "callbacks", [])
        seen.patches.install(HOOKS)
        broken.setattr(gc, "callbacks", None)
        seen.patches.remove()
    assert seen.patches.hooked() == ()
    assert [layers(kind.client) for kind in KINDS] == [0, 0, 0, 0]
    assert "leaving the garbage collector failed" in caplog.text
    caplog.clear()


class Another:
    """Another library that patches `send`, and counts what passes."""

    def __init__(self, owner: Any) -> None:
        self.owner = owner
        self.calls = 0
        self.before = owner.send

    def remove(self) -> None:
        """Put back what was there, as such libraries do."""
        self.owner.send = self.before


class Closure(Another):
    """It keeps the method that it found in a closure, which nobody can open."""

    def __init__(self, owner: Any) -> None:
        super().__init__(owner)
        kept = self.before

        def send(client: Any, *args: Any, **kwargs: Any) -> Any:
            self.calls += 1
            return kept(client, *args, **kwargs)

        owner.send = send


class Wrapt(Another):
    """It patches as we do."""

    def __init__(self, owner: Any) -> None:
        super().__init__(owner)

        def send(wrapped: Callable[..., Any], _: Any, args: Any, kwargs: Any) -> Any:
            self.calls += 1
            return wrapped(*args, **kwargs)

        self.handle = wrapt.wrap_object(owner, "send", wrapt.FunctionWrapper, (send,))

    def remove(self) -> None:
        wrapt.unwrap_object(self.owner, "send", self.handle)


both_others = pytest.mark.parametrize("another", [Closure, Wrapt])


@every_kind
@both_others
def test_a_patch_under_ours_stays_when_ours_goes(kind: Kind, another: type[Another], server: Replay) -> None:
    under = another(kind.client)
    with watched(server.host) as seen:
        assert ask(kind, server) == 200
        assert (len(seen), under.calls) == (1, 1)
    assert ask(kind, server) == 200
    assert (len(seen), under.calls) == (1, 2)
    under.remove()


@every_kind
@both_others
def test_a_patch_over_ours_stays_when_ours_goes(kind: Kind, another: type[Another], server: Replay) -> None:
    bare = vars(kind.client)["send"]
    with watched(server.host) as seen:
        over = another(kind.client)
        assert ask(kind, server) == 200
        assert (len(seen), over.calls) == (1, 1)
    assert ask(kind, server) == 200
    assert (len(seen), over.calls) == (1, 2)
    over.remove()
    assert ask(kind, server) == 200
    assert (len(seen), over.calls) == (1, 2)
    kind.client.send = bare  # a closure has put our own, which is switched off, back


@every_kind
@both_others
def test_ours_goes_on_again_over_what_could_not_be_taken_off(
    kind: Kind, another: type[Another], server: Replay
) -> None:
    bare = vars(kind.client)["send"]
    with watched(server.host) as first:
        over = another(kind.client)
    with watched(server.host) as second:
        assert ask(kind, server) == 200
    assert (len(first), len(second), over.calls) == (0, 1, 1)
    kind.client.send = bare


@every_kind
def test_a_method_that_was_kept_from_before_works_on(kind: Kind, server: Replay) -> None:
    async def send(caller: Caller, kept: Any) -> int:
        request = caller.client.build_request("POST", server.url, json=PROMPT)
        return int((await finished(kept(request))).status_code)

    async def scenario(caller: Caller) -> Any:
        bare = caller.client.send
        with watched(server.host) as seen:
            hooked = caller.client.send
            told = [await send(caller, bare), len(seen), await send(caller, hooked), len(seen)]
        return [*told, await send(caller, hooked), len(seen)]

    assert run(kind, scenario) == [200, 0, 200, 1, 200, 1]


@every_kind
def test_a_stream_that_is_under_way_when_the_hooks_go_is_booked(kind: Kind, server: Replay) -> None:
    server.answer = Answer(200, SSE, STREAM)

    async def scenario(caller: Caller) -> Any:
        with watched(server.host) as seen:
            response = await caller.open(server.url, json=PROMPT)
        assert list(seen) == []
        assert await caller.read(response) == b"".join(STREAM)
        return seen.only.outcome, seen.only.generation_id, len(seen.spans)

    assert run(kind, scenario) == ("completed", GENERATION, 1)


@every_kind
def test_a_client_that_sends_by_another_is_one_call(kind: Kind, server: Replay) -> None:
    class Through(kind.library.AsyncBaseTransport if kind.asynchronous else kind.library.BaseTransport):
        def __init__(self) -> None:
            self.inner = kind.client()

        def handle_request(self, request: Any) -> Any:
            return self.inner.send(request)

        async def handle_async_request(self, request: Any) -> Any:
            return await self.inner.send(request)

        def close(self) -> None:
            self.inner.close()

        async def aclose(self) -> None:
            await self.inner.aclose()

    async def scenario(caller: Caller) -> Any:
        return (await caller.do("post", server.url, json=PROMPT)).json()["id"]

    with watched(server.host) as seen:
        assert run(kind, scenario, lambda: {"transport": Through()}) == GENERATION
    assert (len(seen), len(seen.spans), len(seen.opened)) == (1, 1, 1)


@pytest.mark.parametrize("library", [httpx, httpx2])
def test_a_task_that_is_begun_inside_a_send_makes_calls_of_its_own(library: Any, server: Replay) -> None:
    """It inherits the context of the send, and outlives it."""
    workers: list[asyncio.Task[Any]] = []
    begin = asyncio.Event()

    async def work() -> None:
        await begin.wait()
        async with library.AsyncClient() as client:
            await client.post(server.url, json=PROMPT)

    async def hire(_request: Any) -> None:
        workers.append(asyncio.create_task(work()))

    async def main() -> None:
        async with library.AsyncClient(event_hooks={"request": [hire]}) as client:
            await client.post(server.url, json=PROMPT)
        begin.set()
        await asyncio.gather(*workers)

    with watched(server.host) as seen:
        asyncio.run(main())
    assert len(seen) == 2


@pytest.fixture
def clumsy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The name of a client library that nobody has imported yet."""
    (tmp_path / "clumsy_client.py").write_text("class Client:\n    def send(self):\n        return 'sent'\n")
    monkeypatch.syspath_prepend(tmp_path)
    yield "clumsy_client"
    sys.modules.pop("clumsy_client", None)


def doubled(_module: ModuleType, _recorder: Recorder) -> Any:
    return lambda wrapped, _, args, kwargs: wrapped(*args, **kwargs) * 2


def failing(_module: ModuleType, _recorder: Recorder) -> Any:
    raise LookupError("This version has no such thing.")


def patches() -> Patches:
    with watched() as seen:
        return Patches(seen.recorder)


def test_a_module_is_hooked_when_it_is_imported(clumsy: str) -> None:
    ours = patches()
    ours.install([Hook(clumsy, "Client", "send", doubled)])
    assert ours.hooked() == ()
    module = importlib.import_module(clumsy)
    assert ours.hooked() == ("clumsy_client.Client.send",)
    assert module.Client().send() == "sentsent"
    ours.remove()
    assert module.Client().send() == "sent"


@pytest.mark.parametrize(
    "hook",
    [("Client", "send", failing), ("Gone", "send", doubled), ("Client", "gone", doubled)],
    ids=["failing", "no class", "no method"],
)
def test_an_import_does_not_fail_for_our_fault(
    clumsy: str, hook: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(guard, "strict", False)
    monkeypatch.setattr(guard, "_last_logged", {})
    faults = guard.faults["hooking clumsy_client"]
    ours = patches()
    ours.install([Hook(clumsy, *hook), Hook(clumsy, "Client", "send", doubled)])

    assert importlib.import_module(clumsy).Client().send() == "sentsent"

    assert guard.faults["hooking clumsy_client"] == faults + 1
    (told,) = caplog.records
    assert told.levelno == logging.WARNING
    assert told.getMessage().startswith("hooking clumsy_client failed; the application is not affected. ")
    caplog.clear()
    ours.remove()
