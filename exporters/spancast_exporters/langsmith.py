"""LangSmith, by OTLP over HTTP in protobuf with LangSmith's own attributes.

Checked on a strict stub that converts spans to runs as LangSmith's own collector proxy does
(langsmith-collector-proxy, `otel_converter.go`); not checked on LangSmith's server, whose source is not public. Its
behaviour for duplicate and for old runs is known from its other APIs (langsmith-sdk, issue 1529;
langsmith-data-migration-tool, pull request 152).
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from urllib.parse import urlsplit

from spancast.contract import (
    Delivered,
    Encoded,
    Exporter,
    OtherSender,
    Probe,
    Reply,
    Request,
    Span,
    Traits,
    Verdict,
    by_opentelemetry,
)
from spancast_exporters import _json, _langsmith, _options, _otlp, _refusal

__all__ = ["LangSmith"]

_OTEL = "/otel"
_ROOM = 10_000_000
"""Bytes of one request, before compression; LangSmith accepts 20 MB of runs at a time (langsmith 0.15, `client`)."""
_CONFLICT = 409
_CLOUD = "smith.langchain.com"
_DAY = 23 * 3600.0
"""Seconds; LangSmith's cloud refuses a whole request for a run older than 24 hours, less an hour for delivery.
A self-hosted LangSmith accepts runs of any age."""


def _variables(name: str) -> dict[str, tuple[str, ...]]:
    """Return the variables of an option; LangSmith still reads those of its former name (langsmith, `utils`)."""
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
        """Refuse options that cannot work."""
        _options.check_endpoint(self.endpoint, "https://api.smith.langchain.com")
        _options.check_key("api_key", self.api_key)
        if self.workspace_id:
            _options.check_key("workspace_id", self.workspace_id)
        if not self.project.strip():
            raise ValueError("project is empty. Give the name of one, or leave it out.")

    @property
    def traits(self) -> Traits:
        """Return the limits of LangSmith.

        The id of a run is that of its span; of two runs with one id, LangSmith keeps the first.
        """
        host = urlsplit(self.endpoint).hostname or ""
        is_cloud = host == _CLOUD or host.endswith(f".{_CLOUD}")
        return Traits(max_bytes=_ROOM, max_age=_DAY if is_cloud else None, resend="ignored")

    @property
    def url(self) -> str:
        """The URL that spans are sent to."""
        return f"{self._base}{_OTEL}{_otlp.PATH}"

    @property
    def also_sent_by(self) -> Sequence[OtherSender]:
        """Return what else may send the same calls there: LangChain does where a variable is set."""
        names = ("LANGSMITH_TRACING", "LANGSMITH_TRACING_V2", "LANGCHAIN_TRACING", "LANGCHAIN_TRACING_V2")
        sdks = (
            OtherSender(
                name="LangSmith's SDK",
                cure=f"Set {name}=false, or leave one of the two out.",
                packages=("langsmith",),
                variables={name: ("true", "1")},
            )
            for name in names
        )
        return (*sdks, by_opentelemetry(self.url))

    def encode(self, spans: Sequence[Span], at: datetime) -> Sequence[Encoded]:  # noqa: ARG002 - requests have no such time
        """Return requests within LangSmith's limits."""
        named = _is_header(self.project)
        headers = self._headers() | ({"langsmith-project": self.project} if named else {})
        project = None if named else _json.text(self.project)
        parts = ((span.span_id, _langsmith.otlp(span, project)) for span in spans)
        return [_otlp.post(self.url, headers, ids, batch) for ids, batch in _otlp.batches(parts, _ROOM)]

    def judge(self, encoded: Encoded, reply: Reply) -> Verdict:
        """Judge as OTLP specifies; LangSmith answers 409 for a run that it has already."""
        if reply.status == _CONFLICT and len(encoded.span_ids) == 1:
            return Delivered()
        return _otlp.judge_with_reason(encoded, reply)

    def probe(self, at: datetime) -> Request:  # noqa: ARG002 - the request has no time
        """Return the request that lists a project, as LangSmith's SDK does."""
        return Request(url=f"{self._base}/sessions?limit=1", body=b"", headers=self._headers(), method="GET")

    def diagnose(self, reply: Reply) -> str | None:
        """Return what is wrong, and what to do."""
        wrong = _refusal.diagnose_status(
            reply, self._base, "Check LANGSMITH_ENDPOINT; a self-hosted LangSmith has /api/v1 in it."
        )
        if wrong is not None:
            return wrong
        if reply.status in (401, 403):
            return (
                f"{self._base} refuses the key ({_refusal.reason(reply)}). A key is valid in one region, and may need a"
                " workspace: check LANGSMITH_API_KEY, LANGSMITH_ENDPOINT and LANGSMITH_WORKSPACE_ID."
            )
        return (
            None
            if isinstance(_json.decoded(reply), list)
            else f"The answer of {self._base} is not one of LangSmith. Check LANGSMITH_ENDPOINT."
        )

    @property
    def _base(self) -> str:
        """The base URL of the API; `endpoint` may include the path for spans."""
        return self.endpoint.rstrip("/").removesuffix(_otlp.PATH).removesuffix(_OTEL)

    def _headers(self) -> dict[str, str]:
        workspace = {"x-tenant-id": self.workspace_id} if self.workspace_id else {}
        return {"x-api-key": self.api_key, **workspace}


_: tuple[type[Exporter], type[Probe]] = (LangSmith, LangSmith)


def _is_header(text: str) -> bool:
    return bool(text) and text.isascii() and text.isprintable()
