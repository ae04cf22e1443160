"""For those who only want the spans: the OpenTelemetry instrumentor that `opentelemetry-instrument` finds."""

import atexit
import difflib
from collections.abc import Collection
from typing import Any

from opentelemetry.instrumentation.instrumentor import BaseInstrumentor  # type: ignore[attr-defined]  # it is untyped

from spancast import api
from spancast.base import guard
from spancast.errors import ConfigurationError
from spancast.running import EXIT_BUDGET, Running
from spancast.settings.resolve import resolve
from spancast.settings.table import SETTINGS
from spancast.trace import providers
from spancast.trace.tracing import Tracing
from spancast.watch import Watch

_TAKEN = {"tracer_provider", "meter_provider", *(setting.name for setting in SETTINGS)}
_ALIKE = 0.8
"""From how much alike on a name is taken for one of these that is misspelt; others may be for other instrumentors."""


class OpenRouterInstrumentor(BaseInstrumentor):  # type: ignore[misc]  # the base is untyped
    """Makes one span of each call to OpenRouter, and writes nothing to the disk.

    `instrument()` takes what `spancast.start()` takes, and reads what is not given from the same variables and files.
    Where one of these names a `home` or destinations, the ledger and the destinations are wanted too, and it does what
    `spancast.start()` does. Without arguments a setting that cannot work is logged, since raising would keep
    `opentelemetry-instrument` from every other library.
    """

    _watch: Watch | None = None
    _begun: Running | None = None

    def instrumentation_dependencies(self) -> Collection[str]:
        """Return nothing: each client library is hooked when it is imported, and none of them is required."""
        return ()

    def _instrument(self, **kwargs: Any) -> None:
        given = {name: value for name, value in kwargs.items() if name in _TAKEN and value is not None}
        _spelled_right(kwargs)
        try:
            self._begin(**given)
        except ConfigurationError as error:
            if given:
                raise
            guard.once_a_minute("instrumentor", "OpenRouter is not instrumented: %s", error)

    def _begin(self, tracer_provider: Any = None, meter_provider: Any = None, **arguments: Any) -> None:
        providers.checked(tracer_provider=tracer_provider, meter_provider=meter_provider)
        settings = resolve(arguments)
        if not settings.enabled or api.running() is not None:
            return
        cls = type(self)
        if "home" in settings.stated or settings.destinations:
            cls._begun = api.begin(arguments, tracer_provider, meter_provider)
            return
        cls._watch = Watch(settings, Tracing(tracer_provider), cls._end_before_others, meter_provider=meter_provider)
        given = {"tracer_provider": tracer_provider, "meter_provider": meter_provider}
        api.beside.append(api.Beside(cls._watch, {name: each for name, each in given.items() if each is not None}))
        cls._watch.begin()

    @classmethod
    def _end_before_others(cls) -> None:
        """Have the spans ended before the application's provider is shut down: what is registered last is run first."""
        if cls._watch is not None:
            atexit.register(cls._watch.close, EXIT_BUDGET)

    def _uninstrument(self, **_: Any) -> None:
        cls = type(self)
        watch, cls._watch = cls._watch, None
        begun, cls._begun = cls._begun, None
        if watch is not None:
            watch.unhook()
            api.beside.clear()
            watch.close(EXIT_BUDGET)
            atexit.unregister(watch.close)
            watch.end()
        if begun is not None:
            api.let_go(begun)


def _spelled_right(names: Collection[str]) -> None:
    for name in names:
        near = difflib.get_close_matches(name, _TAKEN, n=1, cutoff=_ALIKE)
        if near and name not in _TAKEN:
            raise ConfigurationError(f"instrument() takes no {name!r}. Did you mean {near[0]!r}?")
