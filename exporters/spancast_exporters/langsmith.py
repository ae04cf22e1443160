"""LangSmith, by OTLP over HTTP in protobuf with LangSmith's own attributes.

Checked on a strict stub that makes runs of spans as LangSmith's own collector proxy does (langsmith-collector-proxy,
`otel_converter.go`). LangSmith's server is closed, and this was not checked on it. What is said here of runs that come
twice and of old ones is known of its other ways in (langsmith-sdk, issue 1529; langsmith-data-migration-tool, pull
request 152).
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from urllib.parse import urlsplit

from spancast.contract import (
    Another,
    Delivered,
    Encoded,
    Exporter,
    Probe,
    Reply,
    Request,
    Span,
    Traits,
    Verdict,
    by_opentelemetry,
    shown_url,
)
from spancast_exporters import _json, _langsmith, _otlp, _refusal

__all__ = ["LangSmith"]

_OTEL = "/otel"
_ROOM = 10_000_000
"""Bytes of one request, before compression; LangSmith takes 20 MB of runs at a time (langsmith 0.15, `client`)."""
_CONFLICT = 409
_CLOUD = "smith.langchain.com"
_DAY = 23 * 3600.0
"""Seconds; LangSmith's cloud refuses a whole request for a run of more than 24 hours, and an hour is left for the way.
One's own takes runs of any age."""


def _variables(name: str) -> dict[str, tuple[str, ...]]:
    """Return the variables that people set: LangSmith still reads those of its former name (langsmith, `utils`)."""
    return {"variables": (f"LANGSMITH_{name}", f"LANGCHAIN_{name}")}


@dataclass(frozen=True, kw_only=True)
class LangSmith:
    """Sends every span that is given to it, to one project.

    `endpoint` is the base of the API, such as https://eu.api.smith.langchain.com, or https://HOST/api/v1 of one's own.
    A key that belongs to several workspaces needs `workspace_id`.
    """

    api_key: str = field(
        repr=False,
        metadata={**_variables("API_KEY"), "where": "Create one in LangSmith under Settings, API Keys."},
    )
    endpoint: str = field(default="https://api.smith.langchain.com", metadata=_variables("ENDPOINT"))
    project: str = field(default="default", metadata=_variables("PROJECT"))
    workspace_id: str | None = field(default=None, metadata=_variables("WORKSPACE_ID"))

    def __post_init__(self) -> None:
        """Refuse what cannot work."""
        _otlp.refuse_user(self.endpoint)
        if urlsplit(self.endpoint).scheme not in ("http", "https"):
            raise ValueError(
                f"endpoint cannot be {shown_url(self.endpoint)!r}. Give a URL: https://api.smith.langchain.com."
            )
        for name, value in (("api_key", self.api_key), ("workspace_id", self.workspace_id or "x")):
            if not _is_token(value):
                raise ValueError(f"{name} holds characters that none has. Copy it once more.")
        if not self.project.strip():
            raise ValueError("project is empty. Give the name of one, or leave it out.")

    @property
    def traits(self) -> Traits:
        """Return the limits of LangSmith.

        The id of a run is that of its span. One that comes twice is one, and stays as it first was.
        """
        host = urlsplit(self.endpoint).hostname or ""
        is_cloud = host == _CLOUD or host.endswith(f".{_CLOUD}")
        return Traits(max_bytes=_ROOM, max_age=_DAY if is_cloud else None, resend="ignored")

    @property
    def url(self) -> str:
        """Where the spans go."""
        return f"{self._base}{_OTEL}{_otlp.PATH}"

    @property
    def also_sent_by(self) -> Sequence[Another]:
        """Return who else may send there: LangChain sends by itself where a variable says so."""
        names = ("LANGSMITH_TRACING", "LANGSMITH_TRACING_V2", "LANGCHAIN_TRACING", "LANGCHAIN_TRACING_V2")
        sdks = (
            Another(
                who="LangSmith's SDK",
                cure=f"Set {name}=false, or leave one of the two out.",
                packages=("langsmith",),
                variables={name: ("true", "1")},
            )
            for name in names
        )
        return (*sdks, by_opentelemetry(self.url))

    def encode(self, spans: Sequence[Span], at: datetime) -> Sequence[Encoded]:  # noqa: ARG002 - no such time is told
        """Return requests of a size that LangSmith takes."""
        named = _is_header(self.project)
        headers = self._headers() | ({"langsmith-project": self.project} if named else {})
        project = None if named else _json.text(self.project)
        parts = ((span.span_id, _langsmith.otlp(span, project)) for span in spans)
        return [_otlp.post(self.url, headers, ids, batch) for ids, batch in _otlp.batches(parts, _ROOM)]

    def judge(self, encoded: Encoded, reply: Reply) -> Verdict:
        """Judge as OTLP says; of a run that LangSmith has, it says that there is a conflict."""
        if reply.status == _CONFLICT and len(encoded.span_ids) == 1:
            return Delivered()
        return _otlp.judge_worded(encoded, reply)

    def probe(self, at: datetime) -> Request:  # noqa: ARG002 - nothing of it is told
        """Return the request that lists a project, as LangSmith's SDK does."""
        return Request(url=f"{self._base}/sessions?limit=1", body=b"", headers=self._headers(), method="GET")

    def diagnose(self, reply: Reply) -> str | None:
        """Return what is wrong, and the cure."""
        wrong = _refusal.unwell(reply, self._base, "See LANGSMITH_ENDPOINT; one's own LangSmith has /api/v1 in it.")
        if wrong is not None:
            return wrong
        if reply.status in (401, 403):
            return (
                f"{self._base} refuses the key ({_refusal.reason(reply)}). A key is good for one region, and may need a"
                " workspace: see LANGSMITH_API_KEY, LANGSMITH_ENDPOINT and LANGSMITH_WORKSPACE_ID."
            )
        listed = _json.read(reply.body.decode("utf-8", "replace"))
        return None if isinstance(listed, list) else f"{self._base} is no LangSmith. See LANGSMITH_ENDPOINT."

    @property
    def _base(self) -> str:
        """The address of the API, of which people also give the part for spans."""
        return self.endpoint.rstrip("/").removesuffix(_otlp.PATH).removesuffix(_OTEL)

    def _headers(self) -> dict[str, str]:
        workspace = {"x-tenant-id": self.workspace_id} if self.workspace_id else {}
        return {"x-api-key": self.api_key, **workspace}


_: tuple[type[Exporter], type[Probe]] = (LangSmith, LangSmith)


def _is_token(text: str) -> bool:
    return _is_header(text) and " " not in text


def _is_header(text: str) -> bool:
    return bool(text) and text.isascii() and text.isprintable()
