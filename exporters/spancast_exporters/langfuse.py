"""Langfuse, by OTLP over HTTP in protobuf with Langfuse's own attributes.

Checked on a strict stub of Langfuse's API, which reads a span by Langfuse's own order of attributes (langfuse 4.16).
Not checked on Langfuse itself.
"""

import json
from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from urllib.parse import urlencode

from spancast.contract import (
    Encoded,
    Exporter,
    OtherSender,
    Probe,
    ReadBack,
    Rejected,
    Reply,
    Request,
    Retry,
    Span,
    Traits,
    Verdict,
    by_opentelemetry,
)
from spancast_exporters import _json, _langfuse, _options, _otlp, _refusal

__all__ = ["Langfuse"]

_OTEL = "/api/public/otel"
_OBSERVATIONS = "/api/public/v2/observations"
_PROJECTS = "/api/public/projects"
_VERSION = {"x-langfuse-ingestion-version": "4"}
"""Makes spans visible at once; without it that may take minutes (Langfuse, "Real-time ingestion")."""

_ROOM = 4_500_000
"""Bytes of one request: Langfuse's cloud accepts 5 MB, and does not document whether before or after compression."""
_MOST_SPANS = 100
"""So that the URL of the query that reads them back, and the answer, stay short."""
_VISIBLE_AFTER = 300.0
"""Seconds. Langfuse writes from a queue: what is not visible after minutes did not arrive."""
_RETRIED = (401, 403, 408, 429)
_WHERE = "It is in Langfuse under Project Settings, API Keys."


