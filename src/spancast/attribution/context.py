"""Who the calls of a block are for: `with spancast.attribute(user=...)`, nested, in threads, tasks and generators.

The value travels in a context variable, so that concurrent tasks never see each other's. No token is held: a block that
is left in another context than it was entered in (a collected generator, say) leaves that context alone, and one that
is left while another stands inside it (a generator with a block of its own) leaves only itself.
"""

import functools
import inspect
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from types import MappingProxyType, TracebackType
from typing import Any, Self, TypeVar, cast

from spancast import guard

F = TypeVar("F", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class Attribution:
    """The user, the session and the tags of a call; `None` is unknown."""

    user: str | None = None
    session: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)

    def inside(self, outer: "Attribution") -> "Attribution":
        """Return this with what it leaves open taken from `outer`; tags are merged."""
        return Attribution(
            self.user if self.user is not None else outer.user,
            self.session if self.session is not None else outer.session,
            MappingProxyType({**outer.tags, **self.tags}),
        )


NOBODY = Attribution()


@dataclass(frozen=True, slots=True)
class _Frame:
    """What holds inside a block, and what it goes back to."""

    attribution: Attribution = NOBODY
    block: "attribute | None" = None
    outer: "_Frame | None" = None


_OUTERMOST = _Frame()
_current: ContextVar[_Frame] = ContextVar("spancast_attribution", default=_OUTERMOST)


def current() -> Attribution:
    """Return whom calls are for, here and now."""
    return _current.get().attribution


class attribute:  # noqa: N801 - used like a function, as `contextlib.suppress` is
    """Say whom the calls of a block, or of a decorated function, are for.

        with spancast.attribute(user="u_42", session="s_7", tags={"feature": "search"}):
            client.chat.completions.create(...)

    Works around synchronous and asynchronous code, and as a decorator of functions, coroutine functions, generators
    and asynchronous generators. What is not given is inherited from the block around it. What the request itself says
    (`user`, `session_id`) wins.
    """

    def __init__(
        self, *, user: object = None, session: object = None, tags: Mapping[str, object] | None = None
    ) -> None:
        """Take a user's and a session's id, and tags; what is no string is written as `str()` writes it."""
        self._mine = Attribution(_text(user), _text(session), _tags(tags))

    def __enter__(self) -> Self:
        _current.set(self._inside(_current.get()))
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        _current.set(_without(self, _current.get()))

    def _inside(self, outer: _Frame) -> _Frame:
        return _Frame(self._mine.inside(outer.attribution), self, outer)

    def __call__(self, function: F) -> F:
        """Decorate a function: each run of it is such a block."""
        return cast("F", _decorated(function, self))


def _without(block: attribute, frame: _Frame) -> _Frame:
    """Return the frames less the innermost of `block`; all of them when it is not among them."""
    within: list[attribute] = []
    seen: _Frame | None = frame
    while seen is not None and seen.block is not block:
        if seen.block is not None:
            within.append(seen.block)
        seen = seen.outer
    if seen is None:
        return frame
    left = seen.outer or _OUTERMOST
    for each in reversed(within):
        left = each._inside(left)  # noqa: SLF001 - of its own kind
    return left


def _decorated(function: Callable[..., Any], block: attribute) -> Callable[..., Any]:
    if inspect.iscoroutinefunction(function):

        @functools.wraps(function)
        async def run_coroutine(*args: Any, **kwargs: Any) -> Any:
            with block:
                return await function(*args, **kwargs)

        return run_coroutine
    if inspect.isgeneratorfunction(function):
        return functools.wraps(function)(_generator(function, block))
    if inspect.isasyncgenfunction(function):
        return functools.wraps(function)(_async_generator(function, block))

    @functools.wraps(function)
    def run(*args: Any, **kwargs: Any) -> Any:
        with block:
            return function(*args, **kwargs)

    return run


def _generator(function: Callable[..., Any], block: attribute) -> Callable[..., Any]:
    """Enter the block for each step alone, so that the consumer's own calls, between two steps, are its own."""

    def run(*args: Any, **kwargs: Any) -> Any:
        generator = function(*args, **kwargs)
        step, value = generator.send, None
        while True:
            try:
                with block:
                    produced = step(value)
            except StopIteration as stop:
                return stop.value
            try:
                step, value = generator.send, (yield produced)
            except GeneratorExit:
                with block:
                    generator.close()
                raise
            except BaseException as error:  # noqa: BLE001 - what the consumer throws in is the generator's to handle
                step, value = generator.throw, error

    return run


def _async_generator(function: Callable[..., Any], block: attribute) -> Callable[..., Any]:
    async def run(*args: Any, **kwargs: Any) -> Any:
        generator = function(*args, **kwargs)
        step, value = generator.asend, None
        while True:
            try:
                with block:
                    produced = await step(value)
            except StopAsyncIteration:
                return
            try:
                step, value = generator.asend, (yield produced)
            except GeneratorExit:
                with block:
                    await generator.aclose()
                raise
            except BaseException as error:  # noqa: BLE001 - what the consumer throws in is the generator's to handle
                step, value = generator.athrow, error

    return run


def _text(seen: object) -> str | None:
    """Return what `str()` writes; what cannot even be written is unknown, and the application goes on."""
    try:
        return None if seen is None else str(seen) or None
    except Exception:  # noqa: BLE001 - the object is the application's own
        guard.once_a_minute("attribution", "A user, a session or a tag of type %s is unknown.", type(seen).__name__)
        return None


def _tags(seen: object) -> Mapping[str, str]:
    """Return the pairs of which both sides can be written; none of what is no mapping."""
    try:
        pairs = () if seen is None else tuple(cast("Mapping[object, object]", seen).items())
    except Exception:  # noqa: BLE001 - the object is the application's own
        guard.once_a_minute("attribution", "Tags of type %s are unknown. Give a mapping.", type(seen).__name__)
        return MappingProxyType({})
    written = ((_text(key), _text(value)) for key, value in pairs)
    return MappingProxyType({key: value for key, value in written if key is not None and value is not None})
