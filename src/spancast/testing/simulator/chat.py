"""`POST /api/v1/chat/completions`."""

import msgspec

from spancast.testing.simulator import answer, errors, faults, generation, models, plain, prompt, stream, wishes
from spancast.testing.simulator.account import Account
from spancast.testing.simulator.answer import Answer
from spancast.testing.simulator.bills import Bill
from spancast.testing.simulator.faults import Fault
from spancast.testing.simulator.generation import Generation
from spancast.testing.simulator.models import Model
from spancast.testing.simulator.prompt import Prompt
from spancast.testing.simulator.served import Served
from spancast.testing.simulator.wishes import Wishes

_EXPOSED = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Expose-Headers": "X-Generation-Id,X-Provider-Name,cf-ray",
}


def complete(served: Served, account: Account) -> Answer:
    """Answer a chat request; raises `Refused` for what cannot be answered."""
    wished = wishes.read(served.headers, slow_delay=account.terms.slow_delay)
    asked = prompt.read(served)
    model, fault = _chosen(asked, wished)
    if fault.refusal is not None:
        raise errors.Refused(fault.refusal)
    opening = account.open(model.id, asked.cache_key, served.at)
    made = generation.generate(asked, model, opening, length=wished.words)
    made = fault.generation(made)
    given = fault.answer(_answer(asked, made, _bill(served, asked, made)), wished.delay)
    return wishes.granted(given, wished)


def _chosen(asked: Prompt, wished: Wishes) -> tuple[Model, Fault]:
    """Return the model that answers, and what goes wrong; a fallback is taken where a model before it fails."""
    candidates = [(models.find(model_id), faults.of_model(model_id)) for model_id in asked.models]
    if wished.fault is not None:
        return candidates[0][0], wished.fault
    return next((candidate for candidate in candidates if not candidate[1].falls_back), candidates[-1])


def _answer(asked: Prompt, made: Generation, bill: Bill) -> Answer:
    kind = (
        {"Content-Type": answer.EVENTS, "Cache-Control": "no-cache"} if asked.stream else {"Content-Type": answer.JSON}
    )
    return Answer(
        headers=kind | {"X-Generation-Id": made.id} | _EXPOSED,
        pieces=stream.pieces(made) if asked.stream else plain.pieces(made),
        chunked=True,
        bill=bill,
    )


def _bill(served: Served, asked: Prompt, made: Generation) -> Bill:
    usage = made.usage
    return Bill(
        generation_id=made.id,
        created=made.created,
        model=made.model.slug,
        provider=made.model.provider,
        router=models.router(asked.models[0]),
        user=asked.user,
        session_id=asked.session_id,
        prompt_tokens=usage.prompt_tokens,
        completion_tokens=usage.completion_tokens,
        cached_tokens=usage.cached_tokens,
        cache_write_tokens=usage.cache_write_tokens,
        reasoning_tokens=usage.reasoning_tokens,
        cost=usage.cost.normalize(),
        upstream_cost=usage.upstream_cost.normalize(),
        is_byok=usage.is_byok,
        streamed=asked.stream,
        finish_reason=made.finish_reason,
        native_finish_reason=made.native_finish_reason,
        origin=served.headers.get("http-referer", ""),
        user_agent=served.headers.get("user-agent"),
    )


def cancelled(bill: Bill) -> Bill:
    """Return the bill of a generation whose client went away: the whole price, marked."""
    return msgspec.structs.replace(bill, cancelled=True)
