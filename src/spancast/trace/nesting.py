"""Beside another instrumentation: its LLM span of a call gets the attributes it lacks, and we create no span.

*Which span.* It is searched once, when the exchange opens: the current span, which is nearly every library's own; else
the last few spans that started in this context, for a library that does not make its span current (Langfuse), and for
an LLM span under which an HTTP instrumentation has put one of its own. Agent, tool and workflow spans do not count, nor
does a span that carries a call already, unless that attempt failed.

*When.* Nothing can be set on a span that has ended, so each attribute is set as soon as it is known: those of the
request when the exchange opens, those of the headers when they arrive, those of the usage when a stream states it and
before that chunk is handed on, those of the outcome at the end. A body that is not streamed is read inside our hook, so
that their span is still open when all is known. The finalizer of an abandoned response sets nothing: it may run while
the lock is held that setting takes.

*What.* Every attribute that our span would have and theirs lacks, the bill first, never replacing theirs, and never so
many that the SDK would drop theirs. The status is theirs: a failed attempt does not end a span that covers several.

*The call.* It is recorded as ever, with the ids of their span, so that the record for Spancast's own destinations is
that span, with our attributes. If theirs ended before the usage was known, our span is created after all, under theirs,
at the call's own time, marked by `spancast.beside`. The same holds if theirs is created only after the response, which
shows in the library's function on the call stack. Under `suppress_instrumentation`, which some libraries set around
their own requests, we start no span, but an open one of theirs still gets the attributes.
"""

import sys
from collections.abc import Callable, Iterable, Mapping
from contextvars import ContextVar
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final
from weakref import ReferenceType, WeakKeyDictionary, WeakValueDictionary, ref

from opentelemetry.context import get_value
from opentelemetry.trace import Span, SpanContext, get_current_span

from spancast.base import guard
from spancast.records.call import Call
from spancast.semconv import names
from spancast.spans.attributes import Attributes, request_attributes, response_attributes
from spancast.spans.scope import SCOPE

if TYPE_CHECKING:
    from types import FrameType

LLM: Final[Mapping[str, frozenset[str]]] = {
    names.OPERATION: frozenset(
        {"chat", "text_completion", "generate_content", "embeddings", "rerank", "responses", "completion"}
    ),
    "openinference.span.kind": frozenset({"LLM", "EMBEDDING", "RERANKER", "DECISION"}),
    "langfuse.observation.type": frozenset({"generation", "embedding"}),
    "llm.request.type": frozenset({"chat", "completion", "embedding", "rerank"}),
}
"""The values of attributes that mark a span as an LLM call; the first of these attributes that it has decides.

GenAI semantic conventions; OpenInference; Langfuse; OpenLLMetry's names before the conventions.
"""

MODEL = (names.REQUEST_MODEL, "llm.model_name", "langfuse.observation.model.name")
"""The attributes in which the same libraries state the requested model."""

LIBRARIES: Final = {
    "logfire": "logfire",
    "langfuse": "langfuse",
    "openinference.": "openinference",
    "opentelemetry.instrumentation.genai": "opentelemetry-genai",
    "opentelemetry.util.genai": "opentelemetry-genai",
    "opentelemetry.instrumentation.openai_v2": "opentelemetry-openai-v2",
    "opentelemetry.instrumentation.": "openllmetry",
    "pydantic-ai": "pydantic-ai",
}
"""The names of libraries, by the prefix of their spans' instrumentation scope; others are named by their scope."""

MAX_RECENT = 4
"""The last spans of a context that are searched after the current one."""

_HTTP = ("http.request.method", "http.method")
"""The attributes that mark a span as an HTTP request, of the same call as its parent."""
_FIRST = (
    names.CALL_ID,
    names.COST,
    names.COST_USD,
    names.SPENT_USD,
    names.GENERATION_ID,
    names.PROVIDER,
    names.USER,
    names.SESSION,
    names.OUTCOME,
)
"""The attributes that are set first if there is no room for all."""
_EVENT = (names.COST, names.USER, names.SESSION)
"""The attributes that an event beside the span gets too, besides those with our own names; it has the others itself."""
_INFERENCE = "opentelemetry.genai.client.inference.context"
"""The context key of the attributes that OpenTelemetry's GenAI instrumentations set on their span and its event
(opentelemetry-util-genai, `_inference_invocation`)."""

