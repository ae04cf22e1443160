"""The connection pools of niquests: they tell the attempts of a request what they send, retry and fetch."""

from collections.abc import Callable
from types import ModuleType
from typing import Any

from spancast.base import guard
from spancast.hooks.niquests_attempts import RequestAttempts, attempts_of, current_attempts
from spancast.hooks.patching import Wrapper
from spancast.recording.recorder import Recorder


def sync_urlopen(_module: ModuleType, _recorder: Recorder) -> Wrapper:
    """Return the wrapper of `HTTPConnectionPool.urlopen`."""

    def urlopen(wrapped: Callable[..., Any], pool: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        attempts = current_attempts()
        if attempts is None:
            return wrapped(*args, **kwargs)
        with attempts.sending(pool, args, kwargs) as (positional, named):
            return wrapped(*positional, **named)

    return urlopen


def async_urlopen(_module: ModuleType, _recorder: Recorder) -> Wrapper:
    """Return the wrapper of `AsyncHTTPConnectionPool.urlopen`."""

    def urlopen(wrapped: Callable[..., Any], pool: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        attempts = current_attempts()
        return wrapped(*args, **kwargs) if attempts is None else observed(attempts, wrapped, pool, args, kwargs)

    async def observed(
        attempts: RequestAttempts, wrapped: Callable[..., Any], pool: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        with attempts.sending(pool, args, kwargs) as (positional, named):
            return await wrapped(*positional, **named)

    return urlopen


def sync_get_response(_module: ModuleType, _recorder: Recorder) -> Wrapper:
    """Return the wrapper of `HTTPConnectionPool.get_response`."""

    def get_response(wrapped: Callable[..., Any], pool: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        attempts = attempts_of(kwargs.get("promise"))
        if attempts is None:
            return wrapped(*args, **kwargs)
        with attempts.fetching(pool):
            return wrapped(*args, **kwargs)

    return get_response


def async_get_response(_module: ModuleType, _recorder: Recorder) -> Wrapper:
    """Return the wrapper of `AsyncHTTPConnectionPool.get_response`."""

    def get_response(wrapped: Callable[..., Any], pool: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        attempts = attempts_of(kwargs.get("promise"))
        return wrapped(*args, **kwargs) if attempts is None else observed(attempts, wrapped, pool, args, kwargs)

    async def observed(
        attempts: RequestAttempts, wrapped: Callable[..., Any], pool: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        with attempts.fetching(pool):
            return await wrapped(*args, **kwargs)

    return get_response


def increment(_module: ModuleType, _recorder: Recorder) -> Wrapper:
    """Return the wrapper of `Retry.increment`, which raises if there is to be no further attempt."""

    def increment(wrapped: Callable[..., Any], retry: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        attempts = current_attempts()
        if attempts is None or not attempts.is_sent_by(kwargs.get("_pool")):
            return wrapped(*args, **kwargs)
        response = kwargs.get("response")
        try:
            following = wrapped(*args, **kwargs)
        except Exception:
            with guard.quietly("hooks.niquests"):
                if response is not None and retry.raise_on_status:  # else the caller gets it
                    attempts.observe_rejected(response)
            raise
        with guard.quietly("hooks.niquests"):
            attempts.on_retry(following, response, kwargs.get("error"))
        return following

    return increment