@dataclass(frozen=True, kw_only=True)
class Langfuse:
    """Sends every span that is given to it.

    `endpoint` is the base of a Langfuse, such as https://us.cloud.langfuse.com, or of one's own, of 3.22 or later;
    `traces_path` is for one that takes spans elsewhere than Langfuse does. `environment` and `release` win over the
    resource; what a request or the destination says of them wins over both.
    """

    public_key: str = field(metadata={"variables": ("LANGFUSE_PUBLIC_KEY",), "where": _WHERE})
    secret_key: str = field(repr=False, metadata={"variables": ("LANGFUSE_SECRET_KEY",), "where": _WHERE})
    endpoint: str = field(
        default="https://cloud.langfuse.com", metadata={"variables": ("LANGFUSE_BASE_URL", "LANGFUSE_HOST")}
    )
    traces_path: str = field(
        default=f"{_OTEL}{_otlp.PATH}", metadata={"variables": ("LANGFUSE_OTEL_TRACES_EXPORT_PATH",)}
    )
    compression: str = field(default="gzip", metadata={"variables": ("LANGFUSE_OTEL_COMPRESSION",)})
    environment: str | None = field(default=None, metadata={"variables": ("LANGFUSE_TRACING_ENVIRONMENT",)})
    release: str | None = field(default=None, metadata={"variables": ("LANGFUSE_RELEASE",)})
    traits: Traits = field(
        default=Traits(max_spans=_MOST_SPANS, max_bytes=_ROOM, resend="duplicates", visible_after=_VISIBLE_AFTER),
        init=False,
    )

    def __post_init__(self) -> None:
        """Refuse options that cannot work."""
        _options.check_endpoint(self.endpoint, "https://cloud.langfuse.com")
        if self.public_key.startswith("sk-lf-"):
            raise ValueError("public_key holds a secret key. Give the one that begins with pk-lf-.")
        for name, key in (("public_key", self.public_key), ("secret_key", self.secret_key)):
            _options.check_key(name, key, forbidden=" :")
        if self.compression.lower() not in ("gzip", "none"):
            raise ValueError(f'compression cannot be {self.compression!r}. Give "gzip" or "none".')

    @property
    def url(self) -> str:
        """The URL that spans are sent to."""
        return f"{self._base}/{self.traces_path.lstrip('/')}"

    @property
    def also_sent_by(self) -> Sequence[OtherSender]:
        """Return what else may send the same calls there."""
        sdk = OtherSender(
            name="Langfuse's SDK",
            cure="Set LANGFUSE_TRACING_ENABLED=false, which turns off the SDK alone, or leave one of the two out.",
            packages=("langfuse",),
            variables={"LANGFUSE_PUBLIC_KEY": (), "LANGFUSE_SECRET_KEY": ()},
            unless={"LANGFUSE_TRACING_ENABLED": ("false",)},
        )
        return (sdk, by_opentelemetry(self.url))

    def encode(self, spans: Sequence[Span], at: datetime) -> Sequence[Encoded]:  # noqa: ARG002 - requests have no such time
        """Return requests within Langfuse's limits."""
        parts = ((span.span_id, _langfuse.otlp(span, self.environment, self.release)) for span in spans)
        headers, compressed = {**self._headers(), **_VERSION}, self.compression.lower() == "gzip"
        return [
            _otlp.post(self.url, headers, ids, batch, compressed=compressed)
            for ids, batch in _otlp.batches(parts, _ROOM)
        ]

    def judge(self, encoded: Encoded, reply: Reply) -> Verdict:
        """Judge as OTLP specifies; before Langfuse 4 the answer lists rejected items by ids of its own.

        That Langfuse deduplicates spans, and has no API to read them back by id.
        """
        statuses = _listed_errors(reply)
        if any(map(_is_permanent, statuses)):
            return Rejected(dict.fromkeys(encoded.span_ids, _refusal.reason(reply)))
        return Retry(_refusal.reason(reply)) if statuses else _otlp.judge_with_reason(encoded, reply)

    def probe(self, at: datetime) -> Request:  # noqa: ARG002 - the request has no time
        """Return the request for the project that the keys belong to."""
        return Request(url=f"{self._base}{_PROJECTS}", body=b"", headers=self._headers(), method="GET")

    def diagnose(self, reply: Reply) -> str | None:
        """Return what is wrong, and what to do."""
        wrong = _refusal.diagnose_status(
            reply, self._base, "Check LANGFUSE_BASE_URL; it is the address without a path."
        )
        if wrong is not None:
            return wrong
        if reply.status in (401, 403):
            return (
                f"{self._base} refuses the keys ({_refusal.reason(reply)}). A pair is valid for one region and project:"
                " see LANGFUSE_PUBLIC_KEY, LANGFUSE_SECRET_KEY and LANGFUSE_BASE_URL."
            )
        return (
            None
            if _listed(reply) is not None
            else f"The answer of {self._base} is not one of Langfuse. Check LANGFUSE_BASE_URL."
        )

    def read_back(self, spans: Sequence[Span], at: datetime) -> Request:  # noqa: ARG002 - spans have their own times
        """Return the query for observations by their ids (Langfuse, "Observations API v2")."""
        since = datetime.fromtimestamp(min(span.start for span in spans) // 10**9, UTC)
        conditions = [
            {"type": "stringOptions", "column": "id", "operator": "any of", "value": [span.span_id for span in spans]},
            {"type": "datetime", "column": "startTime", "operator": ">=", "value": since.isoformat()},
        ]
        wanted = {"fields": "core", "limit": 2 * len(spans), "filter": json.dumps(conditions, separators=(",", ":"))}
        url = f"{self._base}{_OBSERVATIONS}?{urlencode(wanted)}"
        return Request(url=url, body=b"", headers=self._headers(), method="GET")

    def found(self, spans: Sequence[Span], reply: Reply) -> Mapping[str, bool]:
        """Return which spans it has; nothing where it does not list them, as before Langfuse 4."""
        listed = _listed(reply)
        if reply.status != 200 or listed is None:  # noqa: PLR2004 - OK
            return {}
        there = {(each.get("traceId"), each.get("id")) for each in listed if isinstance(each, dict)}
        found = {span.span_id: (span.trace_id, span.span_id) in there for span in spans}
        return {span_id: True for span_id, has in found.items() if has} if _has_next_page(reply) else found

    @property
    def _base(self) -> str:
        """The base URL of the Langfuse; `endpoint` may include the path for spans."""
        return self.endpoint.rstrip("/").removesuffix(_otlp.PATH).removesuffix(_OTEL)

    def _headers(self) -> dict[str, str]:
        return {"authorization": "Basic " + b64encode(f"{self.public_key}:{self.secret_key}".encode()).decode()}


_: tuple[type[Exporter], type[Probe], type[ReadBack]] = (Langfuse, Langfuse, Langfuse)


def _listed_errors(reply: Reply) -> list[object]:
    """Return the statuses of the items that a successful answer lists as rejected."""
    errors = _json.answer(reply).get("errors")
    if not isinstance(errors, list) or not 200 <= reply.status < 300:  # noqa: PLR2004 - the class of success
        return []
    return [each.get("status") for each in errors if isinstance(each, dict)]


def _is_permanent(status: object) -> bool:
    """Whether Langfuse will never accept an item with this status."""
    return isinstance(status, int) and 400 <= status < 500 and status not in _RETRIED  # noqa: PLR2004 - HTTP's own number


def _listed(reply: Reply) -> list[object] | None:
    """Return the list in an answer of Langfuse's API, or `None`."""
    listed = _json.answer(reply).get("data")
    return listed if isinstance(listed, list) else None


def _has_next_page(reply: Reply) -> bool:
    """Whether the answer has a next page."""
    meta = _json.answer(reply).get("meta")
    return bool(isinstance(meta, dict) and meta.get("cursor"))
