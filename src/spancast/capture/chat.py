"""POST /chat/completions and POST /completions: what a plain answer states, and what a stream does (OpenRouter API)."""

import re
from typing import Any

import msgspec

from spancast.capture.decode import Decoder
from spancast.capture.dialect import Dialect
from spancast.capture.reading import Envelope, Reading, sources
from spancast.capture.values import Count, Text, count, items, listed, member, text


class _Message(msgspec.Struct):
    """The members of a choice's `message` that are read. Its text is not."""

    tool_calls: Any = None
    annotations: Any = None


class _Choice(msgspec.Struct):
    """The members of a choice that are read."""

    index: Count | None = None
    finish_reason: Text | None = None
    native_finish_reason: Text | None = None
    error: Any = None
    delta: Any = None
    text: msgspec.Raw = msgspec.Raw()
    message: _Message | None = None


class _Answer(Envelope):
    """The members of an answer, or of a chunk of one, that are read."""

    choices: list[_Choice] | None = None


_answer = Decoder(_Answer)
_message = Decoder(_Message)


def _take(reading: Reading, data: bytes) -> None:
    answer = _answer(data)
    if answer is None:
        reading.unread += 1
        return
    reading.envelope(answer)
    reading.billed(answer.usage)
    for position, choice in enumerate(items(answer.choices)):
        _choose(reading, position, choice)


def _choose(reading: Reading, position: int, choice: _Choice) -> None:
    index = position if choice.index is None else choice.index
    reading.choose(index, choice.finish_reason, choice.native_finish_reason)
    reading.spoke = reading.spoke or _speaks(choice.delta) or _says(choice.text)
    if choice.error is not None or choice.finish_reason == "error":
        reading.fail(choice.error)
    message = choice.message if choice.delta is None else _message.of(choice.delta)
    if message is None:
        return
    for number, call in enumerate(listed(message.tool_calls)):
        place = None if choice.delta is None else count(member(call, "index"))  # which one a delta goes on with
        reading.calls_tool((index, number if place is None else place))
    if message.annotations is not None:
        reading.cites(sources(message.annotations))


def _speaks(delta: Any) -> bool:
    """Whether a delta holds anything but the role."""
    return isinstance(delta, dict) and any(value for key, value in delta.items() if key != "role")


def _says(written: Any) -> bool:
    """Whether the text of a completion, which stands where chat has a delta, is any."""
    return memoryview(written) not in _NO_TEXT if isinstance(written, msgspec.Raw) else bool(written)


_NO_TEXT = (b"", b'""', b"null")
_LAST = 1024


def _is_all_text(block: bytes, events: int) -> bool:
    """Whether no event holds an object beside its delta, or a finish reason: so no usage, no error, no tool, no end.

    Inside a JSON string a quote is escaped, so that `":{"` only stands where an object is a member. Where JSON is
    written with spaces no finish reason looks open; what comes last, behind all text, is looked for by its name.
    To count is several times as quick as to search with a regular expression.
    """
    last = block[-_LAST:]
    return (
        block.count(b'"finish_reason":n') == events == block.count(b'"finish_reason":')
        and block.count(b'":{"') == block.count(b'"delta":{"')
        and b'"tool_calls"' not in block
        and b'"annotations"' not in block
        and b'"error"' not in block
        and b"[DONE]" not in last
        and b'"usage"' not in last
    )


_NAMED_FINISH = re.compile(rb'"finish_reason"\s*:\s*[^n\s]')
_NAMED = re.compile(rb'"(?:id|name)"\s*:\s*"')


def _states(data: bytes) -> bool:
    """Whether an event states more than text: usage, an error, a source, a route, a new tool call, a finish reason."""
    return (
        b'"usage"' in data
        or b'"openrouter_metadata"' in data
        or b'"error"' in data
        or b'"annotations"' in data
        or _NAMED_FINISH.search(data) is not None
        or _names_tool(data)
    )


def _names_tool(data: bytes) -> bool:
    at = data.find(b'"tool_calls"')
    return at >= 0 and _NAMED.search(data, at) is not None


def _skim(reading: Reading, block: bytes) -> None:
    """Take what events may state that else have only text: of which choice they are, and the tier that serves it.

    Many streams state the tier in every event, and mean the same by it: the last is looked for, from behind. Where all
    events are of the first choice, as in most streams, it is enough to count them.
    """
    at = max(block.rfind(b'"service_tier":"'), block.rfind(b'"service_tier": "'))
    if at >= 0 and (stated := _TIER.match(block, at)) is not None:
        reading.becomes(service_tier=text(stated[1].decode("utf-8", "replace")))
    choices = max(block.count(b'"choices"'), block.count(b'"finish_reason"'))
    if (
        block.count(b'"choices":[{"index":0,') != choices
        and block.count(b'"finish_reason":null,"index":0,') != choices
        and block.count(b'"choices": [{"index": 0,') != choices
    ):
        for index in {found for beside in _INDICES for found in beside.findall(block)}:
            reading.choose(int(index), None)


_TIER = re.compile(rb'"service_tier"\s*:\s*"([^"\\]*)"')
_INDICES = (
    re.compile(rb'"choices"\s*:\s*\[\s*\{\s*"index"\s*:\s*(\d{1,18})\b'),
    re.compile(rb'"index"\s*:\s*(\d{1,18})\s*,\s*"(?:delta|(?:native_)?finish_reason|logprobs)"'),
    re.compile(rb'"finish_reason"\s*:\s*null\s*,\s*"index"\s*:\s*(\d{1,18})\b'),
)
"""The index of a choice, by what stands beside it: calls of tools and pieces of reasoning have an index, too."""

CHAT = Dialect(
    operation="chat",
    take=_take,
    is_all_text=_is_all_text,
    states=_states,
    skim=_skim,
    takes_user=True,
    takes_trace=True,
)
COMPLETION = Dialect(
    operation="completion", take=_take, is_all_text=_is_all_text, states=_states, skim=_skim, takes_user=True
)
