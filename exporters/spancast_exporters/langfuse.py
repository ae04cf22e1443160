"""Langfuse, by OTLP over HTTP in protobuf with Langfuse's own attributes.

Checked on a strict stub of Langfuse's API, which reads a span by Langfuse's own order of attributes (langfuse 4.16).
Not checked on Langfuse itself.
"""

import json
from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from urllib.parse import urlencode, urlsplit

from spancast.contract import (
    Another,
    Encoded,
    Exporter,
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
    shown_url,
)
from spancast_exporters import _json, _langfuse, _otlp, _refusal

__all__ = ["Langfuse"]

_OTEL = "/api/public/otel"
_OBSERVATIONS = "/api/public/v2/observations"
_PROJECTS = "/api/public/projects"
_VERSION = {"x-langfuse-ingestion-version": "4"}
"""Writes spans at once; without it they may take minutes to be seen (Langfuse, "Real-time ingestion")."""

_ROOM = 4_500_000
"""Bytes of one request: Langfuse's cloud takes 5 MB, and does not say whether of the compressed body or of what is in
it."""
_MOST_SPANS = 100
"""So many, that the address by which they are asked for again, and the answer, stay short."""
_VISIBLE_AFTER = 300.0
"""Seconds. Langfuse writes behind a queue: what it has not after minutes it has not got."""
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
        """Refuse what cannot work."""
        _otlp.refuse_user(self.endpoint)
        if urlsplit(self.endpoint).scheme not in ("http", "https"):
            raise ValueError(
                f"endpoint cannot be {shown_url(self.endpoint)!r}. Give a URL such as https://cloud.langfuse.com."
            )
        if self.public_key.startswith("sk-lf-"):
            raise ValueError("public_key holds a secret key. Give the one that begins with pk-lf-.")
        for name, key in (("public_key", self.public_key), ("secret_key", self.secret_key)):
            if not _is_token(key):
                raise ValueError(f"{name} holds characters that no key has. Copy it once more.")
        if self.compression.lower() not in ("gzip", "none"):
            raise ValueError(f'compression cannot be {self.compression!r}. Give "gzip" or "none".')

    @property
    def url(self) -> str:
        """Where the spans go."""
        return f"{self._base}/{self.traces_path.lstrip('/')}"

    @property
    def also_sent_by(self) -> Sequence[Another]:
        """Return who else may send there."""
        sdk = Another(
            who="Langfuse's SDK",
            cure="Set LANGFUSE_TRACING_ENABLED=false, which turns off the SDK alone, or leave one of the two out.",
            packages=("langfuse",),
            variables={"LANGFUSE_PUBLIC_KEY": (), "LANGFUSE_SECRET_KEY": ()},
            unless={"LANGFUSE_TRACING_ENABLED": ("false",)},
        )
        return (sdk, by_opentelemetry(self.url))

    def encode(self, spans: Sequence[Span], at: datetime) -> Sequence[Encoded]:  # noqa: ARG002 - no such time is told
        """Return requests of a size that Langfuse takes."""
        parts = ((span.span_id, _langfuse.otlp(span, self.environment, self.release)) for span in spans)
        headers, compressed = {**self._headers(), **_VERSION}, self.compression.lower() == "gzip"
        return [
            _otlp.post(self.url, headers, ids, batch, compressed=compressed)
            for ids, batch in _otlp.batches(parts, _ROOM)
        ]

    def judge(self, encoded: Encoded, reply: Reply) -> Verdict:
        """Judge as OTLP says; before Langfuse 4 the answer lists what it would not take, by ids of its own.

        There a span that is sent twice is one, and nobody can be asked.
        """
        statuses = _listed_errors(reply)
        if any(map(_is_for_ever, statuses)):
            return Rejected(dict.fromkeys(encoded.span_ids, _refusal.reason(reply)))
        return Retry(_refusal.reason(reply)) if statuses else _otlp.judge_worded(encoded, reply)

    def probe(self, at: datetime) -> Request:  # noqa: ARG002 - nothing of it is told
        """Return the request that asks to which project the keys belong."""
        return Request(url=f"{self._base}{_PROJECTS}", body=b"", headers=self._headers(), method="GET")

    def diagnose(self, reply: Reply) -> str | None:
        """Return what is wrong, and the cure."""
        wrong = _refusal.unwell(reply, self._base, "See LANGFUSE_BASE_URL; it is the address without a path.")
        if wrong is not None:
            return wrong
        if reply.status in (401, 403):
            return (
                f"{self._base} refuses the keys ({_refusal.reason(reply)}). A pair is good for one region and project:"
                " see LANGFUSE_PUBLIC_KEY, LANGFUSE_SECRET_KEY and LANGFUSE_BASE_URL."
            )
        return None if _listed(reply) is not None else f"{self._base} is no Langfuse. See LANGFUSE_BASE_URL."

    def read_back(self, spans: Sequence[Span], at: datetime) -> Request:  # noqa: ARG002 - the spans tell their own time
        """Return the request that asks for observations by their ids (Langfuse, "Observations API v2")."""
        since = datetime.fromtimestamp(min(span.start for span in spans) // 10**9, UTC)
        conditions = [
            {"type": "stringOptions", "column": "id", "operator": "any of", "value": [span.span_id for span in spans]},
            {"type": "datetime", "column": "startTime", "operator": ">=", "value": since.isoformat()},
        ]
        wanted = {"fields": "core", "limit": 2 * len(spans), "filter": json.dumps(conditions, separators=(",", ":"))}
        url = f"{self._base}{_OBSERVATIONS}?{urlencode(wanted)}"
        return Request(url=url, body=b"", headers=self._headers(), method="GET")

    def found(self, spans: Sequence[Span], reply: Reply) -> Mapping[str, bool]:
        """Return which it has; nothing is known where it does not list them, as before Langfuse 4."""
        listed = _listed(reply)
        if reply.status != 200 or listed is None:  # noqa: PLR2004 - OK
            return {}
        there = {(each.get("traceId"), each.get("id")) for each in listed if isinstance(each, dict)}
        found = {span.span_id: (span.trace_id, span.span_id) in there for span in spans}
        return {span_id: True for span_id, has in found.items() if has} if _goes_on(reply) else found

    @property
    def _base(self) -> str:
        """The address of the Langfuse, of which people also give the part for spans."""
        return self.endpoint.rstrip("/").removesuffix(_otlp.PATH).removesuffix(_OTEL)

    def _headers(self) -> dict[str, str]:
        return {"authorization": "Basic " + b64encode(f"{self.public_key}:{self.secret_key}".encode()).decode()}


_: tuple[type[Exporter], type[Probe], type[ReadBack]] = (Langfuse, Langfuse, Langfuse)


def _listed_errors(reply: Reply) -> list[object]:
    """Return the statuses of what an answer of success lists as not taken."""
    answer = _json.read(reply.body.decode("utf-8", "replace"))
    errors = answer.get("errors") if isinstance(answer, dict) else None
    if not isinstance(errors, list) or not 200 <= reply.status < 300:  # noqa: PLR2004 - the class of success
        return []
    return [each.get("status") for each in errors if isinstance(each, dict)]


def _is_for_ever(status: object) -> bool:
    """Whether Langfuse will never take what it gives this status."""
    return isinstance(status, int) and 400 <= status < 500 and status not in _RETRIED  # noqa: PLR2004 - HTTP's own number


def _listed(reply: Reply) -> list[object] | None:
    """Return what an answer of Langfuse's API lists."""
    answer = _json.read(reply.body.decode("utf-8", "replace"))
    listed = answer.get("data") if isinstance(answer, dict) else None
    return listed if isinstance(listed, list) else None


def _goes_on(reply: Reply) -> bool:
    """Whether there is more on another page."""
    answer = _json.read(reply.body.decode("utf-8", "replace"))
    meta = answer.get("meta") if isinstance(answer, dict) else None
    return bool(isinstance(meta, dict) and meta.get("cursor"))


def _is_token(text: str) -> bool:
    return bool(text) and text.isascii() and text.isprintable() and not set(text) & set(" :")
