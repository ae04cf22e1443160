"""A destination, as its owner configures it: which exporter, what it is called, and what it is given."""

import json
from collections.abc import Callable, Collection, Mapping, Sequence
from copy import copy
from typing import TYPE_CHECKING, Literal, cast, get_args
from urllib.parse import urlsplit

from spancast.base.importing import spelt
from spancast.base.texts import as_text
from spancast.contract import Exporter, Sink, shown_url
from spancast.destinations import keys as known_keys
from spancast.destinations.filters import Filters
from spancast.destinations.otel_sink import as_destination
from spancast.errors import ConfigurationError

if TYPE_CHECKING:
    from opentelemetry.sdk.trace.export import SpanExporter

Spans = Literal["llm", "genai", "trace", "all"]
"""Which spans travel: the LLM calls alone, every GenAI span, whole traces that hold one, or everything."""

LateCost = Literal["hold", "update", "omit"]
"""What is done with a call whose cost is still expected. `hold`: it waits for it, up to a minute. `update`: it is sent
at once, and again when its cost has come. `omit`: it is sent at once, and its cost not at all."""


class Destination:
    """One place that spans are sent to.

    `exporter` is a name (a built-in's, or an entry point's in the group `spancast.exporters`), `"module:Class"`, or an
    instance, which may be a span exporter of OpenTelemetry's. Two destinations of one exporter need a `name` each. What
    it is sent is decided by `sample_rate`, `keys` and `filters`, and how it is sent by `privacy`, `redact`, `metadata`
    and `environment`; `docs/destinations.md` has an example of each. Further keyword arguments are the exporter's own
    fields. A value that cannot work raises `spancast.errors.ConfigurationError`.
    """

    __slots__ = (
        "endpoint",
        "environment",
        "exporter",
        "filters",
        "key_hashes",
        "key_names",
        "keys",
        "late_cost",
        "metadata",
        "name",
        "options",
        "privacy",
        "redact",
        "sample_rate",
        "spans",
        "where",
    )

    def __init__(  # noqa: PLR0913 - each is a setting
        self,
        exporter: "str | Exporter | Sink | SpanExporter",
        *,
        name: str | None = None,
        endpoint: str | None = None,
        sample_rate: float = 1.0,
        privacy: bool = False,
        spans: Spans = "genai",
        filters: Filters | Mapping[str, object] | Sequence[Mapping[str, object]] | str | None = None,
        keys: Collection[str] | str | None = None,
        redact: Callable[[str], str | None] | str | None = None,
        metadata: Mapping[str, str] | None = None,
        environment: str | None = None,
        late_cost: LateCost | None = None,
        **options: object,
    ) -> None:
        self.exporter = _exporter(exporter)
        self.name = default_name(exporter) if name is None else _label("name", name)
        self.endpoint = _endpoint(endpoint)
        self.sample_rate = _sample_rate(sample_rate)
        self.privacy = _privacy(privacy)
        self.spans = _spans(spans)
        self.filters = None if filters is None else Filters.of(filters)
        self.keys = None if keys is None else known_keys.chosen("keys", keys)
        self.key_hashes = None if self.keys is None else known_keys.are_hashes(self.keys)
        """Of the API keys whose calls it is sent; `None` for all. What is a name in `keys` is added by `knowing`."""
        self.key_names: Mapping[str, str] = {}
        """What the settings call API keys, by their hash."""
        self.redact = _redact(redact)
        self.metadata = _metadata(metadata)
        self.environment = None if environment is None else _label("environment", environment)
        self.late_cost: LateCost | None = None if late_cost is None else _late_cost(late_cost)
        self.options = options
        self.where: str | None = None
        """The setting that names it; `None` where the program itself made it."""

    def knowing(self, named: Mapping[str, str]) -> "Destination":
        """Return the destination where the settings give these names to hashes of API keys.

        Raises `ConfigurationError` where `keys` has a name that they do not give.
        """
        told = copy(self)
        told.key_names = {key_hash: name for name, key_hash in named.items()}
        if self.keys is not None:
            told.key_hashes = known_keys.hashes(f"keys of {self.name}", self.keys, named)
        return told

    def __repr__(self) -> str:
        return f"Destination({self.name!r})"


