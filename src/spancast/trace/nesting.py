"""Beside another instrumentation: its LLM span of a call is told what it lacks, and none of ours is made.

*Which span.* Looked for once, when the exchange opens: the current span, which is where nearly every library has its
own; else among the last few that began in this context, for a library that does not make its span the current one
(Langfuse), and for an LLM span under which an HTTP instrumentation has put one of its own. Agent, tool and workflow
spans are none, nor is a span that carries a call already: only a try that failed makes room for the next.

*When it is told.* Nothing can be set on a span that has ended, so each thing is set as soon as it is known: what the
request says when the exchange opens, what the headers say when they are there, what the usage says when that event of
a stream passes and before its chunk is handed on, how it ended when it ends. A body that nobody streams is read inside
our hook, so that their span is still open when all of it is known. The finalizer of an abandoned answer tells nothing:
it may run inside the very lock that setting takes.

*What it is told.* Every attribute that ours would have and theirs lacks, the bill first, never one in place of theirs,
and never so many that the SDK would let go of theirs. Whether it failed is theirs to say: a try that failed is not the
end of a span that covers several.

*Where that leaves the call.* It is booked as ever, and has the ids of their span; so the record that Spancast sends to
its own destinations is that span, with our attributes. Where theirs ended before the usage was known, ours is made
after all, under theirs, at the call's own time, and says so in `spancast.beside`; and so it does where theirs will only
be made when the answer is there, which the library's own function shows from which the request is sent. Under
`suppress_instrumentation`, which some libraries set around their own requests, no span of ours begins, but an open one
of theirs is told all the same.
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
from spancast.trace import names
from spancast.trace.attributes import Attributes, answer_attributes, request_attributes
from spancast.trace.span import SCOPE

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
"""By what a span says that it is an LLM call; the first of these that it has decides.

GenAI semantic conventions; OpenInference's; Langfuse's; those that OpenLLMetry had before the conventions.
"""

MODEL = (names.REQUEST_MODEL, "llm.model_name", "langfuse.observation.model.name")
"""Where the same libraries say which model was asked."""

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
"""What a library is called, by how the instrumentation scope of its spans begins; any other goes by its scope."""

REMEMBERED = 4
"""Spans of a context that are looked at behind the current one."""

_HTTP = ("http.request.method", "http.method")
"""By what a span says that it is a request on its way, of the same call as the span above it."""
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
"""What is set first where there is not room for all."""
_EVENT = (names.COST, names.USER, names.SESSION)
"""What an event beside the span is told too, with the names that are ours alone; the rest it has by itself."""
_INFERENCE = "opentelemetry.genai.client.inference.context"
"""The context key under which OpenTelemetry's GenAI instrumentations take attributes for their span and its event
(opentelemetry-util-genai, `_inference_invocation`)."""

_recent: ContextVar[tuple[ReferenceType[Span], ...]] = ContextVar("spancast_recent_spans", default=())


class _Claim:
    """What one open span was told, and whether there is room for a call on it."""

    __slots__ = ("free", "told")

    def __init__(self) -> None:
        self.free = [True]
        self.told: Attributes = {}


_claims: "WeakKeyDictionary[Span, _Claim]" = WeakKeyDictionary()
_carriers: "WeakValueDictionary[int, Span]" = WeakValueDictionary()


def is_carrier(span_id: int) -> bool:
    """Whether an open span carries a call, or was to."""
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
        """What the span has been told last of what the call used."""

    @property
    def above(self) -> SpanContext | None:
        """The span's parent."""
        return getattr(self.span, "parent", None)

    @property
    def library(self) -> str:
        """Whose span it is."""
        scope = _scope(self.span)
        return next((library for start, library in LIBRARIES.items() if scope.startswith(start)), scope or "unknown")

    def tell(self, call: Call) -> None:
        """Set what is known of the call by now and the span lacks."""
        with guard.quietly("trace.nesting"):
            if self.span.is_recording():
                self._set(call)

    def carries(self, call: Call) -> bool:
        """Tell how the call ended; return whether its bill, where it has any, is on the span."""
        if call.outcome == "abandoned":
            return True
        self.tell(call)
        bill = _bill(call)
        if call.error_type is not None and bill == _NO_BILL:
            self._claim.free.append(True)
        return bill in (self._bill, _NO_BILL)

    def _set(self, call: Call) -> None:
        told, theirs = self._claim.told, dict(getattr(self.span, "attributes", None) or {})
        known = _said(call)
        lacks = {name: known[name] for name in known if name not in theirs}
        updates = {name: known[name] for name in told if theirs.get(name) == told[name] != known.get(name, told[name])}
        found = updates | dict(list(lacks.items())[: _room(self.span, theirs)])
        self.span.set_attributes(found)
        told.update(found)
        if self._event is not None:
            self._event.update({name: known[name] for name in told if name in known and _for_event(name)})
        self._bill = _bill(call)


