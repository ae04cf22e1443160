"""The output of a text model."""

from typing import Any

import msgspec

from spancast.testing.simulator import prose, search, tokens, usage
from spancast.testing.simulator.directives import Directives
from spancast.testing.simulator.generation import EarlyEnd, Generation, GenerationStart
from spancast.testing.simulator.model import Model
from spancast.testing.simulator.prompt import Prompt
from spancast.testing.simulator.search import Source
from spancast.testing.simulator.toolcalls import ToolCall, call
from spancast.testing.simulator.usage import Usage

_MIN_WORDS = 12
_SPREAD = 24
"""A response has twelve to thirty-five words, unless directed otherwise."""


class TextOutput(msgspec.Struct, frozen=True, kw_only=True):
    """Reasoning, content and tool calls. Words have their leading space: joined, they are the text."""

    reasoning: tuple[str, ...] = ()
    reasoning_shown: bool = True
    content: tuple[str, ...] = ()
    tool_calls: tuple[ToolCall, ...] = ()
    sources: tuple[Source, ...] = ()
    """What the content cites."""

    @property
    def text(self) -> str:
        """The content."""
        return "".join(self.content)

    @property
    def thought(self) -> tuple[str, ...]:
        """The words of the reasoning that the client sees."""
        return self.reasoning if self.reasoning_shown else ()

    @property
    def reasoning_tokens(self) -> int:
        """The tokens of the reasoning, whether it is shown or not."""
        return tokens.of_text("".join(self.reasoning))

    @property
    def tokens(self) -> int:
        """The tokens of all of it."""
        return self.reasoning_tokens + tokens.of_text(self.text) + sum(c.tokens for c in self.tool_calls)


def write(prompt: Prompt, model: Model, opening: GenerationStart, directives: Directives) -> Generation[TextOutput]:
    """Answer `prompt` with `model`, in as many words as directed."""
    whole = _whole(prompt, model, opening, directives.words)
    kept = _within(whole, prompt.max_tokens)
    counted = Usage(
        prompt_tokens=prompt.tokens + (prompt.search.tokens if prompt.search else 0),
        completion_tokens=kept.tokens,
        reasoning_tokens=kept.reasoning_tokens,
        **_searched(prompt),
    )
    read = usage.cached(counted, model.prices, repeated=opening.repeated, ttl=prompt.cache_ttl)
    return Generation(
        opening=opening,
        model=model,
        output=kept,
        usage=usage.priced(read, model.prices),
        finish_reason="length" if kept != whole else "tool_calls" if kept.tool_calls else "stop",
    )


def end(made: Generation[TextOutput], ending: EarlyEnd) -> Generation[TextOutput]:
    """Return the generation as it is when it ends early: with part of its words, and the tokens of those."""
    content = made.output.content[: len(made.output.content) // ending.share] if ending.share else ()
    kept = TextOutput(
        reasoning=made.output.reasoning if ending.share else (),
        reasoning_shown=made.output.reasoning_shown,
        content=content,
    )
    counted = msgspec.structs.replace(made.usage, completion_tokens=kept.tokens, reasoning_tokens=kept.reasoning_tokens)
    return msgspec.structs.replace(
        made,
        output=kept,
        finish_reason=ending.finish_reason,
        failure=ending.failure,
        usage=usage.insured(counted) if ending.insured else usage.priced(counted, made.model.prices),
    )


def _whole(prompt: Prompt, model: Model, opening: GenerationStart, length: int | None) -> TextOutput:
    key = prompt.text
    asked = prompt.tools_asked_for
    reasons = model.reasoning == "always" or (model.reasoning == "asked" and prompt.reasoning.asked)
    return TextOutput(
        reasoning=tuple(prose.words(f"{key}/reasoning", prompt.reasoning.words)) if reasons else (),
        reasoning_shown=prompt.reasoning.shown,
        content=() if asked else tuple(prose.words(key, length or _MIN_WORDS + prose.pick(key, _SPREAD))),
        tool_calls=tuple(call(tool, opening.seed, key) for tool in asked),
        sources=() if asked else search.sources(key, prompt.search),
    )


def _searched(prompt: Prompt) -> dict[str, Any]:
    found = prompt.search
    if found is None:
        return {}
    counted = {"searches": 1, "search_results": found.results, "tool_calls": int(found.by_tool)}
    return counted | {"tool_cost": found.cost}


def _within(written: TextOutput, limit: int | None) -> TextOutput:
    """Return what `limit` tokens hold: the reasoning before the answer. A tool call is never cut."""
    if limit is None:
        return written
    reasoning = _cut(written.reasoning, limit)
    content = _cut(written.content, limit - tokens.of_text("".join(reasoning)))
    return msgspec.structs.replace(written, reasoning=reasoning, content=content)


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
