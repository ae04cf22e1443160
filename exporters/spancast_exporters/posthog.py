"""PostHog's LLM analytics, by its own events: `$ai_generation`, `$ai_embedding`, `$ai_span` and `$ai_trace`.

A cost that is given is never overwritten; one that is unknown is left out, and PostHog then infers one from its own
price list. Checked on a strict stub, written after PostHog's documentation and capture service; not checked on PostHog
itself. An event's `uuid` is made of its span, so that one who looks can tell two of one; that PostHog always makes one
of them is not known, so an event whose answer was lost is not sent again.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from urllib.parse import urlsplit
from uuid import NAMESPACE_OID, uuid5

from spancast.contract import (
    Another,
    Delivered,
    Encoded,
    Exporter,
    Probe,
    Reply,
    Request,
    Retry,
    Span,
    Traits,
    Verdict,
    by_opentelemetry,
    shown_url,
)
from spancast_exporters import _facts, _json, _openai, _otlp, _refusal

__all__ = ["Posthog"]

_MOST_EVENTS = 100
_ROOM = 4_000_000
"""Bytes of one request; PostHog takes 4 MB, and drops what is in a larger one."""
_LARGEST_EVENT = 900_000
_LONGEST_ID = 200
_LEFT_OUT = "[left out: larger than PostHog takes]"
_WORDS = ("$ai_input", "$ai_output_choices", "$ai_tools", "$ai_input_state", "$ai_output_state")
_EVENTS = {"llm": "$ai_generation", "embedding": "$ai_embedding"}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, kw_only=True)
class Posthog:
    """Sends every span that is given to it.

    `endpoint` is https://us.i.posthog.com, https://eu.i.posthog.com or one's own.

    A span's user is its `distinct_id`; where nobody is named it is the session's, else the trace's, and no person.
    """

    api_key: str = field(
        repr=False,
        metadata={
            "variables": ("POSTHOG_API_KEY", "POSTHOG_PROJECT_API_KEY"),
            "where": "It is in PostHog under Settings, Project, and begins with phc_.",
        },
    )
    endpoint: str = field(default="https://us.i.posthog.com", metadata={"variables": ("POSTHOG_HOST",)})
    traits: Traits = field(default=Traits(max_spans=_MOST_EVENTS, max_bytes=_ROOM, resend="duplicates"), init=False)

    def __post_init__(self) -> None:
        """Refuse what cannot work."""
        _otlp.refuse_user(self.endpoint)
        if urlsplit(self.endpoint).scheme not in ("http", "https"):
            raise ValueError(
                f"endpoint cannot be {shown_url(self.endpoint)!r}. Give a URL such as https://eu.i.posthog.com."
            )
        if self.api_key.startswith("phx_"):
            raise ValueError("api_key holds a personal key. Give the project's, which begins with phc_.")
        if not (self.api_key.isascii() and self.api_key.isprintable()) or " " in self.api_key or not self.api_key:
            raise ValueError("api_key holds characters that no key has. Copy it once more.")

    @property
    def url(self) -> str:
        """Where the events go."""
        return self.endpoint.rstrip("/") + "/batch/"

    @property
    def also_sent_by(self) -> Sequence[Another]:
        """Return who else may send there: not PostHog's SDK, which most use for events of another kind."""
        return (by_opentelemetry(self.url),)

    def encode(self, spans: Sequence[Span], at: datetime) -> Sequence[Encoded]:
        """Return requests of at most 100 events and 4 MB."""
        events = [(span.span_id, _fitting(_event(span))) for span in spans]
        return [
            self._encoded(ids, batch, at)
            for some in _hundreds(events)
            for ids, batch in _otlp.batches(some, _ROOM - 1_000)
        ]

    def judge(self, encoded: Encoded, reply: Reply) -> Verdict:
        """Believe a success that says so in PostHog's words; what it says of a failure is the reason."""
        verdict = _refusal.judge(encoded, reply)
        silent = isinstance(verdict, Delivered) and not _is_taken(reply)
        return Retry(f"HTTP {reply.status} without PostHog's answer") if silent else verdict

    def probe(self, at: datetime) -> Request:
        """Return the request that carries no event. It proves the address; a key PostHog looks at later."""
        return self._encoded([], [], at).request

    def diagnose(self, reply: Reply) -> str | None:
        """Return what is wrong, and the cure. That no event is there may be refused."""
        if reply.status == 400 and not reply.body.lstrip().startswith(b"<"):  # noqa: PLR2004 - Bad Request
            return None
        wrong = _refusal.unwell(reply, self.url, "See POSTHOG_HOST.")
        if wrong is not None:
            return wrong
        if reply.status in (401, 403):
            why = _refusal.reason(reply)
            return f"{self.url} refuses the key ({why}). See POSTHOG_API_KEY, of the region of POSTHOG_HOST."
        return None if _is_taken(reply) else f"{self.url} is no PostHog. See POSTHOG_HOST."

    def _encoded(self, ids: Sequence[str], events: Sequence[bytes], at: datetime) -> Encoded:
        head = _json.encoded({"api_key": self.api_key, "sent_at": at.isoformat()})
        body = head[:-1] + b',"batch":[' + b",".join(events) + b"]}"
        return Encoded(Request(url=self.url, body=body, headers={"content-type": "application/json"}), tuple(ids))