def carrier(call: Call) -> Carrier | None:
    """Return the open LLM span that is to carry a call, told what its request says; `None` where there is none."""
    try:
        span = _find(call)
        claim = None if span is None else _claimed(span)
        if span is None or claim is None:
            return None
        found = Carrier(span, claim, getattr(get_value(_INFERENCE), "attributes", None))
    except Exception:  # noqa: BLE001 - a span of another's making may be anything
        guard.caught("trace.nesting")
        return None
    found.tell(call)
    return found


def notice(span: Span) -> None:
    """Remember that a span began in this context."""
    _recent.set((ref(span), *_recent.get()[: REMEMBERED - 1]))


def _find(call: Call) -> Span | None:
    current = get_current_span()
    if _is_llm(current):
        return current
    recent = [span for each in _recent.get() if (span := each()) is not None and span.is_recording()]
    return (_over_http(current, recent) or _aside(current, recent, call)) if recent else None


def _over_http(current: Span, recent: Iterable[Span]) -> Span | None:
    """Return the LLM span that requests on their way hang under."""
    by_id = {span.get_span_context().span_id: span for span in recent}
    span: Span | None = current
    while span is not None and _says(span, _HTTP) is not None:
        above: SpanContext | None = getattr(span, "parent", None)
        span = None if above is None else by_id.get(above.span_id)
        if span is not None and _is_llm(span):
            return span
    return None


def _aside(current: Span, recent: Iterable[Span], call: Call) -> Span | None:
    """Return the LLM span that began beside the current one, for a request for the same model."""
    here = current.get_span_context()
    for span in recent:
        above: SpanContext | None = getattr(span, "parent", None)
        beside = above.span_id == here.span_id if above is not None else not here.is_valid
        if beside and _is_llm(span) and _says(span, MODEL) == call.request_model:
            return span
    return None


def _is_llm(span: Span) -> bool:
    """Whether a span is open, an LLM call, and none of ours."""
    if not span.is_recording() or _scope(span) == SCOPE:
        return False
    said = getattr(span, "attributes", None) or {}
    return next((said[name] in kinds for name, kinds in LLM.items() if name in said), False)


def _says(span: Span, keys: Iterable[str]) -> Any:
    said = getattr(span, "attributes", None) or {}
    return next((said[name] for name in keys if name in said), None)


def _scope(span: Span) -> str:
    return getattr(getattr(span, "instrumentation_scope", None), "name", None) or ""


def _claimed(span: Span) -> _Claim | None:
    """Return the claim of one call on a span; `None` where another has it. No lock: a fork may leave one held."""
    claim = _claims.setdefault(span, _Claim())
    try:
        claim.free.pop()
    except IndexError:
        return None
    _carriers[span.get_span_context().span_id] = span
    return claim


def _said(call: Call) -> Attributes:
    """Return what a span of ours would say, in the order of weight."""
    every = request_attributes(call) | answer_attributes(call)
    every.pop(names.ERROR_TYPE, None)
    return {name: every[name] for name in _FIRST if name in every} | every


def _room(span: Span, theirs: Mapping[str, Any]) -> int | None:
    """Return how many attributes may be added: a span that is full lets go of the oldest, and theirs still come."""
    most = getattr(getattr(span, "_attributes", None), "maxlen", None)
    return None if most is None else max(0, most - len(theirs)) // 2


def _for_event(name: str) -> bool:
    return name.startswith(("openrouter.", "spancast.")) or name in _EVENT


def _datadog(module: Any, _call: Call) -> bool:
    span = module.tracer.current_span()
    return span is not None and span.span_type == "llm"


def _openllmetry(module: Any, call: Call) -> bool:
    """Whether its wrapper of the SDK's `Responses` is what sends the request. A coroutine's callers await it."""
    if call.operation != "responses":
        return False
    frame: FrameType | None = sys._getframe()  # noqa: SLF001 - as documented, and `inspect` reads source files
    while frame is not None and frame.f_globals is not vars(module):
        frame = frame.f_back
    return frame is not None


WITNESSES: Final[Mapping[str, tuple[str, Callable[[Any, Call], bool]]]] = {
    "ddtrace": ("ddtrace.trace", _datadog),
    "openllmetry": ("opentelemetry.instrumentation.openai.v1.responses_wrappers", _openllmetry),
}
"""Libraries whose LLM span of a call is none of OpenTelemetry's, or is made when the call is over: a module of theirs,
and whether it has such a span of this call, or will have one."""


def witness(call: Call) -> str | None:
    """Return the library that has such a span, or will have one."""
    for library, (name, sees) in WITNESSES.items():
        module = sys.modules.get(name)
        if module is not None:
            with guard.quietly("trace.nesting"):
                if sees(module, call):
                    return library
    return None