_recent: ContextVar[tuple[ReferenceType[Span], ...]] = ContextVar("spancast_recent_spans", default=())


class _Claim:
    """What we have set on an open span, and whether it is free to carry a call."""

    __slots__ = ("attributes", "free")

    def __init__(self) -> None:
        self.free = [True]
        """Empty while the span carries a call; popping is atomic."""
        self.attributes: Attributes = {}


_claims: "WeakKeyDictionary[Span, _Claim]" = WeakKeyDictionary()
_carriers: "WeakValueDictionary[int, Span]" = WeakValueDictionary()


def is_carrier(span_id: int) -> bool:
    """Return whether an open span carries a call, or was to."""
    return span_id in _carriers


_Bill = tuple[Decimal | None, int | None, int | None]
_NO_BILL: _Bill = (None, None, None)


def _bill(call: Call) -> _Bill:
    return call.cost, call.input_tokens, call.output_tokens


class Carrier:
    """An open LLM span of another library that carries a call. Its methods do not raise."""

    __slots__ = ("_bill", "_claim", "_event", "span")

    def __init__(self, span: Span, claim: _Claim, event: dict[str, Any] | None) -> None:
        self.span = span
        self._claim = claim
        self._event = event
        self._bill: _Bill = _NO_BILL
        """The bill that was set on the span last."""

    @property
    def above(self) -> SpanContext | None:
        """The span's parent."""
        return getattr(self.span, "parent", None)

    @property
    def library(self) -> str:
        """The library that created the span."""
        scope = _scope(self.span)
        return next((library for start, library in LIBRARIES.items() if scope.startswith(start)), scope or "unknown")

    def update(self, call: Call) -> None:
        """Set the attributes of the call that are known by now and the span lacks."""
        with guard.quietly("trace.nesting"):
            if self.span.is_recording():
                self._set(call)

    def finish(self, call: Call) -> bool:
        """Set the attributes of the finished call; return whether its bill, if it has any, is on the span."""
        if call.outcome == "abandoned":
            return True
        self.update(call)
        bill = _bill(call)
        if call.error_type is not None and bill == _NO_BILL:
            self._claim.free.append(True)
        return bill in (self._bill, _NO_BILL)

    def _set(self, call: Call) -> None:
        ours, theirs = self._claim.attributes, dict(getattr(self.span, "attributes", None) or {})
        known = _by_priority(call)
        missing = {name: known[name] for name in known if name not in theirs}
        updates = {name: known[name] for name in ours if theirs.get(name) == ours[name] != known.get(name, ours[name])}
        found = updates | dict(list(missing.items())[: _room(self.span, theirs)])
        self.span.set_attributes(found)
        ours.update(found)
        if self._event is not None:
            self._event.update({name: known[name] for name in ours if name in known and _for_event(name)})
        self._bill = _bill(call)


def carrier(call: Call) -> Carrier | None:
    """Return the open LLM span that is to carry a call, and set what is known by now; `None` if there is none."""
    try:
        span = _find(call)
        claim = None if span is None else _claimed(span)
        if span is None or claim is None:
            return None
        found = Carrier(span, claim, getattr(get_value(_INFERENCE), "attributes", None))
    except Exception:  # noqa: BLE001 - a span of another's making may be anything
        guard.caught("trace.nesting")
        return None
    found.update(call)
    return found


def remember(span: Span) -> None:
    """Remember that a span started in this context."""
    _recent.set((ref(span), *_recent.get()[: MAX_RECENT - 1]))


def _find(call: Call) -> Span | None:
    current = get_current_span()
    if _is_llm(current):
        return current
    recent = [span for each in _recent.get() if (span := each()) is not None and span.is_recording()]
    return (_over_http(current, recent) or _aside(current, recent, call)) if recent else None


