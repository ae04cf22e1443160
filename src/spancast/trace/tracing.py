"""The tracer that creates our spans: the application's as soon as it has a provider, and a private one until then."""

import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import wrapt
from opentelemetry import trace
from opentelemetry.trace import ProxyTracerProvider, Tracer

from spancast.base import forks, guard
from spancast.records.resource import scalars
from spancast.spans.scope import SCOPE, VERSION
from spancast.trace.app_spans import AppSpans
from spancast.trace.globals import tracer_provider
from spancast.trace.identity import IdentityProvider
from spancast.trace.stamp import Stamp

_SETTER = "_set_tracer_provider"
"""The function that every way of setting the global provider calls (opentelemetry-api, `opentelemetry.trace`)."""


class Tracing:
    """Returns the tracer for the next span. It joins the application's global provider, and never sets one."""

    def __init__(self, provider: trace.TracerProvider | None = None, app_spans: AppSpans | None = None) -> None:
        """Use `provider` if it is given, else the application's; `app_spans` gets its spans."""
        self.app_spans = app_spans
        self._given = provider
        self._private: IdentityProvider | None = None
        self._renew_lock()
        forks.in_child(self._renew_lock)
        self._stamp = Stamp()
        self._stamp.app_spans = app_spans
        self._joined: list[Any] = []
        self._provider: object = None
        self._tracer: Tracer
        self._setter: Any = None
        self.resource = scalars({})
        """The resource of the provider in use, which all calls made with it share."""

    def _renew_lock(self) -> None:
        self._lock = threading.Lock()

    @property
    def provider(self) -> object:
        """The provider that `tracer` used last."""
        return self._provider

    def before_flush(self, complete: Callable[[float], bool]) -> None:
        """Call `complete` before the application flushes or shuts down its exporters, to end the spans that wait."""
        self._stamp.complete = complete

    def tracer(self) -> Tracer:
        """Return the tracer of the application's current provider."""
        provider = self._given or tracer_provider()
        if provider is not self._provider:
            self._join(provider)
        return self._tracer

    @property
    def last_tracer(self) -> Tracer:
        """The tracer that `tracer` returned last."""
        return self._tracer

    def complete(self, timeout: float) -> bool:
        """Store the application's spans that are submitted; return whether all were within `timeout` seconds."""
        return self.app_spans is None or self.app_spans.complete(timeout)

    def watch(self) -> None:
        """Join the application's provider as soon as it has one, so that spans before the first call are observed too.

        Some libraries create the provider, and the span that is to carry a call, just before that call.
        """
        self.tracer()
        if self._given is None and self._setter is None and hasattr(trace, _SETTER):
            self._setter = wrapt.wrap_function_wrapper(trace, _SETTER, self._on_set)

    def stop(self) -> None:
        """Stop observing the application's spans."""
        self._stamp.active = False
        self._stamp.app_spans = self._stamp.complete = None
        with self._lock:
            joined, self._joined, self._provider = self._joined, [], None
            for each in joined:
                _remove(each, self._stamp)
        setter, self._setter = self._setter, None
        if setter is not None:
            with guard.quietly("trace.stop"), suppress(wrapt.WrapperNotOutermostError):
                wrapt.unwrap_object(trace, _SETTER, setter, missing_ok=True)

    def _on_set(self, wrapped: Any, _module: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        wrapped(*args, **kwargs)
        if self._setter is not None:
            with guard.quietly("trace.join"):
                self.tracer()

    def _join(self, provider: trace.TracerProvider) -> None:
        with self._lock:
            try:
                self._use(self._private_provider() if isinstance(provider, ProxyTracerProvider) else provider)
            except Exception:  # noqa: BLE001 - the provider is the application's
                guard.caught("trace.join")
                self._use(self._private_provider())
            self._provider = provider

    def _use(self, provider: Any) -> None:
        add = getattr(provider, "add_span_processor", None)  # the SDK's provider has it, the API's does not
        if add is not None and self._stamp.active and not any(provider is each for each in self._joined):
            self._joined.append(provider)
            add(self._stamp)
            _move_to_front(provider, self._stamp)
        self._tracer = provider.get_tracer(SCOPE, VERSION)
        self.resource = scalars(getattr(getattr(provider, "resource", None), "attributes", None) or {})

    def _private_provider(self) -> IdentityProvider:
        if self._private is None:
            self._private = IdentityProvider()
        return self._private


def _remove(provider: Any, stamp: Stamp) -> None:
    """Remove our processor, if the SDK's list of processors is accessible; else it stays, and does nothing."""
    processors: Any = getattr(provider, "_active_span_processor", None)
    with suppress(AttributeError), processors._lock:  # noqa: SLF001 - the SDK has no other way
        processors._span_processors = tuple(each for each in processors._span_processors if each is not stamp)  # noqa: SLF001 - see above


def _move_to_front(provider: Any, stamp: Stamp) -> None:
    """Flush our processor before the exporters, if the SDK's list of processors is accessible; else it is the last."""
    processors: Any = getattr(provider, "_active_span_processor", None)
    with suppress(AttributeError), processors._lock:  # noqa: SLF001 - the SDK has no other way
        others = tuple(each for each in processors._span_processors if each is not stamp)  # noqa: SLF001 - see above
        processors._span_processors = (stamp, *others)  # noqa: SLF001 - see above
