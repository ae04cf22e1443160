"""Datadog LLM Observability, by the JSON of its own SDK: through an agent, or directly to its intake.

Checked on Datadog's own test agent (ddapm-test-agent 1.69), against a payload of ddtrace 4.16 for the same trace, and
on a strict stub of the intake, written after Datadog's API reference. Not checked on Datadog itself.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from importlib import metadata
from typing import Any
from urllib.parse import urlsplit

from spancast.contract import (
    Encoded,
    OtherSender,
    Reply,
    Request,
    Retry,
    Span,
    Traits,
    Verdict,
    by_opentelemetry,
    retry_after,
)
from spancast_exporters import _datadog, _json, _options, _refusal

__all__ = ["Datadog"]

_INTAKE = "/api/v2/llmobs"
_PROXY = "/evp_proxy/v2"
"""The path at which an agent forwards to Datadog's intakes; it drops Content-Encoding, so nothing is compressed."""
_SUBDOMAIN = "x-datadog-evp-subdomain"

_MAX_PAYLOAD = 5_000_000
"""Bytes. ddtrace sends 5 MiB, and drops the content of a larger event; the courier does so for a span that is alone."""
_MAX_EVENTS = 1_000
_HEAD = _json.encoded({"_dd.stage": "raw", "_dd.tracer_version": metadata.version("spancast"), "event_type": "span"})

_DAY = 23 * 3600.0
"""Seconds; Datadog refuses spans older than 24 hours (HTTP API reference), less an hour for delivery."""
_KEY = "Create one in Datadog under Organization Settings, API Keys."


def _set_by(*variables: str, **more: object) -> Any:
    return field(default=None, metadata={"variables": variables, **more})