def _exporter(seen: object) -> str | Exporter | Sink:
    if isinstance(seen, str) and seen.strip():
        return seen.strip()
    instance = as_destination(seen)
    if instance is not None:
        return instance
    raise ConfigurationError.of(
        "exporter", seen, 'Give a name such as "otlp", a "module:Class", or an instance with encode() and judge().'
    )


def default_name(exporter: object) -> str:
    """Return what a destination is called that is given no name."""
    return exporter.strip().rpartition(":")[2].lower() if isinstance(exporter, str) else type(exporter).__name__.lower()


def _label(setting: str, seen: object) -> str:
    """Return a text that can stand in a listing, in a variable and in a path."""
    written = seen.strip() if isinstance(seen, str) else ""
    if 0 < len(written) <= _LONGEST_LABEL and written.isprintable() and "," not in written:
        return written
    raise ConfigurationError.of(setting, seen, f"Give a text of at most {_LONGEST_LABEL} signs, without commas.")


_LONGEST_LABEL = 100


def _privacy(seen: object) -> bool:
    """Return a flag and nothing else: a text that says no would be true."""
    if isinstance(seen, bool):
        return seen
    raise ConfigurationError.of("privacy", seen, "Give True (no prompts and completions) or False.")


def _redact(seen: object) -> Callable[[str], str | None] | str | None:
    """Return a function, or the text that names one: it is imported where something is redacted."""
    if isinstance(seen, str):
        spelt("redact", seen)
        return seen.strip()
    if seen is None or callable(seen):
        return cast("Callable[[str], str | None] | None", seen)
    raise ConfigurationError.of("redact", seen, 'Give a function, or "module:function" of one that Python finds.')


def _metadata(seen: object) -> dict[str, str]:
    """Return pairs of text; a plain value becomes what it is written as."""
    pairs = dict(seen) if isinstance(seen, Mapping) else None if seen is not None else {}
    if pairs is not None and all(
        isinstance(key, str) and key and isinstance(value, str | int | float) for key, value in pairs.items()
    ):
        return {
            as_text(key): as_text(value) if isinstance(value, str) else json.dumps(value)
            for key, value in pairs.items()
        }
    raise ConfigurationError.of("metadata", seen, 'Give names and texts, such as {"team": "blue"}.')


def _endpoint(seen: object) -> str | None:
    if seen is None or (isinstance(seen, str) and seen.startswith(("http://", "https://")) and _has_place(seen)):
        return seen
    shown = shown_url(seen) if isinstance(seen, str) else seen
    raise ConfigurationError.of("endpoint", shown, 'Give a URL such as "http://localhost:4318".')


def _has_place(url: str) -> bool:
    """Whether a URL has a host, and no port beyond all ports."""
    try:
        parts = urlsplit(url)
        return bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


def _sample_rate(seen: object) -> float:
    if isinstance(seen, int | float) and not isinstance(seen, bool) and 0.0 <= seen <= 1.0:
        return float(seen)
    raise ConfigurationError.of("sample_rate", seen, "Give a number from 0.0 (nothing) to 1.0 (everything).")


def _late_cost(seen: object) -> LateCost:
    for known in get_args(LateCost):
        if seen == known:
            return known  # type: ignore[no-any-return]  # `get_args` is untyped
    raise ConfigurationError.of("late_cost", seen, f"Give one of {', '.join(get_args(LateCost))}.")


def _spans(seen: object) -> Spans:
    for known in get_args(Spans):
        if seen == known:
            return known  # type: ignore[no-any-return]  # `get_args` is untyped
    raise ConfigurationError.of("spans", seen, f"Give one of {', '.join(get_args(Spans))}.")
