"""GET /generation: what OpenRouter knows of a generation afterwards (OpenRouter API, GenerationResponse)."""

from typing import Any

import msgspec

from spancast.capture.decode import Decoder
from spancast.capture.values import Facts, count, flag, member, money, stated, text


class _Answer(msgspec.Struct):
    data: Any = None


_answer = Decoder(_Answer)


def generation_facts(body: bytes) -> Facts | None:
    """Return the fields of a Late that the answer states; `None` where it states no cost.

    The native counts are those that `usage` has in an answer, and what is billed by. The upstream cost is 0 here where
    OpenRouter's own credits paid, whatever the provider took (recorded lookups), so that it is read under BYOK alone.
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
