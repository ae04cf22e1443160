"""POST /chat/completions and POST /completions: what a plain answer states, and what a stream does (OpenRouter API)."""

import re
from typing import Any

import msgspec

from spancast.capture.decode import Decoder
from spancast.capture.dialect import Dialect
from spancast.capture.reading import Envelope, Reading
from spancast.capture.usage import usage_facts
from spancast.capture.values import MAX_ITEMS, count, items, member, text


class _Answer(Envelope):
    """The members of an answer, or of a chunk of one, that are read. `choices` is read apart."""

    choices: msgspec.Raw = msgspec.Raw()


class _Message(msgspec.Struct):
    """The members of a choice's `message` that are read. Its text is not."""

    tool_calls: Any = None
    annotations: Any = None


class _Choice(msgspec.Struct):
    """The members of a choice that are read."""

    index: Any = None
    finish_reason: Any = None
    native_finish_reason: Any = None
    error: Any = None
    delta: Any = None
    text: msgspec.Raw = msgspec.Raw()
    message: msgspec.Raw = msgspec.Raw()


_answer = Decoder(_Answer)
_choice = Decoder(_Choice)
_message = Decoder(_Message)
_raw_choices = msgspec.json.Decoder(list[msgspec.Raw]).decode


def _take(reading: Reading, data: bytes) -> None:
    answer = _answer(data)
    if answer is None:
        reading.unread += 1
        return
    reading.envelope(answer)
    if answer.usage is not None:
        reading.usage.update(usage_facts(answer.usage))
    for position, choice in enumerate(_choices(answer.choices)):
        _choose(reading, position, choice)


def _choose(reading: Reading, position: int, choice: _Choice) -> None:
    index = count(choice.index)
    index = position if index is None else index
    reason = text(choice.finish_reason)
    reading.choose(index, reason, text(choice.native_finish_reason))
    reading.spoke = reading.spoke or _speaks(choice.delta) or _says(choice.text)
    if choice.error is not None or reason == "error":
        reading.fail(choice.error)
    message = choice.delta if choice.delta is not None else _read(choice.message)
    for number, call in enumerate(items(member(message, "tool_calls"))):
        place = count(member(call, "index"))
        reading.calls_tool((index, number if place is None else place))
    reading.cites(len(items(member(message, "annotations"))))


def _read(message: Any) -> Any:
    """Return the members of a plain answer's message that are read."""
    seen = _message.of(message)
    return None if seen is None else {"tool_calls": seen.tool_calls, "annotations": seen.annotations}


def _choices(seen: Any) -> list[_Choice]:
    try:
        listed = _raw_choices(seen)[:MAX_ITEMS] if isinstance(seen, msgspec.Raw) else items(seen)
    except (ValueError, RecursionError):
        return []
    return [choice for each in listed if (choice := _choice.of(each))]


def _speaks(delta: Any) -> bool:
    """Whether a delta holds anything but the role."""
    return isinstance(delta, dict) and any(value for key, value in delta.items() if key != "role")


def _says(written: Any) -> bool:
    """Whether the text of a completion, which stands where chat has a delta, is any."""
    return memoryview(written) not in _NO_TEXT if isinstance(written, msgspec.Raw) else bool(written)


_NO_TEXT = (b"", b'""', b"null")
_OBJECT_BESIDE_DELTA = re.compile(rb'":\{"(?<!"delta":\{")')
_FINISH = re.compile(rb'"finish_reason":[^n]')
_LAST = 1024


def _is_all_text(block: bytes) -> bool:
    """Whether no event holds an object beside its delta, or a finish reason: so no usage, no error, no tool, no end.

    Inside a JSON string a quote is escaped, so that `":{"` only stands where an object is a member. Where JSON is
    written with spaces every finish reason looks named; what comes last, behind all text, is looked for by its name.
    """
    last = block[-_LAST:]
    return (
        _OBJECT_BESIDE_DELTA.search(block) is None
        and _FINISH.search(block) is None
        and b'"tool_calls"' not in block
        and b"[DONE]" not in last
        and b'"usage"' not in last
        and b'"error"' not in last
    )


_NAMED_FINISH = re.compile(rb'"finish_reason"\s*:\s*[^n\s]')
_NAMED_TOOL = re.compile(rb'"tool_calls"\s*:.*?"id"\s*:\s*"')


def _states(data: bytes) -> bool:
    """Whether an event states more than text: usage, an error, a source, a new tool call, a finish reason."""
    return (
        b'"usage"' in data
        or b'"error"' in data
        or b'"annotations"' in data
        or _NAMED_FINISH.search(data) is not None
        or _NAMED_TOOL.search(data) is not None
    )


CHAT = Dialect(operation="chat", take=_take, is_all_text=_is_all_text, states=_states)
COMPLETION = Dialect(operation="completion", take=_take, is_all_text=_is_all_text, states=_states)
