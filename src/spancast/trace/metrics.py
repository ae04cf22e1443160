"""The GenAI client metrics of a Call, and what was charged, in the application's own meter provider.

Names and buckets are those of the GenAI semantic conventions (semantic-conventions-genai, gen-ai-metrics), or on demand
those that they had up to core 1.44, which most backends know. Recorded in the background and never per chunk: one
histogram record of the SDK costs more than a whole call may cost the application's thread.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from opentelemetry.metrics import Counter, Histogram, Meter, MeterProvider, get_meter_provider

from spancast.call import Call
from spancast.trace import names
from spancast.trace.attributes import OPERATIONS, PROVIDER

SECONDS = (0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92)
TOKENS = (1, 4, 16, 64, 256, 1024, 4096, 16384, 65536, 262144, 1048576, 4194304, 16777216, 67108864)

DURATION = "gen_ai.client.inference.duration"
TIME_TO_FIRST_CHUNK = "gen_ai.client.inference.time_to_first_chunk"
TIME_PER_OUTPUT_CHUNK = "gen_ai.client.inference.time_per_output_chunk"
INPUT_TOKENS = "gen_ai.client.inference.operation.input_tokens"
OUTPUT_TOKENS = "gen_ai.client.inference.operation.output_tokens"
USAGE = {
    "gen_ai.client.inference.usage.input_tokens": "input_tokens",
    "gen_ai.client.inference.usage.output_tokens": "output_tokens",
    "gen_ai.client.inference.usage.cache_read.input_tokens": "cached_tokens",
    "gen_ai.client.inference.usage.cache_write.input_tokens": "cache_write_tokens",
    "gen_ai.client.inference.usage.reasoning.output_tokens": "reasoning_tokens",
}
"""Counters of tokens, and the field of a Call that each adds up."""

OLD = {
    DURATION: "gen_ai.client.operation.duration",
    TIME_TO_FIRST_CHUNK: "gen_ai.client.operation.time_to_first_chunk",
    TIME_PER_OUTPUT_CHUNK: "gen_ai.client.operation.time_per_output_chunk",
}
OLD_TOKENS = "gen_ai.client.token.usage"

COST = "openrouter.client.cost"
"""US dollars charged; no convention has a metric for them."""
UNKNOWN_COST = "openrouter.client.unknown_cost"
"""Calls whose cost is not known, so that the other is read with them in mind."""

_SECOND = 1e9
_MODALITIES = {
    "input_tokens": {"text": "text_input", "image": "image_input", "audio": "audio_input"},
    "output_tokens": {"text": "text_output", "image": "image_output", "audio": "audio_output"},
}

Labels = dict[str, str | int]
Record = Callable[[Call, Labels], None]


@dataclass(frozen=True, slots=True)
class _Times:
    """The histograms of times."""

    duration: Histogram
    first: Histogram
    each: Histogram

    def record(self, call: Call, labels: Labels) -> None:
        failed = labels if call.error_type is None else labels | {names.ERROR_TYPE: call.error_type}
        if call.duration is not None:
            self.duration.record(call.duration / _SECOND, failed)
        if call.streamed and call.time_to_first_token is not None:
            self.first.record(call.time_to_first_token / _SECOND, labels)
        if call.time_per_output_chunk is not None:
            self.each.record(call.time_per_output_chunk / _SECOND, labels)


class Metrics:
    """Records Calls into the application's meter provider as soon as it has one that records. From one thread."""

    def __init__(
        self, provider: MeterProvider | None = None, spelling: str = "latest", *, with_user: bool = False
    ) -> None:
        """`spelling` is `latest`, or `1.44` for the names that core had last.

        `with_user` makes the user an attribute, which gives each user a time series of their own.
        """
        self._given = provider
        self._spelling = spelling
        self._with_user = with_user
        self._seen: MeterProvider | None = None
        self._records: tuple[Record, ...] = ()

    def wanted(self) -> bool:
        """Return whether anybody records metrics here; the API's own providers do not."""
        provider = self._given or get_meter_provider()
        return not type(provider).__module__.startswith("opentelemetry.metrics")

    def record(self, call: Call) -> None:
        """Record a finished call."""
        provider = self._given or get_meter_provider()
        if provider is not self._seen:
            self._seen, self._records = provider, self._instruments(provider.get_meter("spancast"))
        labels = self._labels(call)
        for record in self._records:
            record(call, labels)

    def _labels(self, call: Call) -> Labels:
        found: dict[str, str | int | None] = {
            names.OPERATION: OPERATIONS.get(call.operation, call.operation),
            names.GENAI_PROVIDER: PROVIDER,
            names.REQUEST_MODEL: call.request_model,
            names.RESPONSE_MODEL: call.response_model,
            names.SERVER_ADDRESS: call.server_address,
            names.SERVER_PORT: call.server_port,
            names.PROVIDER: call.provider,
            names.USER: call.user if self._with_user else None,
        }
        return {name: value for name, value in found.items() if value is not None}

    def _instruments(self, meter: Meter) -> tuple[Record, ...]:
        old = self._spelling != "latest"
        spelled = OLD if old else {}
        times = _Times(
            *(
                _histogram(meter, spelled.get(name, name), "s", SECONDS)
                for name in (DURATION, TIME_TO_FIRST_CHUNK, TIME_PER_OUTPUT_CHUNK)
            )
        )
        return (times.record, _old_tokens(meter) if old else _tokens(meter), _cost(meter))