def _over_http(current: Span, recent: Iterable[Span]) -> Span | None:
    """Return the LLM span that is the parent of the current HTTP spans."""
    by_id = {span.get_span_context().span_id: span for span in recent}
    span: Span | None = current
    while span is not None and _first_attribute(span, _HTTP) is not None:
        above: SpanContext | None = getattr(span, "parent", None)
        span = None if above is None else by_id.get(above.span_id)
        if span is not None and _is_llm(span):
            return span
    return None


def _aside(current: Span, recent: Iterable[Span], call: Call) -> Span | None:
    """Return the LLM span that started beside the current one, for a request to the same model."""
    here = current.get_span_context()
    for span in recent:
        above: SpanContext | None = getattr(span, "parent", None)
        beside = above.span_id == here.span_id if above is not None else not here.is_valid
        if beside and _is_llm(span) and _first_attribute(span, MODEL) == call.request_model:
            return span
    return None


def _is_llm(span: Span) -> bool:
    """Return whether a span is open, an LLM call, and not ours."""
    if not span.is_recording() or _scope(span) == SCOPE:
        return False
    attributes = getattr(span, "attributes", None) or {}
    return next((attributes[name] in kinds for name, kinds in LLM.items() if name in attributes), False)


def _first_attribute(span: Span, keys: Iterable[str]) -> Any:
    attributes = getattr(span, "attributes", None) or {}
    return next((attributes[name] for name in keys if name in attributes), None)


def _scope(span: Span) -> str:
    return getattr(getattr(span, "instrumentation_scope", None), "name", None) or ""


def _claimed(span: Span) -> _Claim | None:
    """Claim a span for a call; return `None` if another call has it. Lock-free, since a fork may leave a lock held."""
    claim = _claims.setdefault(span, _Claim())
    try:
        claim.free.pop()
    except IndexError:
        return None
    _carriers[span.get_span_context().span_id] = span
    return claim


def _by_priority(call: Call) -> Attributes:
    """Return the attributes that our own span would have, the most important first."""
    every = request_attributes(call) | response_attributes(call)
    every.pop(names.ERROR_TYPE, None)
    return {name: every[name] for name in _FIRST if name in every} | every


def _room(span: Span, theirs: Mapping[str, Any]) -> int | None:
    """Return how many attributes may be added: a full span drops the oldest, and their own are still to be set."""
    most = getattr(getattr(span, "_attributes", None), "maxlen", None)
    return None if most is None else max(0, most - len(theirs)) // 2


def _for_event(name: str) -> bool:
    return name.startswith(("openrouter.", "spancast.")) or name in _EVENT


def _datadog(module: Any, _call: Call) -> bool:
    span = module.tracer.current_span()
    return span is not None and span.span_type == "llm"


def _openllmetry(module: Any, call: Call) -> bool:
    """Return whether its wrapper of the SDK's `Responses` sends the request; async code has it on the stack too."""
    if call.operation != "responses":
        return False
    frame: FrameType | None = sys._getframe()  # noqa: SLF001 - as documented, and `inspect` reads source files
    while frame is not None and frame.f_globals is not vars(module):
        frame = frame.f_back
    return frame is not None


OTHER_LIBRARIES: Final[Mapping[str, tuple[str, Callable[[Any, Call], bool]]]] = {
    "ddtrace": ("ddtrace.trace", _datadog),
    "openllmetry": ("opentelemetry.instrumentation.openai.v1.responses_wrappers", _openllmetry),
}
"""Libraries whose LLM span of a call is not an OpenTelemetry span, or is created after the call: one of their modules,
and whether it has, or will create, such a span for this call."""


def library_beside(call: Call) -> str | None:
    """Return the library that has, or will create, such a span."""
    for library, (name, has_span) in OTHER_LIBRARIES.items():
        module = sys.modules.get(name)
        if module is not None:
            with guard.quietly("trace.nesting"):
                if has_span(module, call):
                    return library
    return None
