"""For those who only want the spans: the OpenTelemetry instrumentor that `opentelemetry-instrument` finds."""

import os
from collections.abc import Collection
from typing import Any

from opentelemetry.instrumentation.instrumentor import BaseInstrumentor  # type: ignore[attr-defined]

from spancast import api
from spancast.capture.route import Routes
from spancast.hooks.patching import Patches
from spancast.hooks.table import HOOKS
from spancast.recorder import Recorder
from spancast.settings import resolve
from spancast.trace.tracing import Tracing

_ASKS_FOR_MORE = ("SPANCAST_HOME", "SPANCAST_DESTINATIONS")


class OpenRouterInstrumentor(BaseInstrumentor):  # type: ignore[misc]  # the base is untyped
    """Makes one span of each call to OpenRouter, and writes nothing to the disk.

    Where `SPANCAST_HOME` or `SPANCAST_DESTINATIONS` is set, the ledger and the destinations are wanted too, and it does
    what `spancast.start()` does. `instrument()` takes `tracer_provider` and `hosts`.
    """

    _patches: Patches | None = None
    _tracing: Tracing | None = None
    _started = False

    def instrumentation_dependencies(self) -> Collection[str]:
        """Return nothing: each client library is hooked when it is imported, and none of them is required."""
        return ()

    def _instrument(self, **kwargs: Any) -> None:
        settings = resolve({"hosts": kwargs.get("hosts")})
        if not settings.enabled or api.running() is not None:
            return
        cls = type(self)
        if any(os.environ.get(variable) for variable in _ASKS_FOR_MORE):
            cls._started = True
            api.start(hosts=kwargs.get("hosts"), tracer_provider=kwargs.get("tracer_provider"))
            return
        cls._tracing = Tracing(kwargs.get("tracer_provider"))
        cls._patches = Patches(Recorder(Routes(settings.hosts), cls._tracing, keep=None))
        cls._patches.install(HOOKS)

    def _uninstrument(self, **_: Any) -> None:
        cls = type(self)
        patches, cls._patches = cls._patches, None
        tracing, cls._tracing = cls._tracing, None
        started, cls._started = cls._started, False
        if patches is not None:
            patches.remove()
        if tracing is not None:
            tracing.stop()
        if started:
            api.stop()
