"""PostHog's LLM analytics, by its own events: `$ai_generation`, `$ai_embedding`, `$ai_span` and `$ai_trace`.

PostHog never overwrites a stated cost; an unknown one is left out, and PostHog then estimates one from its own price
list. Checked on a strict stub, written after PostHog's documentation and capture service; not checked on PostHog
itself. An event's `uuid` is derived from its span, so that duplicates can be found; whether PostHog always removes them
is not documented, so an event whose answer was lost is not sent again.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from uuid import NAMESPACE_OID, uuid5

from spancast.contract import (
    Delivered,
    Encoded,
    Exporter,
    OtherSender,
    Probe,
    Reply,
    Request,
    Retry,
    Span,
    Traits,
    Verdict,
    by_opentelemetry,
)
from spancast_exporters import _facts, _json, _openai, _options, _otlp, _refusal

__all__ = ["Posthog"]

_MOST_EVENTS = 100
_ROOM = 4_000_000
"""Bytes of one request; PostHog accepts 4 MB, and drops the events of a larger one."""
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
        """Refuse options that cannot work."""
        _options.check_endpoint(self.endpoint, "https://eu.i.posthog.com")
        if self.api_key.startswith("phx_"):
            raise ValueError("api_key holds a personal key. Give the project's, which begins with phc_.")
        _options.check_key("api_key", self.api_key)

    @property
    def url(self) -> str:
        """The URL that events are sent to."""
        return self.endpoint.rstrip("/") + "/batch/"

    @property
    def also_sent_by(self) -> Sequence[OtherSender]:
        """Return what else may send the same calls there; not PostHog's SDK, which is mostly used for other events."""
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
        """A success needs PostHog's own answer; the reason of a failure is PostHog's."""
        verdict = _refusal.judge(encoded, reply)
        silent = isinstance(verdict, Delivered) and not _is_taken(reply)
        return Retry(f"HTTP {reply.status} without PostHog's answer") if silent else verdict

    def probe(self, at: datetime) -> Request:
        """Return a request without events. It checks the address only; PostHog checks the key later."""
        return self._encoded([], [], at).request

    def diagnose(self, reply: Reply) -> str | None:
        """Return what is wrong, and what to do. PostHog may refuse a request without events."""
        if reply.status == 400 and not reply.body.lstrip().startswith(b"<"):  # noqa: PLR2004 - Bad Request
            return None
        wrong = _refusal.diagnose_status(reply, self.url, "Check POSTHOG_HOST.")
        if wrong is not None:
            return wrong
        if reply.status in (401, 403):
            why = _refusal.reason(reply)
            return f"{self.url} refuses the key ({why}). Check POSTHOG_API_KEY, of the region of POSTHOG_HOST."
        return None if _is_taken(reply) else f"The answer of {self.url} is not one of PostHog. Check POSTHOG_HOST."

    def _encoded(self, ids: Sequence[str], events: Sequence[bytes], at: datetime) -> Encoded:
        head = _json.encoded({"api_key": self.api_key, "sent_at": at.isoformat()})
        body = head[:-1] + b',"batch":[' + b",".join(events) + b"]}"
        return Encoded(Request(url=self.url, body=body, headers={"content-type": "application/json"}), tuple(ids))


_: tuple[type[Exporter], type[Probe]] = (Posthog, Posthog)


def _is_taken(reply: Reply) -> bool:
    """Whether it is the answer of PostHog's capture service, current or former (PostHog/posthog, `capture`)."""
    return _json.answer(reply).get("status") in ("Ok", 1)


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
    """Return an event as JSON, without its content where it would exceed PostHog's limit."""
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
        "$ai_span_name": _facts.shown_name(span),
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


def _of_model(span: Span) -> dict[str, object]:
    facts, parameters = _facts.of(span), _facts.parameters(span)
    given = _facts.conversation(span)
    output = _facts.output_text(span)
    choices = _openai.choices(output)
    return {
        "$ai_model": facts.model,
        "$ai_provider": facts.provider,
        "$ai_input": _openai.input_messages(given) or _facts.input_text(span),
        "$ai_output_choices": output if choices is None else [each["message"] for each in choices],
        "$ai_tools": _openai.tools(_facts.content_text(span, _facts.TOOLS)),
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
        "$ai_temperature": parameters.get("temperature"),
        "$ai_max_tokens": parameters.get("max_tokens"),
        "$ai_stream": parameters.get("stream"),
        "$ai_model_parameters": parameters or None,
    }


def _states(span: Span) -> dict[str, object]:
    sides = {"$ai_input_state": _facts.input_text(span), "$ai_output_state": _facts.output_text(span)}
    return {name: text if (meant := _json.read(text)) is None else meant for name, text in sides.items()}


def _id(stated: str) -> str:
    """Return an id within PostHog's limit; a hash keeps long ones distinct."""
    text = _json.text(stated)
    digest = sha256(text.encode()).hexdigest()[:16]
    return text if len(text) <= _LONGEST_ID else f"{text[: _LONGEST_ID - len(digest)]}{digest}"
