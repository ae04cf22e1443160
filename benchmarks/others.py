"""What a hook adds to a request that goes to another host: the wrapper alone, about a method that does nothing.

What it adds could not be told from noise beside a whole request. Run by `clients.py`, in the clients' environment.
"""

import gc
import statistics
import time
from collections.abc import Callable
from importlib import import_module
from types import SimpleNamespace
from typing import Any

import wrapt

from spancast.capture.route import Routes
from spancast.hooks.table import HOOKS
from spancast.recording.recorder import Recorder
from spancast.trace.tracing import Tracing

TIMES, ROUNDS = 2000, 31
URL = "https://api.example.com/v1/things?page=2"


def httpx_send(module: Any) -> tuple[Any, ...]:
    return SimpleNamespace(), (module.Request("GET", URL),), {"stream": False}


def aiohttp_request(module: Any) -> tuple[Any, ...]:
    build_url = module.ClientSession._build_url  # noqa: SLF001 - the hook asks it for the host
    session = SimpleNamespace(_base_url=None)
    vars(session)["_build_url"] = build_url.__get__(session)
    return session, ("GET", URL), {}


def urllib3_make_request(_module: Any) -> tuple[Any, ...]:
    return SimpleNamespace(host="api.example.com"), (None, "GET", "/v1/things?page=2"), {"body": None, "headers": {}}


def urllib_do_open(module: Any) -> tuple[Any, ...]:
    return SimpleNamespace(), (None, module.Request(URL)), {}


REQUESTS: dict[str, Callable[[Any], tuple[Any, ...]]] = {
    "httpx": httpx_send,
    "httpx2": httpx_send,
    "aiohttp": aiohttp_request,
    "urllib3": urllib3_make_request,
    "urllib.request": urllib_do_open,
}
"""What a module's hooked method is given, as its library gives it: the object, then what is passed to it."""

ON_REDIRECTS = frozenset({"_build_redirect_request"})
"""Methods that no request calls whose answer is no redirect."""


def cost(method: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> float:
    """Return microseconds of this thread a call."""
    began = time.thread_time_ns()
    for _ in range(TIMES):
        method(*args, **kwargs)
    return (time.thread_time_ns() - began) / TIMES / 1e3


def main() -> None:
    recorder = Recorder(Routes(), Tracing(), None)
    print("| hooked method | +µs a request to another host, median | quartiles |\n|---|---|---|")
    for hook in HOOKS:
        if hook.module not in REQUESTS or hook.method in ON_REDIRECTS:
            continue
        module = import_module(hook.module)
        owner, args, kwargs = REQUESTS[hook.module](module)
        bare = wrapped = lambda *_args, **_kwargs: None
        wrapper = hook.create_wrapper(module, recorder)
        wrapped = wrapt.FunctionWrapper(wrapped, wrapper, lambda: True).__get__(owner, type(owner))
        gc.collect()
        added = [cost(wrapped, args, kwargs) - cost(bare, args, kwargs) for _ in range(ROUNDS)]
        low, median, high = statistics.quantiles(added, n=4)
        print(f"| {hook.module}.{hook.owner}.{hook.method} | {median:.2f} | {low:.2f}..{high:.2f} |")


main()
