"""The GenAI client metrics of a Call, and what was charged, in the application's own meter provider.

Names and buckets are those of the GenAI semantic conventions (semantic-conventions-genai: client-inference,
client-embeddings, gen-ai-token-metrics), or on demand those that they had up to core 1.44, which most backends know.
Recorded in the background and never per chunk: one histogram record of the SDK costs more than a whole call may cost
the application's thread.
"""

from collections.abc import Callable, Iterator

from opentelemetry.metrics import Counter, Histogram, Meter, MeterProvider

from spancast.records.call import Call
from spancast.semconv import names
from spancast.spans.attributes import OPERATIONS, PROVIDER
from spancast.spans.scope import SCOPE, VERSION
from spancast.trace.globals import meter_provider

SECONDS = (0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92)
TOKENS = (1, 4, 16, 64, 256, 1024, 4096, 16384, 65536, 262144, 1048576, 4194304, 16777216, 67108864)

INFERENCE = frozenset({"chat", "text_completion", "generate_content"})
"""The operations that the conventions call inference."""
EMBEDDINGS = "embeddings"

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
"""The fields of a Call that the token counters add up, by the counter's name."""
EMBEDDINGS_DURATION = "gen_ai.client.embeddings.duration"
EMBEDDINGS_TOKENS = "gen_ai.client.embeddings.operation.input_tokens"

OLD_DURATION = "gen_ai.client.operation.duration"
"""Up to core 1.44 the duration of every operation; since then, of those without a metric of their own."""
OLD_TIME_TO_FIRST_CHUNK = "gen_ai.client.operation.time_to_first_chunk"
OLD_TIME_PER_OUTPUT_CHUNK = "gen_ai.client.operation.time_per_output_chunk"
OLD_TOKENS = "gen_ai.client.token.usage"

COST = "openrouter.client.cost"
"""US dollars charged; no convention has a metric for them."""
UNKNOWN_COST = "openrouter.client.unknown_cost"
"""Calls whose cost is not known, which `COST` therefore lacks."""

MODALITY = "gen_ai.token.modality"
TOKEN_TYPE = "gen_ai.token.type"  # noqa: S105 - the name of an attribute

_SECOND = 1e9
_MODALITIES = {
    "input_tokens": {"text": "text_input", "image": "image_input", "audio": "audio_input"},
    "output_tokens": {"text": "text_output", "image": "image_output", "audio": "audio_output"},
    "cached_tokens": {"audio": "audio_cached"},
}

Labels = dict[str, str | int]
Recording = Callable[[Call, Labels], None]


class Metrics:
    """Records Calls in the application's meter provider, as soon as it has one that records. Not thread-safe."""

    def __init__(
        self,
        provider: MeterProvider | None = None,
        spelling: str = "latest",
        *,
        with_user: bool = False,
        join: Callable[[Meter], None] | None = None,
    ) -> None:
        """`spelling` is `latest`, or `1.44` for the names of that version of the conventions' core.

        `with_user` adds the user as an attribute, which creates a time series per user. `join` creates further
        instruments on the same meter.
        """
        self._given = provider
        self._spell = _latest if spelling == "latest" else _up_to_1_44
        self._with_user = with_user
        self._join = join
        self._meter_provider: MeterProvider | None = None
        self._records: tuple[Recording, ...] = ()

    def is_enabled(self) -> bool:
        """Return whether metrics are recorded; the API's own providers drop them."""
        return not type(self._provider()).__module__.startswith("opentelemetry.metrics")

    def record(self, call: Call) -> None:
        """Record a finished call."""
        provider = self._provider()
        if provider is not self._meter_provider:
            meter = provider.get_meter(SCOPE, VERSION)
            self._meter_provider, self._records = provider, (self._spell(meter), _cost(meter))
            if self._join is not None:
                self._join(meter)
        labels = self._labels(call)
        for record in self._records:
            record(call, labels)

    def _provider(self) -> MeterProvider:
        return self._given or meter_provider()

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


def _latest(meter: Meter) -> Recording:
    inference, embeddings = _inference(meter), _embeddings(meter)
    duration = _seconds(meter, OLD_DURATION)

    def record(call: Call, labels: Labels) -> None:
        operation = labels[names.OPERATION]
        if operation in INFERENCE:
            inference(call, labels)
        elif operation == EMBEDDINGS:
            embeddings(call, labels)
        else:
            _time(duration, call.duration, _with_error(call, labels))

    return record