def _histogram(meter: Meter, name: str, unit: str, buckets: tuple[float, ...]) -> Histogram:
    return meter.create_histogram(name, unit, explicit_bucket_boundaries_advisory=buckets)


def _tokens(meter: Meter) -> Record:
    counters = {field: meter.create_counter(name, "{token}") for name, field in USAGE.items()}
    sizes = {
        "input_tokens": _histogram(meter, INPUT_TOKENS, "{token}", TOKENS),
        "output_tokens": _histogram(meter, OUTPUT_TOKENS, "{token}", TOKENS),
    }

    def record(call: Call, labels: Labels) -> None:
        for field, counter in counters.items():
            count = getattr(call, field)
            if count is not None:
                _count(counter, labels, _by_modality(call, field, count))
        for field, histogram in sizes.items():
            count = getattr(call, field)
            if count is not None:
                histogram.record(count, labels)

    return record


def _count(counter: Counter, labels: Labels, parts: Iterator[tuple[str, int]]) -> None:
    for modality, count in parts:
        counter.add(count, labels | {"gen_ai.token.modality": modality})


def _by_modality(call: Call, field: str, count: int) -> Iterator[tuple[str, int]]:
    """Yield the parts of a count by what the tokens stand for; what is not said is `unknown`."""
    known = _MODALITIES.get(field, {}) if call.modalities is not None else {}
    parts = {modality: getattr(call.modalities, part) or 0 for modality, part in known.items()}
    rest = count - sum(parts.values())
    if rest < 0:
        yield "unknown", count
        return
    yield from ((modality, part) for modality, part in parts.items() if part)
    if rest or not any(parts.values()):
        yield "unknown", rest


def _old_tokens(meter: Meter) -> Record:
    histogram = _histogram(meter, OLD_TOKENS, "{token}", TOKENS)
    kinds: Mapping[str, str] = {"input": "input_tokens", "output": "output_tokens"}

    def record(call: Call, labels: Labels) -> None:
        for kind, field in kinds.items():
            count = getattr(call, field)
            if count is not None:
                histogram.record(count, labels | {"gen_ai.token.type": kind})

    return record


def _cost(meter: Meter) -> Record:
    cost, unknown = meter.create_counter(COST, "{USD}"), meter.create_counter(UNKNOWN_COST, "{call}")

    def record(call: Call, labels: Labels) -> None:
        if call.cost is None:
            unknown.add(1, labels)
        else:
            cost.add(float(call.cost), labels)

    return record
