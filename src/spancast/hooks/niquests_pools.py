"""The pools of niquests: what they do within a `send`, or to fetch what was promised, the tries there are told."""

from collections.abc import Callable
from types import ModuleType
from typing import Any

from spancast.base import guard
from spancast.hooks.niquests_tries import Tries, here, promised_by
from spancast.hooks.patching import Wrapper
from spancast.recording.recorder import Recorder


def sync_urlopen(_module: ModuleType, _recorder: Recorder) -> Wrapper:
    """Return the wrapper of `HTTPConnectionPool.urlopen`."""

    def urlopen(wrapped: Callable[..., Any], pool: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        tries = here()
        if tries is None:
            return wrapped(*args, **kwargs)
        with tries.sending(pool, args, kwargs) as (given, named):
            return wrapped(*given, **named)

    return urlopen


def async_urlopen(_module: ModuleType, _recorder: Recorder) -> Wrapper:
    """Return the wrapper of `AsyncHTTPConnectionPool.urlopen`."""

    def urlopen(wrapped: Callable[..., Any], pool: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        tries = here()
        return wrapped(*args, **kwargs) if tries is None else heeded(tries, wrapped, pool, args, kwargs)

    async def heeded(
        tries: Tries, wrapped: Callable[..., Any], pool: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        with tries.sending(pool, args, kwargs) as (given, named):
            return await wrapped(*given, **named)

    return urlopen


def sync_get_response(_module: ModuleType, _recorder: Recorder) -> Wrapper:
    """Return the wrapper of `HTTPConnectionPool.get_response`."""

    def get_response(wrapped: Callable[..., Any], pool: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        tries = promised_by(kwargs.get("promise"))
        if tries is None:
            return wrapped(*args, **kwargs)
        with tries.fetching(pool):
            return wrapped(*args, **kwargs)

    return get_response


def async_get_response(_module: ModuleType, _recorder: Recorder) -> Wrapper:
    """Return the wrapper of `AsyncHTTPConnectionPool.get_response`."""

    def get_response(wrapped: Callable[..., Any], pool: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        tries = promised_by(kwargs.get("promise"))
        return wrapped(*args, **kwargs) if tries is None else heeded(tries, wrapped, pool, args, kwargs)

    async def heeded(
        tries: Tries, wrapped: Callable[..., Any], pool: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        with tries.fetching(pool):
            return await wrapped(*args, **kwargs)

    return get_response


def increment(_module: ModuleType, _recorder: Recorder) -> Wrapper:
    """Return the wrapper of `Retry.increment`, which raises where there is to be no further try."""

    def increment(wrapped: Callable[..., Any], retry: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        tries = here()
        if tries is None or not tries.at(kwargs.get("_pool")):
            return wrapped(*args, **kwargs)
        response = kwargs.get("response")
        try:
            following = wrapped(*args, **kwargs)
        except Exception:
            with guard.quietly("hooks.niquests"):
                if response is not None and retry.raise_on_status:  # else it is the caller's
                    tries.refused(response)
            raise
        with guard.quietly("hooks.niquests"):
            tries.goes_on(following, response, kwargs.get("error"))
        return following

    return increment
