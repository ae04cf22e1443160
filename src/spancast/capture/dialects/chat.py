"""POST /chat/completions and POST /completions: plain answers and streams (OpenRouter API)."""

import re
from dataclasses import replace
from typing import Any

import msgspec

from spancast.capture.dialects.dialect import Dialect
from spancast.capture.json_decoder import Decoder
from spancast.capture.reading import Envelope, Reading, sources
from spancast.capture.values import Count, Text, count, items, listed, member, text


class _Message(msgspec.Struct):
    """The members that are read of a choice's `message`. Its text is not."""

    tool_calls: Any = None
    annotations: Any = None


class _Choice(msgspec.Struct):
    """The members that are read of a choice."""

    index: Count | None = None
    finish_reason: Text | None = None
    native_finish_reason: Text | None = None
    error: Any = None
    delta: Any = None
    text: msgspec.Raw = msgspec.Raw()
    message: _Message | None = None


class _Answer(Envelope):
    """The members that are read of an answer, or of a chunk of one."""

    choices: list[_Choice] | None = None


_decode = Decoder(_Answer)
_decode_message = Decoder(_Message)


def _read(reading: Reading, answer: _Answer) -> None:
    reading.add_envelope(answer)
    reading.add_usage(answer.usage)
    for position, choice in enumerate(items(answer.choices)):
        _read_choice(reading, position, choice)


def _read_choice(reading: Reading, position: int, choice: _Choice) -> None:
    index = position if choice.index is None else choice.index
    reading.set_finish_reason(index, choice.finish_reason, choice.native_finish_reason)
    reading.has_output = reading.has_output or _has_output(choice.delta) or _has_text(choice.text)
    if choice.error is not None or choice.finish_reason == "error":
        reading.set_error(choice.error)
    message = choice.message if choice.delta is None else _decode_message.of(choice.delta)
    if message is None:
        return
    for number, call in enumerate(listed(message.tool_calls)):
        stated = None if choice.delta is None else count(member(call, "index"))  # of the call that a delta continues
        reading.count_tool_call((index, number if stated is None else stated))
    if message.annotations is not None:
        reading.count_citations(sources(message.annotations))


def _has_output(delta: Any) -> bool:
    """Whether a delta holds anything but the role."""
    return isinstance(delta, dict) and any(value for key, value in delta.items() if key != "role")


def _has_text(written: Any) -> bool:
    """Whether the text of a completion, which takes the place of a chat's delta, is not empty."""
    return memoryview(written) not in _NO_TEXT if isinstance(written, msgspec.Raw) else bool(written)


_NO_TEXT = (b"", b'""', b"null")
_TAIL = 1024
"""Bytes at the end of a block that may hold the closing events of a stream."""


def _is_all_text(block: bytes, events: int) -> bool:
    """Whether no event holds an object besides its delta, or a finish reason: so no usage, error, tool call or end.

    Quotes inside a JSON string are escaped, so `":{"` only occurs where a member is an object. JSON with spaces does
    not match, and is parsed; what comes last, after all text, is searched for by name. Counting is several times as
    fast as a regular expression.
    """
    tail = block[-_TAIL:]
    return (
        block.count(b'"finish_reason":n') == events == block.count(b'"finish_reason":')
        and block.count(b'":{"') == block.count(b'"delta":{"')
        and b'"tool_calls"' not in block
        and b'"annotations"' not in block
        and b'"error"' not in block
        and b"[DONE]" not in tail
        and b'"usage"' not in tail
    )


_FINISH_REASON = re.compile(rb'"finish_reason"\s*:\s*[^n\s]')
_ID_OR_NAME = re.compile(rb'"(?:id|name)"\s*:\s*"')


def _states(data: bytes) -> bool:
    """Whether an event states more than text: usage, error, citation, routing, new tool call or finish reason."""
    return (
        b'"usage"' in data
        or b'"openrouter_metadata"' in data
        or b'"error"' in data
        or b'"annotations"' in data
        or _FINISH_REASON.search(data) is not None
        or _starts_tool_call(data)
    )


def _starts_tool_call(data: bytes) -> bool:
    at = data.find(b'"tool_calls"')
    return at >= 0 and _ID_OR_NAME.search(data, at) is not None


def _skim(reading: Reading, block: bytes) -> None:
    """Read what text events may state beside their text: the index of their choice, and the service tier.

    Many streams state the tier in every event, always the same one: the last is searched for, from the end. Where all
    events are of the first choice, as in most streams, counting them is enough.
    """
    at = max(block.rfind(b'"service_tier":"'), block.rfind(b'"service_tier": "'))
    if at >= 0 and (stated := _TIER.match(block, at)) is not None:
        reading.keep_last(service_tier=text(stated[1].decode("utf-8", "replace")))
    choices = max(block.count(b'"choices"'), block.count(b'"finish_reason"'))
    if (
        block.count(b'"choices":[{"index":0,') != choices
        and block.count(b'"finish_reason":null,"index":0,') != choices
        and block.count(b'"choices": [{"index": 0,') != choices
    ):
        for index in {found for pattern in _INDICES for found in pattern.findall(block)}:
            reading.set_finish_reason(int(index), None)


_TIER = re.compile(rb'"service_tier"\s*:\s*"([^"\\]*)"')
_INDICES = (
    re.compile(rb'"choices"\s*:\s*\[\s*\{\s*"index"\s*:\s*(\d{1,18})\b'),
    re.compile(rb'"index"\s*:\s*(\d{1,18})\s*,\s*"(?:delta|(?:native_)?finish_reason|logprobs)"'),
    re.compile(rb'"finish_reason"\s*:\s*null\s*,\s*"index"\s*:\s*(\d{1,18})\b'),
)
"""The index of a choice, by what is next to it: tool calls and pieces of reasoning have an `index`, too."""

CHAT = Dialect(
    operation="chat",
    decode=_decode,
    read=_read,
    is_all_text=_is_all_text,
    states=_states,
    skim=_skim,
    takes_user=True,
    takes_trace=True,
)
COMPLETION = replace(CHAT, operation="completion", takes_trace=False)
