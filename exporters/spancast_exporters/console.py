"""The console: one event a call, by structlog, on standard error. Checked on real streams; words are never shown."""

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import structlog

from spancast.contract import Delivered, Retry, Sink, Span, Verdict
from spancast_exporters import _flat, _json

__all__ = ["Console"]

_EVENT = "openrouter.call"


@dataclass(frozen=True, kw_only=True)
class Console:
    """Says of each call what it was and what it cost; a call whose cost comes late is said again, with it.

    `format` is `text`, or `json` for one object a line. What the application has structlog configured to do is neither
    read nor changed.
    """

    format: str = field(default="text", metadata={"variables": ("SPANCAST_CONSOLE_FORMAT",)})

    def __post_init__(self) -> None:
        """Refuse options that cannot work."""
        if self.format not in ("text", "json"):
            raise ValueError(f'format cannot be {self.format!r}. Give "text" or "json".')

    def write(self, spans: Sequence[Span]) -> Verdict:
        """Say the calls among the spans."""
        try:
            logger = structlog.BoundLogger(structlog.PrintLogger(sys.stderr), self._processors(), {})
            for span in spans:
                if span.generation is not None:
                    say = logger.error if span.status == "error" else logger.info
                    say(_EVENT, **_fields(span))
        except (OSError, ValueError, AttributeError) as error:  # closed, or none at all
            return Retry(f"standard error cannot be written to: {type(error).__name__}")
        return Delivered()

    def _processors(self) -> list[Callable[..., Any]]:
        if self.format == "json":
            render: Callable[..., Any] = structlog.processors.JSONRenderer(
                serializer=lambda event, **_: _json.dumps(event)
            )
        else:
            render = structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), sort_keys=False, pad_event_to=0)
        return [structlog.processors.add_log_level, render]


_: type[Sink] = Console


def _fields(span: Span) -> dict[str, object]:
    at = datetime.fromtimestamp(span.end // 10**9, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    duration = round((span.end - span.start) / 1e9, 3)
    kept = {name: value for name, value in _flat.record(span).items() if name not in ("start", "end", "kind")}
    return {"timestamp": at, "seconds": duration, **{name: _shown(value) for name, value in kept.items()}}


def _shown(value: object) -> object:
    """Return text without what a terminal would obey."""
    if not isinstance(value, str):
        return value
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in _json.text(value))