_: tuple[type[Exporter], type[Probe]] = (Posthog, Posthog)


def _is_taken(reply: Reply) -> bool:
    """Whether it is the answer of PostHog's capture service, of today or of before (PostHog/posthog, `capture`)."""
    answer = _json.read(reply.body.decode("utf-8", "replace"))
    return isinstance(answer, dict) and answer.get("status") in ("Ok", 1)


def _hundreds(events: Sequence[tuple[str, bytes]]) -> Iterator[Iterable[tuple[str, bytes]]]:
    return (events[at : at + _MOST_EVENTS] for at in range(0, len(events), _MOST_EVENTS))


def _event(span: Span) -> dict[str, object]:
    kind = _facts.kind(span) or ""
    name = _EVENTS.get(kind) or ("$ai_trace" if span.parent_span_id is None else "$ai_span")
    return {
        "event": name,
        "uuid": str(uuid5(NAMESPACE_OID, f"{span.trace_id}:{span.span_id}")),
        "distinct_id": _id(span.user or span.session or span.trace_id),
        "timestamp": (_EPOCH + timedelta(microseconds=span.start // 1000)).isoformat(),
        "properties": _properties(span, kind),
    }


def _fitting(event: Mapping[str, object]) -> bytes:
    """Return an event as JSON, without its words where it is larger than PostHog takes."""
    written = _json.encoded(event)
    properties = event["properties"]
    if len(written) <= _LARGEST_EVENT or not isinstance(properties, dict):
        return written
    cut = {name: _LEFT_OUT if name in _WORDS else value for name, value in properties.items()}
    return _json.encoded({**event, "properties": cut})


def _properties(span: Span, kind: str) -> dict[str, object]:
    failure, names = _facts.failure(span), _facts.names(span)
    modelled = kind in _facts.MODELS
    ours: dict[str, object] = {
        "$ai_lib": "spancast",
        "$ai_trace_id": span.trace_id,
        "$ai_span_id": span.span_id,
        "$ai_parent_id": span.parent_span_id,
        "$ai_session_id": span.session,
        "$ai_span_name": _name(span),
        "$ai_trace_name": span.trace_name,
        "$ai_latency": max(0, span.end - span.start) / 1e9,
        "$ai_is_error": failure is not None,
        "$ai_error": (failure.get("message") or failure.get("type") or "error") if failure is not None else None,
        "$process_person_profile": None if span.user else False,
        "trace_name": names.get("trace_name"),
        "environment": span.environment,
        "release": span.release,
        **(_of_model(span) if modelled else _states(span)),
    }
    known = {name: value for name, value in ours.items() if value is not None}
    tags = {f"tag_{name}": value for name, value in span.tags.items()}
    metadata = {f"metadata_{name}": value for name, value in span.metadata.items()}
    return {**_json.bounded({**tags, **metadata}), **known}


def _name(span: Span) -> str:
    """Return what the request calls the span; a trace is shown by the name of its root (OpenRouter, Broadcast)."""
    names = _facts.names(span)
    return (
        (names.get("trace_name") if span.parent_span_id is None else None) or names.get("generation_name") or span.name
    )


def _of_model(span: Span) -> dict[str, object]:
    facts, asked = _facts.of(span), _facts.parameters(span)
    given = {name: _facts.words(span, name) for name in (_facts.INSTRUCTIONS, "gen_ai.input.messages")}
    said = _facts.said(span)
    choices = _openai.choices(said)
    return {
        "$ai_model": facts.model,
        "$ai_provider": facts.provider,
        "$ai_input": _openai.asked(given) or _facts.asked(span),
        "$ai_output_choices": said if choices is None else [each["message"] for each in choices],
        "$ai_tools": _openai.tools(_facts.words(span, _facts.TOOLS)),
        "$ai_input_tokens": facts.input_tokens,
        "$ai_output_tokens": facts.output_tokens,
        "$ai_cache_read_input_tokens": facts.cached_tokens,
        "$ai_cache_creation_input_tokens": facts.cache_write_tokens,
        "$ai_reasoning_tokens": facts.reasoning_tokens,
        "$ai_cache_reporting_exclusive": False,
        "$ai_total_cost_usd": facts.cost,
        "$ai_input_cost_usd": facts.input_cost,
        "$ai_output_cost_usd": facts.output_cost,
        "$ai_time_to_first_token": facts.time_to_first_token,
        "$ai_http_status": None if span.generation is None else span.generation.http_status,
        "$ai_temperature": asked.get("temperature"),
        "$ai_max_tokens": asked.get("max_tokens"),
        "$ai_stream": asked.get("stream"),
        "$ai_model_parameters": asked or None,
    }


def _states(span: Span) -> dict[str, object]:
    sides = {"$ai_input_state": _facts.asked(span), "$ai_output_state": _facts.said(span)}
    return {name: text if (meant := _json.read(text)) is None else meant for name, text in sides.items()}


def _id(stated: str) -> str:
    """Return an id as long as PostHog keeps it, by which two long ones stay two."""
    text = _json.text(stated)
    digest = sha256(text.encode()).hexdigest()[:16]
    return text if len(text) <= _LONGEST_ID else f"{text[: _LONGEST_ID - len(digest)]}{digest}"
