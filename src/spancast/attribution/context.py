"""Who the calls of a block are for: `with spancast.attribute(user=...)`, nested, in threads, tasks and generators.

The value travels in a context variable, so that concurrent tasks never see each other's. No token is held: a block that
is left in another context than it was entered in (a collected generator, say) leaves that context alone, and one that
is left while another stands inside it (a generator with a block of its own) leaves only itself.
"""

import functools
import inspect
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager
from contextvars import ContextVar
from dataclasses import dataclass, field
from types import MappingProxyType, TracebackType
from typing import Any, Self, TypeVar, cast

from spancast.attribution.attribution import NOBODY, Attribution, Pseudonym
from spancast.base import guard
from spancast.base.texts import as_text

F = TypeVar("F", bound=Callable[..., Any])


_NOTHING: Mapping[str, Any] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class _Frame:
    """What holds inside a block, and what it goes back to."""

    attribution: Attribution = NOBODY
    block: "attribute | None" = None
    outer: "_Frame | None" = None
    bag: Mapping[str, str] = field(default_factory=lambda: _NOTHING)
    """What we say in W3C baggage here."""
    others: Mapping[str, object] = field(default_factory=lambda: _NOTHING)
    """What stood there before us, by the names that we use; `None` is nothing."""


_OUTERMOST = _Frame()
_current: ContextVar[_Frame] = ContextVar("spancast_attribution", default=_OUTERMOST)


def _go(before: _Frame, after: _Frame) -> None:
    """Have `after` hold from now on, in baggage too where one of the two is there."""
    _current.set(after)
    if before.bag is not after.bag:
        with guard.quietly("attribution.baggage"):
            _baggage().put({**before.others, **after.others, **after.bag})


def _baggage() -> Any:
    from spancast.attribution import baggage  # noqa: PLC0415 - only who propagates needs OpenTelemetry here

    return baggage


def current() -> Attribution:
    """Return whom calls are for, here and now."""
    return _current.get().attribution


class attribute:  # noqa: N801 - used like a function, as `contextlib.suppress` is
    """Say whom the calls of a block, or of a decorated function, are for.

        with spancast.attribute(user="u_42", session="s_7", tags={"feature": "search"}):
            client.chat.completions.create(...)

    Works around synchronous and asynchronous code, and as a decorator of functions and methods, coroutine functions,
    generators and asynchronous generators. What is not given is inherited from the block around it. What the request
    itself says (`user`, `session_id`) wins.
    """

    def __init__(
        self,
        *,
        user: object = None,
        session: object = None,
        tags: Mapping[str, object] | None = None,
        propagate: bool = False,
    ) -> None:
        """Take a user's and a session's id, and tags; what is no string is written as `str()` writes it.

        With `propagate` what holds inside the block is in W3C baggage too: `user.id`, `session.id` and the tags that
        the setting `baggage_keys` names. OpenTelemetry's propagators send that to every host the application calls.
        """
        self._mine = Attribution(_text(user), _text(session), _tags(tags))
        self._propagate = propagate

    def __enter__(self) -> Self:
        outer = _current.get()
        _go(outer, self._inside(outer))
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        frame = _current.get()
        _go(frame, _without(self, frame))

    def _inside(self, outer: _Frame, others: Mapping[str, object] = _NOTHING) -> _Frame:
        """Return what holds inside; `others` is what is known to have stood in baggage."""
        who = self._mine.inside(outer.attribution)
        if self._propagate:
            with guard.quietly("attribution.baggage"):
                bag = {**outer.bag, **_baggage().entries(who)}
                others = {**_baggage().standing(bag), **others, **outer.others}
                return _Frame(who, self, outer, bag, others)
        return _Frame(who, self, outer, outer.bag, outer.others)

    def __call__(self, function: F) -> F:
        """Decorate a function: each run of it is such a block. What is none is left as it is, which the log says."""
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
    return _upon(seen.outer or _OUTERMOST, reversed(within), frame.others)


def _upon(frame: _Frame, blocks: Iterable[attribute], others: Mapping[str, object] = _NOTHING) -> _Frame:
    for block in blocks:
        frame = block._inside(frame, others)  # noqa: SLF001 - of its own kind
    return frame


class Steps(AbstractContextManager[None]):
    """A block that is entered for each step of something that goes on by steps, such as a generator.

    Blocks that the steps enter and leave open are theirs: they hold in the next step, inside this one, and not between
    two steps, when whoever asks for them goes on with work of its own. Not for steps of several threads at once.
    """

    def __init__(self, block: attribute) -> None:
        self._blocks = [block]
        self._outer = _OUTERMOST

    def __enter__(self) -> None:
        self._outer = _current.get()
        _go(self._outer, _upon(self._outer, self._blocks))

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        frame = seen = _current.get()
        blocks: list[attribute] = []
        while seen is not self._outer and seen.block is not None and seen.outer is not None:
            blocks.append(seen.block)
            seen = seen.outer
        if seen is self._outer:
            self._blocks = blocks[::-1]
        _go(frame, self._outer)


def _decorated(function: Any, block: attribute) -> Any:
    if isinstance(function, (classmethod, staticmethod)):
        return type(function)(_decorated(function.__func__, block))
    if isinstance(function, type) or not callable(function):
        what = getattr(function, "__qualname__", None) or type(function).__name__
        guard.once_a_minute("attribution", "%s is no function, and is not attributed. Decorate its functions.", what)
        return function
    return _wrapped(function, block)


def _wrapped(function: Callable[..., Any], block: attribute) -> Callable[..., Any]:
    if inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(type(function).__call__):

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
        generator, steps = function(*args, **kwargs), Steps(block)
        step, value = generator.send, None
        while True:
            try:
                with steps:
                    produced = step(value)
            except StopIteration as stop:
                return stop.value
            try:
                step, value = generator.send, (yield produced)
            except GeneratorExit:
                with steps:
                    generator.close()
                raise
            except BaseException as error:  # noqa: BLE001 - what the consumer throws in is the generator's to handle
                step, value = generator.throw, error

    return run


def _async_generator(function: Callable[..., Any], block: attribute) -> Callable[..., Any]:
    async def run(*args: Any, **kwargs: Any) -> Any:
        generator, steps = function(*args, **kwargs), Steps(block)
        step, value = generator.asend, None
        while True:
            try:
                with steps:
                    produced = await step(value)
            except StopAsyncIteration:
                return
            try:
                step, value = generator.asend, (yield produced)
            except GeneratorExit:
                with steps:
                    await generator.aclose()
                raise
            except BaseException as error:  # noqa: BLE001 - what the consumer throws in is the generator's to handle
                step, value = generator.athrow, error

    return run


def _text(seen: object) -> str | None:
    """Return an object as text; what cannot even be written is unknown, and the application goes on."""
    try:
        return seen if seen is None or type(seen) is Pseudonym else as_text(seen) or None
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
