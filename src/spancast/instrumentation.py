"""The instrumentation of a process: hooks on the client libraries, and what makes calls and spans of their requests."""

from collections.abc import Callable

from opentelemetry.metrics import MeterProvider

from spancast.attribution import rules as attribution
from spancast.attribution.attribution import UNKNOWN, Attribution
from spancast.capture.http_request import HttpRequest
from spancast.capture.route import Routes
from spancast.delivery.gauges import Deliveries
from spancast.hooks.patching import Patches
from spancast.hooks.table import HOOKS
from spancast.recording.aftermath import Aftermath, AftermathOptions
from spancast.recording.recorder import Recorder
from spancast.records.call import Call
from spancast.records.record import Record
from spancast.settings.settings import Settings
from spancast.trace.events import Events
from spancast.trace.metrics import Metrics
from spancast.trace.tracing import Tracing


class Instrumentation:
    """Instruments this process, with a journal or for spans alone."""

    def __init__(  # noqa: PLR0913 - the parts before the journal, and those behind it, if any
        self,
        settings: Settings,
        tracing: Tracing,
        on_provider: Callable[[], None],
        *,
        meter_provider: MeterProvider | None = None,
        append: Callable[[Record], None] | None = None,
        deliveries: Deliveries | None = None,
        listener_for: Callable[[HttpRequest], Callable[[Call], None] | None] | None = None,
    ) -> None:
        """Build the parts.

        Args:
            settings: The resolved settings.
            tracing: Makes the spans.
            on_provider: See `Recorder`.
            meter_provider: Records the metrics; by default the application's.
            append: Writes a record to the journal, if there is one.
            deliveries: The outbox's metrics, if there is one.
            listener_for: See `Recorder`.
        """
        self._rules = _attribution_rules(settings)
        self._tracing = tracing
        self._recorder = Recorder(
            Routes(settings.hosts),
            tracing,
            append,
            tuple(destination.name for destination in settings.destinations),
            Aftermath(_aftermath_options(settings, meter_provider, deliveries), append),
            link_broadcast=settings.link_broadcast,
            listener_for=listener_for,
            on_provider=on_provider,
        )
        self._patches = Patches(self._recorder)

    def install(self) -> None:
        """Hook the client libraries, and join the application's tracer provider if it has one already."""
        self.apply_attribution()
        self._tracing.watch()
        self._patches.install(HOOKS)

    def apply_attribution(self) -> None:
        """Put these settings' attribution rules into force; a process has one set of them."""
        attribution.set_rules(self._rules)

    def complete(self, timeout: float) -> bool:
        """Do the pending work on finished calls; return whether it took no more than `timeout` seconds."""
        return self._recorder.complete(timeout)

    def close(self, timeout: float) -> bool:
        """Do the same, then end the spans of calls whose content is still not written, without it."""
        return self._recorder.close(timeout)

    def unhook(self) -> None:
        """Remove the hooks from the client libraries."""
        self._patches.remove()

    def leave_traces(self) -> None:
        """Leave the application's spans and tracer provider alone from now on."""
        self._tracing.stop()


def _attribution_rules(settings: Settings) -> attribution.Rules:
    defaults = Attribution(settings.default_user, settings.default_session, settings.default_tags)
    return attribution.Rules(
        UNKNOWN if defaults == UNKNOWN else defaults, settings.baggage_keys, settings.forward_user, settings.user_hash
    )


def _aftermath_options(
    settings: Settings, meter_provider: MeterProvider | None, deliveries: Deliveries | None
) -> AftermathOptions:
    join = None if deliveries is None or not settings.destinations else deliveries.join
    metrics = Metrics(meter_provider, settings.metrics, with_user=settings.user_metrics, join=join)
    return AftermathOptions(
        capture_content=settings.capture_content != "no_content",
        content_on_span=settings.capture_content in ("span_only", "span_and_event"),
        redact=settings.redact,
        metrics=None if settings.metrics == "off" else metrics,
        events=Events() if settings.emit_event else None,
    )
