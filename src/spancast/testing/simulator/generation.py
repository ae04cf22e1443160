"""One generation: what the model writes, and what that costs."""

from typing import Any

import msgspec

from spancast.testing.simulator import tokens, usage, words
from spancast.testing.simulator.models import Model
from spancast.testing.simulator.prompt import Prompt
from spancast.testing.simulator.toolcalls import ToolCall, call
from spancast.testing.simulator.usage import Usage

_FEWEST_WORDS = 12
_SPREAD = 24
"""An answer has from twelve to thirty-five words, unless told otherwise."""


class Opening(msgspec.Struct, frozen=True):
    """What a generation is given when it starts."""

    id: str
    at: float
    """Unix time in seconds."""
    repeated: bool
    """Whether its model has seen the same prompt before."""


class Failure(msgspec.Struct, frozen=True):
    """A provider that fails in the middle of an answer."""

    code: int
    message: str
    error_type: str
    in_choice: bool
    """Whether a stream states it in the choice; else at the top of the chunk."""


class Written(msgspec.Struct, frozen=True):
    """What a model wrote. Words have the space before them, so that joined they are the text."""

    reasoning: tuple[str, ...]
    content: tuple[str, ...]
    tool_calls: tuple[ToolCall, ...]

    @property
    def reasoning_tokens(self) -> int:
        """The tokens of the reasoning, whether it is shown or not."""
        return tokens.of_text("".join(self.reasoning))

    @property
    def tokens(self) -> int:
        """The tokens of all of it."""
        return self.reasoning_tokens + tokens.of_text("".join(self.content)) + sum(c.tokens for c in self.tool_calls)


class Generation(msgspec.Struct, frozen=True, kw_only=True):
    """What answers a prompt."""

    id: str
    created: int
    model: Model
    written: Written
    reasoning_shown: bool
    finish_reason: str
    usage: Usage
    usage_stated: bool = True
    failure: Failure | None = None

    @property
    def native_finish_reason(self) -> str:
        """The provider's own word for the finish reason."""
        return self.model.native.finish_reason(self.finish_reason)

    @property
    def shown_reasoning(self) -> tuple[str, ...]:
        """The words of the reasoning that the client gets to see."""
        return self.written.reasoning if self.reasoning_shown else ()


def generate(prompt: Prompt, model: Model, opening: Opening, *, length: int | None) -> Generation:
    """Answer `prompt` with `model`, in `length` words where that many are asked for."""
    whole = _written(prompt, model, opening, length)
    kept = _within(whole, prompt.max_tokens)
    return Generation(
        id=opening.id,
        created=int(opening.at),
        model=model,
        written=kept,
        reasoning_shown=prompt.reasoning_shown,
        finish_reason="length" if kept != whole else "tool_calls" if kept.tool_calls else "stop",
        usage=_usage(prompt, model, kept, repeated=opening.repeated),
    )


def _written(prompt: Prompt, model: Model, opening: Opening, length: int | None) -> Written:
    key = prompt.text
    asked = prompt.tools_asked_for
    reasons = model.reasoning == "always" or (model.reasoning == "asked" and prompt.reasoning_asked)
    reasoning = words.prose(f"{key}/reasoning", prompt.reasoning_words) if reasons else []
    content = [] if asked else words.prose(key, length or _FEWEST_WORDS + words.pick(key, _SPREAD))
    return Written(tuple(reasoning), tuple(content), tuple(call(tool, opening.id, key) for tool in asked))


def _within(written: Written, limit: int | None) -> Written:
    """Return what `limit` tokens hold: the reasoning before the answer. A tool call is never cut."""
    if limit is None:
        return written
    reasoning = _cut(written.reasoning, limit)
    content = _cut(written.content, limit - tokens.of_text("".join(reasoning)))
    return Written(reasoning, content, written.tool_calls)


def _cut(spoken: tuple[str, ...], limit: int) -> tuple[str, ...]:
    """Return the words that `limit` tokens hold, the last of them perhaps in part."""
    kept: list[str] = []
    room = limit * tokens.CHARACTERS
    for word in spoken:
        if room <= 0:
            break
        kept.append(word[:room])
        room -= len(word)
    return tuple(kept)


def _usage(prompt: Prompt, model: Model, written: Written, *, repeated: bool) -> Usage:
    counted = Usage(
        prompt_tokens=prompt.tokens,
        completion_tokens=written.tokens,
        reasoning_tokens=written.reasoning_tokens,
    )
    read = usage.cached(counted, model.prices, repeated=repeated, asked=prompt.cache_asked)
    return usage.priced(read, model.prices)


def half(made: Generation, failure: Failure) -> Generation:
    """Return the generation as it is when its provider fails half way.

    It states its tokens and costs nothing: OpenRouter charges nothing for a generation that ends in an error
    (OpenRouter docs, zero completion insurance).
    """
    content = made.written.content[: len(made.written.content) // 2]
    written = Written(made.written.reasoning, content, ())
    spent = Usage(
        prompt_tokens=made.usage.prompt_tokens,
        completion_tokens=written.tokens,
        reasoning_tokens=written.reasoning_tokens,
    )
    return msgspec.structs.replace(made, written=written, finish_reason="error", usage=spent, failure=failure)


def with_usage(made: Generation, **changes: Any) -> Generation:
    """Return the generation with some of its usage changed."""
    return msgspec.structs.replace(made, usage=msgspec.structs.replace(made.usage, **changes))
