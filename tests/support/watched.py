"""The hooks with a tracer of their own: the Calls and the spans that come of them."""

from collections.abc import Iterator
from contextlib import contextmanager

from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.sampling import DEFAULT_ON, Sampler

from spancast.capture.route import Routes
from spancast.hooks.patching import Patches
from spancast.hooks.table import HOOKS
from spancast.recording.recorder import Recorder
from spancast.records.call import Call
from spancast.trace.tracing import Tracing
from tests.support.watching import Seen


class Watched(Seen):
    """The finished Calls, as in `Seen`, and what is traced."""

    def __init__(self, hosts: tuple[str, ...], sampler: Sampler) -> None:
        super().__init__()
        self._exporter = InMemorySpanExporter()
        self.provider = TracerProvider(sampler=sampler, shutdown_on_exit=False)
        self.provider.add_span_processor(SimpleSpanProcessor(self._exporter))
        self.tracing = Tracing(self.provider)
        self.recorder = Recorder(Routes(hosts), self.tracing, self.keep)
        self.patches = Patches(self.recorder)

    @property
    def spans(self) -> tuple[ReadableSpan, ...]:
        """The spans that have ended, those of abandoned answers included."""
        self.recorder.submit_abandoned()
        return self.ended

    @property
    def ended(self) -> tuple[ReadableSpan, ...]:
        """The spans that have ended by themselves."""
        return self._exporter.get_finished_spans()

    @property
    def pair(self) -> tuple[Call, ReadableSpan]:
        """The one call there is, and its one span."""
        (span,) = self.spans
        return self.only, span


@contextmanager
def watched(*hosts: str, sampler: Sampler = DEFAULT_ON) -> Iterator[Watched]:
    """Hook the clients for the length of the block."""
    seen = Watched(hosts, sampler)
    seen.patches.install(HOOKS)
    try:
        yield seen
    finally:
        seen.patches.remove()
        seen.tracing.stop()
