"""The table of faults, which a client requests by header or by model."""

from collections.abc import Callable, Mapping
from decimal import Decimal

import msgspec

from spancast.testing.simulator import answer, errors, pieces, usage
from spancast.testing.simulator.answer import Answer
from spancast.testing.simulator.errors import Refusal
from spancast.testing.simulator.generation import EarlyEnd, Failure
from spancast.testing.simulator.models import FAULTS_MODEL
from spancast.testing.simulator.pieces import Piece
from spancast.testing.simulator.usage import Usage

_BYOK_FEE = Decimal("0.05")
"""OpenRouter's fee for calls with the user's own provider key (OpenRouter docs, BYOK)."""
_DISCOUNTED = Decimal("0.65")
"""The share of the upstream cost that recorded endpoints with a discount charged."""
_SLOW_STEPS = 10
_FALLBACK_STATUSES = frozenset({429, 500, 502, 503, 524, 529})
_FAILURE = Failure(502, "Provider disconnected", "provider_unavailable", in_choice=False)


class Fault(msgspec.Struct, frozen=True, kw_only=True):
    """A fault: it rejects the request, changes the generation or its price, or disturbs the transmission."""

    refusal: Refusal | None = None
    instead: Refusal | None = None
    """The error that replaces the body of a response with a success status."""
    ending: EarlyEnd | None = None
    usage: Callable[[Usage], Usage] = lambda used: used
    usage_stated: bool = True
    cache_hit: bool = False
    """Whether the response cache serves the request, although it has never been made before."""
    answer: Callable[[Answer, float], Answer] = lambda given, _delay: given

    @property
    def falls_back(self) -> bool:
        """Whether OpenRouter tries the next of `models`."""
        return self.refusal is not None and self.refusal.status in _FALLBACK_STATUSES


NO_FAULT = Fault()


def by_name(name: str) -> Fault:
    """Return the fault called `name`; raise `RequestError` (400), which lists the names, if there is none."""
    if name not in FAULTS:
        raise errors.bad_request(f"The simulator has no fault {name!r}. Ask for one of: {', '.join(FAULTS)}.")
    return FAULTS[name]


def of_model(model_id: str) -> Fault:
    """Return the fault that a model such as `simulator/429` stands for; `NO_FAULT` for other models."""
    if not model_id.startswith(FAULTS_MODEL):
        return NO_FAULT
    name = model_id.removeprefix(FAULTS_MODEL)
    if name not in FAULTS:
        raise errors.no_model(model_id)
    return FAULTS[name]


def _refused(status: int, message: str, error_type: str, *, retry_after: int | None = None, **metadata: str) -> Fault:
    headers = {} if retry_after is None else {"Retry-After": str(retry_after)}
    stated = {**metadata, "error_type": error_type}
    return Fault(refusal=Refusal(status=status, message=message, metadata=stated, headers=headers))


def _fails(*, in_choice: bool) -> Fault:
    failure = msgspec.structs.replace(_FAILURE, in_choice=in_choice)
    return Fault(ending=EarlyEnd(finish_reason="error", failure=failure, share=2, insured=True))


def _charged(share: Decimal, *, is_byok: bool) -> Fault:
    return Fault(usage=lambda used: usage.discounted(used, share, is_byok=is_byok))


def _slow(given: Answer, delay: float) -> Answer:
    """Spread the delay over idle bytes: padding or comments."""
    first, *rest = given.pieces
    step = delay / _SLOW_STEPS
    waiting = [msgspec.structs.replace(given.idle, wait=step)] * (_SLOW_STEPS - 1)
    late = msgspec.structs.replace(first, wait=step)
    return msgspec.structs.replace(given, pieces=(given.idle, *waiting, late, *rest))


def _cut(given: Answer, _delay: float) -> Answer:
    bill = given.bill and msgspec.structs.replace(given.bill, cancelled=True)
    return msgspec.structs.replace(given, pieces=pieces.half(given.pieces), cut=True, bill=bill)


def _garbage(given: Answer, _delay: float) -> Answer:
    is_stream = given.headers["Content-Type"] == answer.EVENTS
    body = b'data: {"id":"gen-\n\ndata: <html>\n\n' if is_stream else b"<html><body>Bad gateway</body></html>"
    return msgspec.structs.replace(given, pieces=(Piece(body),), bill=None)


def _empty(given: Answer, _delay: float) -> Answer:
    return msgspec.structs.replace(given, pieces=(), bill=None)


FAULTS: Mapping[str, Fault] = {
    "402": _refused(
        402,
        "This request requires more credits, or fewer max_tokens. You requested up to 64000 tokens, but can only "
        "afford 1000. To increase, visit https://openrouter.ai/settings/credits and add more credits",
        "payment_required",
        limit_source="openrouter_credits",
    ),
    "403": _refused(403, "Request blocked: prompt injection patterns detected", "permission_denied"),
    "408": _refused(408, "Operation timed out. Please try again later.", "timeout"),
    "429": _refused(
        429,
        "Provider returned error",
        "rate_limit_exceeded",
        retry_after=1,
        raw="The model is temporarily rate-limited upstream. Please retry shortly.",
        provider_name="Simulator",
    ),
    "500": _refused(500, "Internal Server Error", "server"),
    "502": _refused(502, "Provider returned error", "provider_unavailable", provider_name="Simulator"),
    "503": _refused(503, "Service temporarily unavailable", "provider_unavailable", retry_after=1),
    "524": _refused(524, "Request timed out. Please try again later.", "timeout"),
    "529": _refused(529, "Provider returned error", "provider_overloaded", provider_name="Simulator"),
    "502-in-200": Fault(
        instead=Refusal(
            status=502,
            message="ConnectionError: the provider closed the connection",
            metadata={"provider_name": "Simulator"},
        )
    ),
    "error-mid-stream": _fails(in_choice=False),
    "choice-error": _fails(in_choice=True),
    "content-filter": Fault(ending=EarlyEnd(finish_reason="content_filter", share=2, insured=False)),
    "no-completion": Fault(ending=EarlyEnd(finish_reason=None, share=0, insured=True)),
    "slow": Fault(answer=_slow),
    "cut": Fault(answer=_cut),
    "no-usage": Fault(usage_stated=False),
    "byok": _charged(_BYOK_FEE, is_byok=True),
    "byok-free": _charged(Decimal(), is_byok=True),
    "discount": _charged(_DISCOUNTED, is_byok=False),
    "cache-hit": Fault(cache_hit=True),
    "garbage": Fault(answer=_garbage),
    "empty": Fault(answer=_empty),
}