@dataclass(frozen=True, kw_only=True)
class Datadog:
    """Sends every span that is given to it.

    Through the agent at `agent_url` (or `agent_host`) when there is one, unless `agentless`; else to the intake of
    `site`. `endpoint` replaces the origin of either. `ml_app` and `service` win over the `service.name`
    of the resource; `env` and `version` are for spans that say none.
    """

    api_key: str | None = field(
        default=None,
        repr=False,
        metadata={
            "variables": ("DD_API_KEY",),
            "where": f"{_KEY} Or set DD_TRACE_AGENT_URL, when an agent is to send.",
            "unless": ("agent_url", "agent_host"),
        },
    )
    site: str = field(default="datadoghq.com", metadata={"variables": ("DD_SITE",)})
    agent_url: str | None = _set_by("DD_TRACE_AGENT_URL")
    agent_host: str | None = _set_by("DD_AGENT_HOST")
    agent_port: int | str = field(default=8126, metadata={"variables": ("DD_TRACE_AGENT_PORT",)})
    agentless: bool | str = field(default=False, metadata={"variables": ("DD_LLMOBS_AGENTLESS_ENABLED",), "flag": True})
    endpoint: str | None = _set_by("DD_LLMOBS_OVERRIDE_ORIGIN")
    ml_app: str | None = _set_by("DD_LLMOBS_ML_APP")
    service: str | None = _set_by("DD_SERVICE")
    env: str | None = _set_by("DD_ENV")
    version: str | None = _set_by("DD_VERSION")
    traits: Traits = field(
        default=Traits(max_spans=_MAX_EVENTS, max_bytes=_MAX_PAYLOAD, max_age=_DAY, resend="duplicates"), init=False
    )

    def __post_init__(self) -> None:
        """Refuse options that cannot work."""
        if set(self.site) & set("/:@ ") or not self.site:
            raise ValueError(f"site cannot be {self.site!r}. Give the domain alone, such as datadoghq.eu.")
        for name, url in (("agent_url", self._agent), ("endpoint", self.endpoint)):
            if url is not None:
                _options.check_endpoint(url, "http://localhost:8126", name)
        if self._agent is None and not self.api_key:
            raise ValueError(f"api_key is missing, and there is no agent. Set DD_API_KEY. {_KEY}")
        if self.api_key:
            _options.check_key("api_key", self.api_key)

    @property
    def _agent(self) -> str | None:
        """The URL of the agent to send through; `None` to send directly.

        The Unix socket of an agent is not supported; with a key, spans are then sent directly.
        """
        if _is_true(self.agentless):
            return None
        url = self.agent_url or (f"http://{self.agent_host}:{self.agent_port}" if self.agent_host else None)
        return None if url is not None and url.startswith("unix:") and self.api_key else url

    @property
    def url(self) -> str:
        """The URL that spans are sent to."""
        path = _INTAKE if self._agent is None else _PROXY + _INTAKE
        if self.endpoint is None:
            return (self._agent or f"https://llmobs-intake.{self.site}").rstrip("/") + path
        based = urlsplit(self.endpoint).path.strip("/")
        return self.endpoint.rstrip("/") + (_INTAKE if based else path)

    @property
    def also_sent_by(self) -> Sequence[OtherSender]:
        """Return what else may send the same calls there."""
        tracer = OtherSender(
            name="ddtrace's LLM Observability",
            cure="Set DD_LLMOBS_ENABLED=false, or leave one of the two out.",
            packages=("ddtrace",),
            variables={"DD_LLMOBS_ENABLED": ("true", "1")},
        )
        return (tracer, by_opentelemetry(f"https://otlp.{self.site}"))

    def encode(self, spans: Sequence[Span], at: datetime) -> Sequence[Encoded]:  # noqa: ARG002 - requests have no such time
        """Return requests of at most 5 MB."""
        names = _datadog.Names(self.ml_app, self.service, self.env, self.version)
        each = ((span.span_id, _enveloped(_datadog.event(span, names))) for span in spans)
        headers = self._headers()
        return [
            Encoded(Request(url=self.url, body=b"[" + b",".join(events) + b"]", headers=headers), ids)
            for ids, events in _batches(each)
        ]

    def judge(self, encoded: Encoded, reply: Reply) -> Verdict:
        """Judge by the status, and by the body where it contradicts a success; the reason is Datadog's own."""
        verdict = _refusal.judge(encoded, reply)
        return replace(verdict, after=_wait(reply)) if isinstance(verdict, Retry) else verdict

    def probe(self, at: datetime) -> Request:  # noqa: ARG002 - the request has no time
        """Return the request that validates the key; through an agent, a request without spans."""
        if self._is_forwarded:
            return Request(url=self._probe_url, body=b"[]", headers=self._headers())
        return Request(url=self._probe_url, body=b"", headers=self._headers(), method="GET")

    def diagnose(self, reply: Reply) -> str | None:
        """Return what is wrong, and what to do."""
        reason, agent = _refusal.reason(reply), self._agent
        if reply.status in (404, 405) and agent is not None:
            return f"The agent at {agent} rejects LLM Observability ({reason}). Update it and enable its evp_proxy."
        if reply.status == 400 and self._is_forwarded:  # noqa: PLR2004 - Bad Request: no span was sent
            return None
        wrong = _refusal.diagnose_status(reply, self._probe_url, "Check DD_SITE, DD_TRACE_AGENT_URL.")
        if wrong is not None:
            return wrong
        if reply.status in (401, 403):
            whose = "the API key" if agent is None else f"the API key of the agent at {agent}"
            return f"Datadog refuses {whose} ({reason}). A key is valid for one site: check DD_API_KEY and DD_SITE."
        doubt = _refusal.doubt(reply)
        if doubt is None and not (self._is_forwarded or _is_valid(reply)):
            doubt = f"{reason} without stating whether the key is valid"
        return (
            doubt
            and f"The answer of {self._probe_url} is not one of Datadog ({doubt}). Check DD_SITE, DD_TRACE_AGENT_URL."
        )

    @property
    def _is_forwarded(self) -> bool:
        """Whether spans are sent through an agent or another endpoint, which cannot validate a key."""
        return self.endpoint is not None or self._agent is not None

    @property
    def _probe_url(self) -> str:
        """The URL of the test (Datadog, API reference, "Validate API key")."""
        return self.url if self._is_forwarded else f"https://api.{self.site}/api/v1/validate"

    def _headers(self) -> dict[str, str]:
        credential = {"dd-api-key": self.api_key or ""} if self._agent is None else {_SUBDOMAIN: "llmobs-intake"}
        return {"content-type": "application/json", **credential}


def _enveloped(event: Mapping[str, object]) -> bytes:
    return _HEAD[:-1] + b',"spans":[' + _json.encoded(event) + b"]}"


def _batches(events: Iterable[tuple[str, bytes]]) -> Iterator[tuple[tuple[str, ...], list[bytes]]]:
    """Yield span ids and events that fit into one payload."""
    ids: list[str] = []
    batch: list[bytes] = []
    size = 2
    for span_id, event in events:
        if batch and size + len(event) + 1 > _MAX_PAYLOAD:
            yield tuple(ids), batch
            ids, batch, size = [], [], 2
        ids.append(span_id)
        batch.append(event)
        size += len(event) + 1
    if batch:
        yield tuple(ids), batch


def _wait(reply: Reply) -> float | None:
    """Return the seconds that Datadog asks to wait, or until a limit of requests is lifted (Datadog, "Rate limits")."""
    text = reply.headers.get("x-ratelimit-reset", "")
    until_reset = float(text) if reply.status == 429 and text.isascii() and text.isdigit() else None  # noqa: PLR2004 - HTTP's own number
    stated = retry_after(reply)
    return until_reset if stated is None else stated


def _is_valid(reply: Reply) -> bool:
    return _json.answer(reply).get("valid") is True


def _is_true(value: object) -> bool:
    return str(value).strip().lower() in ("1", "true", "yes", "on")
