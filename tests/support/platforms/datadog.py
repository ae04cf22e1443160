"""Datadog's LLM Observability intake, and an agent before it, as strict as ddtrace's types (ddtrace 4.16, `llmobs`).

It takes what its documentation and SDK say, and no unknown field, no float where a count belongs, no number for an id.
Sources: docs.datadoghq.com, "HTTP API reference", "Cost", "Rate limits", "Validate API key"; ddtrace's
`_writer.py` and `_event_types.py`; datadog-agent's `evp_proxy.go`.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from http.server import BaseHTTPRequestHandler
from typing import Any

import jsonschema

from tests.support.platform import JSON, Platform, Received, answer, in_json

KEY = "0123456789abcdef0123456789abcdef"
_TEXT = {"type": "string"}
_COUNT = {"type": "integer", "minimum": 0, "maximum": 2**63 - 1}
_DOLLARS = {"type": "number", "minimum": 0}


def _object(required: dict[str, Any], optional: dict[str, Any] | None = None) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": {**required, **(optional or {})},
        "required": list(required),
        "additionalProperties": False,
    }


def _list(of: dict[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": of, "minItems": 1}


_TOOL_CALL = _object({"name": _TEXT, "arguments": {"type": "object"}, "tool_id": _TEXT, "type": _TEXT})
_TOOL_RESULT = _object({"name": _TEXT, "result": _TEXT, "tool_id": _TEXT, "type": {"const": "tool_result"}})
_MESSAGE = _object(
    {"role": _TEXT, "content": _TEXT}, {"tool_calls": _list(_TOOL_CALL), "tool_results": _list(_TOOL_RESULT)}
)
_SIDE = {
    **_object({}, {"messages": _list(_MESSAGE), "value": _TEXT, "documents": _list(_object({"text": _TEXT}))}),
    "minProperties": 1,
    "maxProperties": 1,
}
_KIND = {"enum": ["agent", "workflow", "llm", "tool", "task", "embedding", "retrieval"]}
_META = _object(
    {"span": _object({"kind": _KIND}), "metadata": {"type": "object"}},
    {
        "model_name": _TEXT,
        "model_provider": {"type": "string", "pattern": "^[^A-Z]+$"},
        "input": _SIDE,
        "output": _SIDE,
        "error": _object({"message": _TEXT, "type": _TEXT, "stack": _TEXT}),
        "tool_definitions": _list(_object({"name": _TEXT, "description": _TEXT}, {"schema": {"type": "object"}})),
    },
)
_METRICS = _object(
    {},
    {
        **dict.fromkeys(("input_tokens", "output_tokens", "total_tokens", "non_cached_input_tokens"), _COUNT),
        **dict.fromkeys(("cache_read_input_tokens", "cache_write_input_tokens", "reasoning_output_tokens"), _COUNT),
        **dict.fromkeys(("ephemeral_5m_input_tokens", "ephemeral_1h_input_tokens"), _COUNT),
        **dict.fromkeys(("total_cost", "input_cost", "output_cost"), _DOLLARS),
        "time_to_first_token": {"type": "number", "minimum": 0},
    },
)
_DECIMAL = {"type": "string", "pattern": "^[1-9][0-9]{0,19}$"}
_HEX = {"type": "string", "pattern": "^[0-9a-f]{32}$"}
_SPAN = _object(
    {
        "name": {"type": "string", "minLength": 1},
        "span_id": _DECIMAL,
        "trace_id": _HEX,
        "parent_id": {"anyOf": [{"const": "undefined"}, _DECIMAL]},
        "start_ns": _COUNT,
        "duration": _COUNT,
        "status": {"enum": ["ok", "error"]},
        "meta": _META,
        "metrics": _METRICS,
        "tags": _list({"type": "string", "pattern": "^[^:]+:", "maxLength": 200}),
        "_dd": _object({"span_id": _DECIMAL, "trace_id": _HEX, "apm_trace_id": _HEX}),
    },
    {"session_id": _TEXT},
)
_PAYLOAD = {
    "type": "array",
    "items": _object(
        {
            "_dd.stage": {"const": "raw"},
            "_dd.tracer_version": {"type": "string", "pattern": r"^\d+\.\d+\.\d+"},
            "event_type": {"const": "span"},
            "spans": {**_list(_SPAN), "maxItems": 1},
        }
    ),
}


class Intake:
    """Answers a request as Datadog does, and keeps the spans that it took."""

    def __init__(
        self, *, agent: bool = False, key: str = KEY, largest: int = 5 * 1024 * 1024, refuses: tuple[str, ...] = ()
    ) -> None:
        self.agent, self.key, self.largest, self.refuses = agent, key, largest, refuses
        self.spans: list[dict[str, Any]] = []
        """Numbers with a point are decimals, as they are written."""
        self.faults: list[str] = []
        """What no client of Datadog's does."""

    def span(self, name: str) -> dict[str, Any]:
        """Return the one span of a name."""
        (found,) = [span for span in self.spans if span["name"] == name]
        return found

    def __call__(self, handler: BaseHTTPRequestHandler, received: Received) -> bool:
        if received.method == "GET":
            return self._validate(handler, received)
        refusal = self._refusal(received)
        if refusal is not None:
            return refusal(handler, received)
        self.spans += [span for event in _read(received.body) for span in event["spans"]]
        answer(202, JSON, b"{}")(handler, received)
        return False

    def _refusal(self, received: Received) -> Any:
        path = "/evp_proxy/v2/api/v2/llmobs" if self.agent else "/api/v2/llmobs"
        if received.path != path:
            return self._fault(404, f"no such path: {received.path}")
        if self.agent and received.headers.get("x-datadog-evp-subdomain") != "llmobs-intake":
            return self._fault(502, "EVPProxy: no subdomain specified")
        if not self.agent and received.headers.get("dd-api-key") != self.key:
            return errors(403, "Forbidden")
        if len(received.body) > self.largest:
            return errors(413, "Payload Too Large")
        if any(f'"span_id":"{each}"'.encode() in received.body for each in self.refuses):
            return errors(400, "Invalid span")
        wrong = _wrong(received)
        return None if wrong is None else self._fault(400, wrong)

    def _validate(self, handler: BaseHTTPRequestHandler, received: Received) -> bool:
        known = received.path == "/api/v1/validate" and received.headers.get("dd-api-key") == self.key
        reply = answer(200, JSON, b'{"valid":true}') if known else errors(403, "Forbidden")
        return reply(handler, received)

    def _fault(self, status: int, what: str) -> Any:
        self.faults.append(what)
        return errors(status, what)


def errors(status: int, *said: str, **headers: str) -> Any:
    """Answer as Datadog's API refuses."""
    return in_json(status, {"errors": list(said)}, **headers)


@contextmanager
def datadog(*first: Any, **settings: Any) -> Iterator[tuple[Intake, Platform]]:
    """Open an intake that gives the `first` answers before its own."""
    intake = Intake(**settings)
    with Platform(*first, intake).open() as platform:
        yield intake, platform


def _wrong(received: Received) -> str | None:
    """Return what is wrong with a payload."""
    if received.headers.get("content-type") != "application/json" or "content-encoding" in received.headers:
        return "not application/json, or encoded, which no agent passes on"
    try:
        check(_read(received.body))
    except (jsonschema.ValidationError, ValueError) as error:
        return str(error).splitlines()[0]
    return None


def check(payload: Any) -> None:
    """Raise `jsonschema.ValidationError` unless a payload is one of ddtrace's."""
    jsonschema.validate(payload, _PAYLOAD)


def _read(body: bytes) -> Any:
    return json.loads(body.decode(), parse_float=Decimal, parse_constant=_no_number)


def _no_number(text: str) -> Any:
    raise ValueError(f"{text} is no JSON")
