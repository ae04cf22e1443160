"""Watching what an application asks: the hooks on the client libraries, and what makes calls and spans of it."""

from collections.abc import Callable

from opentelemetry.metrics import MeterProvider

from spancast.attribution import rules as attribution
from spancast.attribution.attribution import NOBODY, Attribution
from spancast.capture.http_request import HttpRequest
from spancast.capture.route import Routes
from spancast.delivery.gauges import Deliveries
from spancast.hooks.patching import Patches
from spancast.hooks.table import HOOKS
from spancast.recording.aftermath import Aftermath, Wishes
from spancast.recording.recorder import Recorder
from spancast.records.call import Call
from spancast.records.record import Record
from spancast.settings.settings import Settings
from spancast.trace.events import Events
from spancast.trace.metrics import Metrics
from spancast.trace.tracing import Tracing


class Watch:
    """One watch over this process, with a journal behind it or for the spans alone."""

    def __init__(  # noqa: PLR0913 - what stands before the journal, and what behind it, if any
        self,
        settings: Settings,
        tracing: Tracing,
        on_provider: Callable[[], None],
        *,
        meter_provider: MeterProvider | None = None,
        keep: Callable[[Record], None] | None = None,
        deliveries: Deliveries | None = None,
        owing: Callable[[HttpRequest], Callable[[Call], None] | None] | None = None,
    ) -> None:
        """Watch as the settings say; `keep` puts a record into the journal, and `deliveries` are metrics of the outbox.

        `owing` and `on_provider` are the recorder's.
        """
        self._attribution = _attribution(settings)
        self._tracing = tracing
        self._recorder = Recorder(
            Routes(settings.hosts),
            tracing,
            keep,
            tuple(destination.name for destination in settings.destinations),
            Aftermath(_wishes(settings, meter_provider, deliveries), keep),
            link_broadcast=settings.link_broadcast,
            owing=owing,
            on_provider=on_provider,
        )
        self._patches = Patches(self._recorder)

    def begin(self) -> None:
        """Put the hooks on the client libraries, and join the application's tracer provider if it has one already."""
        self.follow()
        self._tracing.watch()
        self._patches.install(HOOKS)

    def follow(self) -> None:
        """Have these settings say whom calls are for, of which there are one set in a process."""
        attribution.follow(self._attribution)

    def hooked(self) -> tuple[str, ...]:
        """Return the methods that are wrapped."""
        return self._patches.hooked()

    def complete(self, timeout: float) -> bool:
        """Do what was left to be done behind the caller's back; return whether all was within `timeout` seconds."""
        return self._recorder.complete(timeout)

    def close(self, timeout: float) -> bool:
        """Do the same, and end the spans of calls whose words are not written by then without them."""
        return self._recorder.close(timeout)

    def unhook(self) -> None:
        """Take the hooks off the client libraries."""
        self._patches.remove()

    def end(self) -> None:
        """Leave the application's spans alone from now on."""
        self._tracing.stop()


def _attribution(settings: Settings) -> attribution.Rules:
    """Return how it is found out whom a call is for."""
    defaults = Attribution(settings.default_user, settings.default_session, settings.default_tags)
    return attribution.Rules(
        NOBODY if defaults == NOBODY else defaults, settings.baggage_keys, settings.forward_user, settings.user_hash
    )


def _wishes(settings: Settings, meter_provider: MeterProvider | None, deliveries: Deliveries | None) -> Wishes:
    """Return what is wanted behind the caller's back."""
    join = None if deliveries is None or not settings.destinations else deliveries.join
    metrics = Metrics(meter_provider, settings.metrics, with_user=settings.user_metrics, join=join)
    return Wishes(
        words=settings.capture_content != "no_content",
        words_on_span=settings.capture_content in ("span_only", "span_and_event"),
        redact=settings.redact,
        metrics=None if settings.metrics == "off" else metrics,
        events=Events() if settings.emit_event else None,
    )
