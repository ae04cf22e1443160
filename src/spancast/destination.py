"""A destination, as its owner configures it: which exporter, what it is called, and what it is given."""

from collections.abc import Mapping
from typing import Literal, get_args

from spancast.contract import Exporter, Sink
from spancast.errors import ConfigurationError

Spans = Literal["llm", "genai", "trace", "all"]
"""Which spans travel: the LLM calls alone, every GenAI span, whole traces that hold one, or everything."""

LateCost = Literal["hold", "update", "omit"]
"""What is done with a call whose cost is still expected. `hold`: it waits for it, up to a minute. `update`: it is sent
at once, and again when its cost has come. `omit`: it is sent at once, and its cost not at all."""


class Destination:
    """One place that spans are sent to.

    `exporter` is a name (a built-in's, or an entry point's in the group `spancast.exporters`), `"module:Class"`, or an
    instance. Two destinations of one exporter need a `name` each. Further keyword arguments are the exporter's own
    fields. A value that cannot work raises `spancast.errors.ConfigurationError`.
    """

    __slots__ = (
        "endpoint",
        "environment",
        "exporter",
        "late_cost",
        "metadata",
        "name",
        "options",
        "privacy",
        "sample_rate",
        "spans",
    )

    def __init__(  # noqa: PLR0913 - each is a setting
        self,
        exporter: str | Exporter | Sink,
        *,
        name: str | None = None,
        endpoint: str | None = None,
        sample_rate: float = 1.0,
        privacy: bool = False,
        spans: Spans = "genai",
        filters: object = None,
        keys: object = None,
        redact: object = None,
        metadata: Mapping[str, str] | None = None,
        environment: str | None = None,
        late_cost: LateCost | None = None,
        **options: object,
    ) -> None:
        _not_yet(filters=filters, keys=keys, redact=redact)
        self.exporter = _exporter(exporter)
        self.name = name or _name(exporter)
        self.endpoint = _endpoint(endpoint)
        self.sample_rate = _sample_rate(sample_rate)
        self.privacy = privacy
        self.spans = _spans(spans)
        self.metadata = dict(metadata or {})
        self.environment = environment
        self.late_cost: LateCost | None = None if late_cost is None else _late_cost(late_cost)
        self.options = options

    def __repr__(self) -> str:
        return f"Destination({self.name!r})"


def _not_yet(**given: object) -> None:
    """Refuse what a later version does: a filter that is silently ignored would send what it was to keep back."""
    name = next((name for name, value in given.items() if value is not None), None)
    if name is not None:
        raise ConfigurationError(f"{name}={given[name]!r} is not in this version of Spancast. Leave it out.")


def _exporter(seen: object) -> str | Exporter | Sink:
    if isinstance(seen, str) and seen.strip():
        return seen.strip()
    if isinstance(seen, Exporter | Sink) and not isinstance(seen, type):
        return seen
    raise ConfigurationError.of(
        "exporter", seen, 'Give a name such as "otlp", a "module:Class", or an instance with encode() and judge().'
    )


def _name(exporter: object) -> str:
    return exporter.strip().rpartition(":")[2].lower() if isinstance(exporter, str) else type(exporter).__name__.lower()


def _endpoint(seen: object) -> str | None:
    if seen is None or (isinstance(seen, str) and seen.startswith(("http://", "https://"))):
        return seen
    raise ConfigurationError.of("endpoint", seen, 'Give a URL such as "http://localhost:4318".')


def _sample_rate(seen: object) -> float:
    if isinstance(seen, int | float) and not isinstance(seen, bool) and 0.0 <= seen <= 1.0:
        return float(seen)
    raise ConfigurationError.of("sample_rate", seen, "Give a number from 0.0 (nothing) to 1.0 (everything).")


def _late_cost(seen: object) -> LateCost:
    for known in get_args(LateCost):
        if seen == known:
            return known  # type: ignore[no-any-return]
    raise ConfigurationError.of("late_cost", seen, f"Give one of {', '.join(get_args(LateCost))}.")


def _spans(seen: object) -> Spans:
    for known in get_args(Spans):
        if seen == known:
            return known  # type: ignore[no-any-return]
    raise ConfigurationError.of("spans", seen, f"Give one of {', '.join(get_args(Spans))}.")
