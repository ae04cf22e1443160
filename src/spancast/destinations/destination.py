"""A destination as its user configures it: its exporter, its name and its options."""

import json
from collections.abc import Callable, Collection, Mapping, Sequence
from copy import copy
from inspect import signature
from typing import TYPE_CHECKING, Literal, get_args
from urllib.parse import urlsplit

from spancast.base.importing import import_plain_function, split_reference
from spancast.base.texts import as_text
from spancast.contract import Exporter, Sink, shown_url
from spancast.destinations import keys as known_keys
from spancast.destinations.filters import Filters
from spancast.destinations.otel_sink import as_destination
from spancast.errors import ConfigurationError

if TYPE_CHECKING:
    from opentelemetry.sdk.trace.export import SpanExporter

Spans = Literal["llm", "genai", "trace", "all"]
"""Which spans are sent: LLM calls alone, all GenAI spans, whole traces that have one, or everything."""

LateCost = Literal["hold", "update", "omit"]
"""What is done with a call whose cost is still expected. `hold`: the call waits for it, up to a minute. `update`: the
call is sent at once, and again with its cost. `omit`: the call is sent at once, and its cost never."""


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
        self.keys = None if keys is None else known_keys.parse_keys("keys", keys)
        self.key_hashes = None if self.keys is None else known_keys.only_hashes(self.keys)
        """Hashes of the API keys whose calls are sent; `None` for all. `with_key_names` resolves names in `keys`."""
        self.key_names: Mapping[str, str] = {}
        """The settings' names for API keys, by hash."""
        self.redact = _redact(redact)
        self.metadata = _metadata(metadata)
        self.environment = None if environment is None else _label("environment", environment)
        self.late_cost: LateCost | None = None if late_cost is None else _late_cost(late_cost)
        self.options = options
        self.where: str | None = None
        """The setting that names the destination; `None` if the program created it."""

    def with_key_names(self, named: Mapping[str, str]) -> "Destination":
        """Return a copy that knows the settings' names for API keys, which are given as hashes by name.

        Raises:
            ConfigurationError: `keys` has a name that is not among them.
        """
        resolved = copy(self)
        resolved.key_names = {key_hash: name for name, key_hash in named.items()}
        if self.keys is not None:
            resolved.key_hashes = known_keys.resolve_hashes(f"keys of {self.name}", self.keys, named)
        return resolved

    def __repr__(self) -> str:
        return f"Destination({self.name!r})"


def _exporter(value: object) -> str | Exporter | Sink:
    if isinstance(value, str) and value.strip():
        return value.strip()
    instance = as_destination(value)
    if instance is not None:
        return instance
    raise ConfigurationError.of(
        "exporter", value, 'Give a name such as "otlp", a "module:Class", or an instance with encode() and judge().'
    )


def default_name(exporter: object) -> str:
    """Return the name of a destination that is not given one."""
    return exporter.strip().rpartition(":")[2].lower() if isinstance(exporter, str) else type(exporter).__name__.lower()


def _label(setting: str, value: object) -> str:
    """Return a text that can be part of a listing, of a variable's name and of a path."""
    written = value.strip() if isinstance(value, str) else ""
    if 0 < len(written) <= _MAX_LABEL_CHARS and written.isprintable() and "," not in written:
        return written
    raise ConfigurationError.of(setting, value, f"Give a text of up to {_MAX_LABEL_CHARS} characters, without commas.")


_MAX_LABEL_CHARS = 100


def _privacy(value: object) -> bool:
    """Return a boolean; a text such as "no" is refused, since it would be truthy."""
    if isinstance(value, bool):
        return value
    raise ConfigurationError.of("privacy", value, "Give True (no prompts and completions) or False.")


def _redact(value: object) -> Callable[[str], str | None] | str | None:
    """Return a function, or the text that names one, which is imported when it is first needed."""
    if isinstance(value, str):
        split_reference("redact", value)
        return value.strip()
    if value is None:
        return None
    if callable(value):
        return import_plain_function("redact", value)
    raise ConfigurationError.of("redact", value, 'Give a function, or "module:function" of one that Python can import.')


def _metadata(value: object) -> dict[str, str]:
    """Return pairs of text; a number or boolean is written as in JSON."""
    pairs = dict(value) if isinstance(value, Mapping) else None if value is not None else {}
    if pairs is not None and all(
        isinstance(key, str) and key and isinstance(each, str | int | float) for key, each in pairs.items()
    ):
        return {
            as_text(key): as_text(each) if isinstance(each, str) else json.dumps(each) for key, each in pairs.items()
        }
    raise ConfigurationError.of("metadata", value, 'Give names and texts, such as {"team": "blue"}.')


def _endpoint(value: object) -> str | None:
    if isinstance(value, str) and not value.isascii():
        raise ConfigurationError(f"endpoint cannot be {shown_url(value)!a}. {NOT_ASCII}")
    if value is None or (isinstance(value, str) and value.startswith(("http://", "https://")) and _has_host(value)):
        return value
    shown = shown_url(value) if isinstance(value, str) else value
    raise ConfigurationError.of("endpoint", shown, 'Give a URL such as "http://localhost:4318".')


NOT_ASCII = "It has characters that are not ASCII. Write those of a host as xn--..., of a path as %XX."


def _has_host(url: str) -> bool:
    """Whether a URL has a host, and a valid port if it has any."""
    try:
        parts = urlsplit(url)
        return bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


def _sample_rate(value: object) -> float:
    if isinstance(value, int | float) and not isinstance(value, bool) and 0.0 <= value <= 1.0:
        return float(value)
    raise ConfigurationError.of("sample_rate", value, "Give a number from 0.0 (nothing) to 1.0 (everything).")


def _late_cost(value: object) -> LateCost:
    for known in get_args(LateCost):
        if value == known:
            return known  # type: ignore[no-any-return]  # `get_args` is untyped
    raise ConfigurationError.of("late_cost", value, f"Give one of {', '.join(get_args(LateCost))}.")


def _spans(value: object) -> Spans:
    for known in get_args(Spans):
        if value == known:
            return known  # type: ignore[no-any-return]  # `get_args` is untyped
    raise ConfigurationError.of("spans", value, f"Give one of {', '.join(get_args(Spans))}.")


COMMON = tuple(
    name for name, parameter in signature(Destination).parameters.items() if parameter.kind is parameter.KEYWORD_ONLY
)
"""The names of the fields that every destination has, whatever its exporter."""