def _inference(meter: Meter) -> Recording:
    """Return what records an inference; an unknown count is recorded as 0, as the conventions ask."""
    times = _times(meter, DURATION, TIME_TO_FIRST_CHUNK, TIME_PER_OUTPUT_CHUNK)
    counters = {field: meter.create_counter(name, "{token}") for name, field in USAGE.items()}
    sizes = {"input_tokens": _tokens(meter, INPUT_TOKENS), "output_tokens": _tokens(meter, OUTPUT_TOKENS)}

    def record(call: Call, labels: Labels) -> None:
        times(call, labels)
        for field, counter in counters.items():
            _count(counter, labels, _by_modality(call, field))
        for field, histogram in sizes.items():
            histogram.record(getattr(call, field) or 0, _with_error(call, labels))

    return record


def _embeddings(meter: Meter) -> Recording:
    duration, sizes = _seconds(meter, EMBEDDINGS_DURATION), _tokens(meter, EMBEDDINGS_TOKENS)

    def record(call: Call, labels: Labels) -> None:
        labels = _with_error(call, labels)
        _time(duration, call.duration, labels)
        sizes.record(call.input_tokens or 0, labels)

    return record


def _up_to_1_44(meter: Meter) -> Recording:
    times = _times(meter, OLD_DURATION, OLD_TIME_TO_FIRST_CHUNK, OLD_TIME_PER_OUTPUT_CHUNK)
    histogram = _tokens(meter, OLD_TOKENS)

    def record(call: Call, labels: Labels) -> None:
        times(call, labels)
        for kind, count in (("input", call.input_tokens), ("output", call.output_tokens)):
            if count is not None:
                histogram.record(count, labels | {TOKEN_TYPE: kind})

    return record


def _cost(meter: Meter) -> Recording:
    cost = meter.create_counter(COST, "{USD}", "US dollars that OpenRouter charged.")
    unknown = meter.create_counter(UNKNOWN_COST, "{call}", "Calls whose cost is not known, or not yet.")

    def record(call: Call, labels: Labels) -> None:
        if call.cost is None:
            unknown.add(1, labels)
        else:
            cost.add(float(call.cost), labels)

    return record


def _times(meter: Meter, *spelled: str) -> Recording:
    duration, first, each = (_seconds(meter, name) for name in spelled)

    def record(call: Call, labels: Labels) -> None:
        _time(duration, call.duration, _with_error(call, labels))
        if call.streamed:
            _time(first, call.time_to_first_token, labels)
            _time(each, call.time_per_output_chunk, labels)

    return record


def _time(histogram: Histogram, nanoseconds: float | None, labels: Labels) -> None:
    if nanoseconds is not None:
        histogram.record(nanoseconds / _SECOND, labels)


def _with_error(call: Call, labels: Labels) -> Labels:
    return labels if call.error_type is None else labels | {names.ERROR_TYPE: call.error_type}


def _seconds(meter: Meter, name: str) -> Histogram:
    return meter.create_histogram(name, "s", explicit_bucket_boundaries_advisory=SECONDS)


def _tokens(meter: Meter, name: str) -> Histogram:
    return meter.create_histogram(name, "{token}", explicit_bucket_boundaries_advisory=TOKENS)


def _count(counter: Counter, labels: Labels, parts: Iterator[tuple[str, int]]) -> None:
    for modality, count in parts:
        counter.add(count, labels | {MODALITY: modality})


def _by_modality(call: Call, field: str) -> Iterator[tuple[str, int]]:
    """Yield the parts of a count by modality; tokens of no stated modality are `unknown`."""
    count: int = getattr(call, field) or 0
    known = _MODALITIES.get(field, {}) if call.modalities is not None else {}
    parts = {modality: getattr(call.modalities, part) or 0 for modality, part in known.items()}
    rest = count - sum(parts.values())
    if rest < 0:
        yield "unknown", count
        return
    yield from ((modality, part) for modality, part in parts.items() if part)
    if rest or not any(parts.values()):
        yield "unknown", rest
