"""Whose tracer makes our spans: the application's as soon as it has one, and a private one until then."""

import threading
from collections.abc import Callable
from contextlib import suppress
from importlib.metadata import version
from typing import Any

import wrapt
from opentelemetry import trace
from opentelemetry.trace import ProxyTracerProvider, Tracer

from spancast.base import forks, guard
from spancast.records.resource import scalars
from spancast.trace.companions import Companions
from spancast.trace.globals import tracer_provider
from spancast.trace.identity import IdentityProvider
from spancast.trace.span import SCOPE
from spancast.trace.stamp import Stamp

VERSION = version("spancast")

_SETTER = "_set_tracer_provider"
"""What every way of setting the global provider passes through (opentelemetry-api, `opentelemetry.trace`)."""


class Tracing:
    """Gives the tracer for the next span. The global provider is the application's: it is joined, never set."""

    def __init__(self, provider: trace.TracerProvider | None = None, companions: Companions | None = None) -> None:
        """Use `provider` where one is given, else the application's; `companions` are told of its spans."""
        self.companions = companions
        self._given = provider
        self._private: IdentityProvider | None = None
        self._renew()
        forks.in_child(self._renew)
        self._stamp = Stamp()
        self._stamp.companions = companions
        self._joined: list[Any] = []
        self._seen: object = None
        self._tracer: Tracer
        self._setter: Any = None
        self.resource = scalars({})
        """The resource of the provider in use, which every call shares that is made with it."""

    def _renew(self) -> None:
        self._lock = threading.Lock()

    @property
    def provider(self) -> object:
        """The application's provider, as it was seen last."""
        return self._seen

    def before_flush(self, complete: Callable[[float], bool]) -> None:
        """Have `complete` end the spans that wait before the application flushes its exporters, or shuts them down."""
        self._stamp.complete = complete

    def tracer(self) -> Tracer:
        """Return the tracer of the provider that is the application's now."""
        provider = self._given or tracer_provider()
        if provider is not self._seen:
            self._join(provider)
        return self._tracer

    @property
    def last_tracer(self) -> Tracer:
        """The tracer of the provider that `tracer` saw last."""
        return self._tracer

    def complete(self, timeout: float) -> bool:
        """Keep what is left of the application's spans; return whether all was within `timeout` seconds."""
        return self.companions is None or self.companions.complete(timeout)

    def watch(self) -> None:
        """Join the application's provider as soon as it has one: its spans are stamped and seen before the first call.

        Some libraries make the provider, and the span that is to carry a call, on their way to that very call.
        """
        self.tracer()
        if self._given is None and self._setter is None and hasattr(trace, _SETTER):
            self._setter = wrapt.wrap_function_wrapper(trace, _SETTER, self._set)

    def stop(self) -> None:
        """Leave the application's spans alone from now on."""
        self._stamp.active = False
        self._stamp.companions = self._stamp.complete = None
        with self._lock:
            joined, self._joined, self._seen = self._joined, [], None
            for each in joined:
                _take_out(each, self._stamp)
        setter, self._setter = self._setter, None
        if setter is not None:
            with guard.quietly("trace.stop"), suppress(wrapt.WrapperNotOutermostError):
                wrapt.unwrap_object(trace, _SETTER, setter, missing_ok=True)

    def _set(self, wrapped: Any, _module: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        wrapped(*args, **kwargs)
        if self._setter is not None:
            with guard.quietly("trace.join"):
                self.tracer()

    def _join(self, provider: trace.TracerProvider) -> None:
        with self._lock:
            try:
                self._use(self._own() if isinstance(provider, ProxyTracerProvider) else provider)
            except Exception:  # noqa: BLE001 - the provider is the application's
                guard.caught("trace.join")
                self._use(self._own())
            self._seen = provider

    def _use(self, provider: Any) -> None:
        add = getattr(provider, "add_span_processor", None)  # the SDK's provider has it, the API's does not
        if add is not None and self._stamp.active and not any(provider is each for each in self._joined):
            self._joined.append(provider)
            add(self._stamp)
            _put_first(provider, self._stamp)
        self._tracer = provider.get_tracer(SCOPE, VERSION)
        self.resource = scalars(getattr(getattr(provider, "resource", None), "attributes", None) or {})

    def _own(self) -> IdentityProvider:
        if self._private is None:
            self._private = IdentityProvider()
        return self._private


def _take_out(provider: Any, stamp: Stamp) -> None:
    """Have it called no more, where the SDK's list of processors can be reached; else it stays, and does nothing."""
    every: Any = getattr(provider, "_active_span_processor", None)
    with suppress(AttributeError), every._lock:  # noqa: SLF001 - the SDK has no other way
        every._span_processors = tuple(each for each in every._span_processors if each is not stamp)  # noqa: SLF001 - see above


def _put_first(provider: Any, stamp: Stamp) -> None:
    """Have it flushed before the exporters, where the SDK's list of processors can be reached; else it is the last."""
    every: Any = getattr(provider, "_active_span_processor", None)
    with suppress(AttributeError), every._lock:  # noqa: SLF001 - the SDK has no other way
        others = tuple(each for each in every._span_processors if each is not stamp)  # noqa: SLF001 - see above
        every._span_processors = (stamp, *others)  # noqa: SLF001 - see above
