"""The OpenTelemetry instrumentor, which `opentelemetry-instrument` finds: spans alone, without a ledger."""

import atexit
from collections.abc import Collection
from typing import Any

from opentelemetry.instrumentation.instrumentor import BaseInstrumentor  # type: ignore[attr-defined]  # it is untyped

from spancast import api
from spancast.base import guard
from spancast.base.suggest import did_you_mean
from spancast.errors import ConfigurationError
from spancast.instrumentation import Instrumentation
from spancast.runtime import EXIT_SECONDS, Runtime
from spancast.settings.resolve import resolve
from spancast.settings.table import SETTINGS
from spancast.trace import providers
from spancast.trace.tracing import Tracing

_ARGUMENTS = {"tracer_provider", "meter_provider", *(setting.name for setting in SETTINGS)}
_SIMILARITY = 0.8
"""From which on an unknown argument counts as a misspelt one of ours; others may be for other instrumentors."""


class OpenRouterInstrumentor(BaseInstrumentor):  # type: ignore[misc]  # the base is untyped
    """Makes one span of each call to OpenRouter, and writes nothing to the disk.

    `instrument()` takes the arguments of `spancast.start()`, and reads the rest from the same variables and files. If
    any of these names a `home` or destinations, it does what `spancast.start()` does: ledger and destinations too.
    Without arguments a setting that cannot work is only logged, since an exception would keep
    `opentelemetry-instrument` from instrumenting other libraries.
    """

    _instrumentation: Instrumentation | None = None
    _runtime: Runtime | None = None

    def instrumentation_dependencies(self) -> Collection[str]:
        """Return nothing: each client library is hooked when it is imported, and none of them is required."""
        return ()

    def _instrument(self, **kwargs: Any) -> None:
        given = {name: value for name, value in kwargs.items() if name in _ARGUMENTS and value is not None}
        _check_spelling(kwargs)
        try:
            self._start(**given)
        except ConfigurationError as error:
            if given:
                raise
            guard.warn("instrumentor", "OpenRouter is not instrumented: %s", error)

    def _start(self, tracer_provider: Any = None, meter_provider: Any = None, **arguments: Any) -> None:
        providers.checked(tracer_provider=tracer_provider, meter_provider=meter_provider)
        settings = resolve(arguments)
        if not settings.enabled or api.running() is not None:
            return
        cls = type(self)
        if "home" in settings.stated or settings.destinations:
            cls._runtime = api.start_runtime(arguments, tracer_provider, meter_provider)
            return
        cls._instrumentation = Instrumentation(
            settings, Tracing(tracer_provider), cls._end_before_others, meter_provider=meter_provider
        )
        given = {"tracer_provider": tracer_provider, "meter_provider": meter_provider}
        given = {name: provider for name, provider in given.items() if provider is not None}
        api.attach(api.SpansOnly(cls._instrumentation, given))
        cls._instrumentation.install()

    @classmethod
    def _end_before_others(cls) -> None:
        """End the spans before the application's provider shuts down: `atexit` runs the last handler first."""
        if cls._instrumentation is not None:
            atexit.register(cls._instrumentation.close, EXIT_SECONDS)

    def _uninstrument(self, **_: Any) -> None:
        cls = type(self)
        instrumentation, cls._instrumentation = cls._instrumentation, None
        runtime, cls._runtime = cls._runtime, None
        if instrumentation is not None:
            instrumentation.unhook()
            api.detach()
            instrumentation.close(EXIT_SECONDS)
            atexit.unregister(instrumentation.close)
            instrumentation.leave_traces()
        if runtime is not None:
            api.stop_if_unclaimed(runtime)


def _check_spelling(names: Collection[str]) -> None:
    for name in names:
        hint = did_you_mean(name, _ARGUMENTS, cutoff=_SIMILARITY)
        if hint and name not in _ARGUMENTS:
            raise ConfigurationError(f"instrument() takes no {name!r}. {hint}")
