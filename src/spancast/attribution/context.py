"""The attribution of the calls of a block: `with spancast.attribute(user=...)`, nested, in threads, tasks, generators.

It is held in a context variable, so that concurrent tasks never see each other's. No token is held: a block that exits
in another context than it was entered in (a collected generator, for instance) leaves that context unchanged, and one
that exits while another block is open inside it (a generator with a block of its own) removes only itself.
"""

import functools
import inspect
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager
from contextvars import ContextVar
from dataclasses import dataclass, field
from types import MappingProxyType, TracebackType
from typing import Any, Self, TypeVar, cast

from spancast.attribution.attribution import UNKNOWN, Attribution, Pseudonym
from spancast.base import guard
from spancast.base.texts import as_text

F = TypeVar("F", bound=Callable[..., Any])


_NOTHING: Mapping[str, Any] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class _Frame:
    """The attribution inside a block, and the frame around it."""

    attribution: Attribution = UNKNOWN
    block: "attribute | None" = None
    outer: "_Frame | None" = None
    bag: Mapping[str, str] = field(default_factory=lambda: _NOTHING)
    """Our entries of W3C baggage here."""
    previous: Mapping[str, object] = field(default_factory=lambda: _NOTHING)
    """The values that our entries have replaced; `None` where there was none."""


_OUTERMOST = _Frame()
_current: ContextVar[_Frame] = ContextVar("spancast_attribution", default=_OUTERMOST)


def _switch(before: _Frame, after: _Frame) -> None:
    """Make `after` the current frame, and update baggage if its entries differ."""
    _current.set(after)
    if before.bag is not after.bag:
        with guard.quietly("attribution.baggage"):
            _baggage().set_entries({**before.previous, **after.previous, **after.bag})


def _baggage() -> Any:
    from spancast.attribution import baggage  # noqa: PLC0415 - only who propagates needs OpenTelemetry here

    return baggage


def current() -> Attribution:
    """Return the attribution that blocks set in this context."""
    return _current.get().attribution


class attribute:  # noqa: N801 - used like a function, as `contextlib.suppress` is
    """Set the user, session and tags of the calls of a block, or of a decorated function.

        with spancast.attribute(user="u_42", session="s_7", tags={"feature": "search"}):
            client.chat.completions.create(...)

    Works around synchronous and asynchronous code, and as a decorator of functions and methods, coroutine functions,
    generators and asynchronous generators. What is not given is inherited from the block around it. What the request
    itself states (`user`, `session_id`) takes precedence.
    """

    def __init__(
        self,
        *,
        user: object = None,
        session: object = None,
        tags: Mapping[str, object] | None = None,
        propagate: bool = False,
    ) -> None:
        """Take the ids of a user and a session, and tags; values that are no strings are converted by `str()`.

        With `propagate`, the attribution is in W3C baggage too: `user.id`, `session.id` and the tags that the setting
        `baggage_keys` names. OpenTelemetry's propagators send that to every host the application calls.
        """
        self._attribution = Attribution(_text(user), _text(session), _tags(tags))
        self._propagate = propagate

    def __enter__(self) -> Self:
        outer = _current.get()
        _switch(outer, self._inside(outer))
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        frame = _current.get()
        _switch(frame, _without(self, frame))

    def _inside(self, outer: _Frame, previous: Mapping[str, object] = _NOTHING) -> _Frame:
        """Return the frame inside the block; `previous` are known values that baggage had before."""
        attribution = self._attribution.with_defaults(outer.attribution)
        if self._propagate:
            with guard.quietly("attribution.baggage"):
                bag = {**outer.bag, **_baggage().entries(attribution)}
                previous = {**_baggage().current_entries(bag), **previous, **outer.previous}
                return _Frame(attribution, self, outer, bag, previous)
        return _Frame(attribution, self, outer, outer.bag, outer.previous)

    def __call__(self, function: F) -> F:
        """Decorate a function: each call of it is such a block. Anything else is returned unchanged, with a warning."""
        return cast("F", _decorated(function, self))


def _without(block: attribute, frame: _Frame) -> _Frame:
    """Return the frames without the innermost frame of `block`; all of them if it has none."""
    inner: list[attribute] = []
    inspected: _Frame | None = frame
    while inspected is not None and inspected.block is not block:
        if inspected.block is not None:
            inner.append(inspected.block)
        inspected = inspected.outer
    if inspected is None:
        return frame
    return _entered(inspected.outer or _OUTERMOST, reversed(inner), frame.previous)


def _entered(frame: _Frame, blocks: Iterable[attribute], previous: Mapping[str, object] = _NOTHING) -> _Frame:
    for block in blocks:
        frame = block._inside(frame, previous)  # noqa: SLF001 - of its own kind
    return frame


class SteppedBlock(AbstractContextManager[None]):
    """A block that is entered for each step of something that runs in steps, such as a generator.

    Blocks that a step enters and leaves open are entered again for the next step, inside this one, but not between two
    steps, when the consumer runs. Not thread-safe.
    """

    def __init__(self, block: attribute) -> None:
        self._blocks = [block]
        self._outer = _OUTERMOST

    def __enter__(self) -> None:
        self._outer = _current.get()
        _switch(self._outer, _entered(self._outer, self._blocks))

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        frame = inspected = _current.get()
        blocks: list[attribute] = []
        while inspected is not self._outer and inspected.block is not None and inspected.outer is not None:
            blocks.append(inspected.block)
            inspected = inspected.outer
        if inspected is self._outer:
            self._blocks = blocks[::-1]
        _switch(frame, self._outer)


def _decorated(function: Any, block: attribute) -> Any:
    if isinstance(function, (classmethod, staticmethod)):
        return type(function)(_decorated(function.__func__, block))
    if isinstance(function, type) or not callable(function):
        what = getattr(function, "__qualname__", None) or type(function).__name__
        guard.warn("attribution", "%s is no function, and is not attributed. Decorate its functions.", what)
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
    """Enter the block for each step alone: the consumer's calls between two steps are not in it."""

    def run(*args: Any, **kwargs: Any) -> Any:
        generator, steps = function(*args, **kwargs), SteppedBlock(block)
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
        generator, steps = function(*args, **kwargs), SteppedBlock(block)
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


def _text(value: object) -> str | None:
    """Return an object as text; `None` with a warning if its `str()` fails."""
    try:
        return value if value is None or type(value) is Pseudonym else as_text(value) or None
    except Exception:  # noqa: BLE001 - the object is the application's own
        guard.warn("attribution", "A user, a session or a tag of type %s is unknown.", type(value).__name__)
        return None


def _tags(value: object) -> Mapping[str, str]:
    """Return the pairs whose key and value can be written as text; none if it is no mapping."""
    try:
        pairs = () if value is None else tuple(cast("Mapping[object, object]", value).items())
    except Exception:  # noqa: BLE001 - the object is the application's own
        guard.warn("attribution", "Tags of type %s are unknown. Give a mapping.", type(value).__name__)
        return MappingProxyType({})
    written = ((_text(key), _text(value)) for key, value in pairs)
    return MappingProxyType({key: value for key, value in written if key is not None and value is not None})
