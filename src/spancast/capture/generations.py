"""GET /generation: what OpenRouter records of a generation (OpenRouter API, GenerationResponse)."""

from typing import Any

import msgspec

from spancast.capture.json_decoder import Decoder
from spancast.capture.values import Facts, count, flag, member, money, stated, text


class _Answer(msgspec.Struct):
    data: Any = None


_answer = Decoder(_Answer)


def generation_facts(body: bytes) -> Facts | None:
    """Return the fields of a LateFacts that the answer states; `None` where it states no cost.

    The native counts are those of the `usage` of an answer, and the ones that are billed. Where OpenRouter's credits
    paid, the upstream cost is 0 here, whatever the provider charged (recorded lookups), so it is read under BYOK only.
    """
    answer = _answer(body)
    data = None if answer is None else answer.data
    cost, is_byok = money(member(data, "total_cost")), flag(member(data, "is_byok"))
    if cost is None:
        return None
    return stated(
        generation_id=text(member(data, "id")),
        provider=text(member(data, "provider_name")),
        response_model=text(member(data, "model")),
        input_tokens=count(member(data, "native_tokens_prompt")),
        output_tokens=count(member(data, "native_tokens_completion")),
        cached_tokens=count(member(data, "native_tokens_cached")),
        reasoning_tokens=count(member(data, "native_tokens_reasoning")),
        cost=cost,
        upstream_cost=money(member(data, "upstream_inference_cost")) if is_byok else None,
        is_byok=is_byok,
    )
