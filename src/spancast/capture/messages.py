"""POST /messages: Anthropic's Messages, plain or as a stream of named events (OpenRouter API, MessagesResult)."""

from typing import Any

import msgspec

from spancast.capture import typed
from spancast.capture.decode import Decoder
from spancast.capture.dialect import Dialect
from spancast.capture.reading import Envelope, Reading
from spancast.capture.usage import messages_usage_facts
from spancast.capture.values import Text, count, listed, member, text


class _Answer(Envelope):
    """The members that are read of a message, and of an event, which holds one or changes one."""

    usage: Any = None
    """Anthropic's own, which a stream states piece by piece."""
    request_id: Text | None = None
    type: Text | None = None
    stop_reason: Any = None
    content: Any = None
    message: msgspec.Raw = msgspec.Raw()
    delta: Any = None
    content_block: Any = None
    index: Any = None


_answer = Decoder(_Answer)

_MESSAGE = "message"

FINISH = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "pause_turn": "stop",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "tool_use": "tool_calls",
    "refusal": "content_filter",
    "compaction": "stop",
}
"""OpenRouter's normalised finish reason of each of Anthropic's stop reasons."""


def _take(reading: Reading, data: bytes) -> None:
    answer = _answer(data)
    if answer is None:
        reading.unread += 1
        return
    reading.objects += 1
    _EVENTS.get(answer.type or _MESSAGE, _other)(reading, answer)


def _message(reading: Reading, answer: _Answer) -> None:
    reading.objects -= 1
    reading.envelope(answer, id_names_generation=False)
    _bill(reading, answer.usage)
    if answer.type == _MESSAGE:
        reading.choose(0, None)
    _stop(reading, answer.stop_reason)
    for number, block in enumerate(listed(answer.content)):
        _block(reading, number, block)


def _start(reading: Reading, answer: _Answer) -> None:
    message = _answer.of(answer.message)
    if message is not None:
        message.usage = _begun(message.usage)
        _message(reading, message)


def _begun(usage: Any) -> Any:
    """Return the usage that a stream begins with, less the output, and zeros that only mean not known yet."""
    if not isinstance(usage, dict):
        return None
    return {name: value for name, value in usage.items() if value and name != "output_tokens"}


def _block_start(reading: Reading, answer: _Answer) -> None:
    _block(reading, answer.index, answer.content_block)


def _block(reading: Reading, number: Any, block: Any) -> None:
    if member(block, "type") == "tool_use":
        reading.calls_tool(text(member(block, "id")) or count(number))
    reading.cites(len(listed(member(block, "citations"))))


def _piece(reading: Reading, answer: _Answer) -> None:
    reading.spoke = True
    reading.cites(member(answer.delta, "type") == "citations_delta")


def _change(reading: Reading, answer: _Answer) -> None:
    _bill(reading, answer.usage)
    _stop(reading, member(answer.delta, "stop_reason"))


def _end(reading: Reading, answer: _Answer) -> None:
    reading.objects -= 1
    reading.envelope(answer, id_names_generation=False)
    reading.over = True


def _error(reading: Reading, answer: _Answer) -> None:
    reading.objects -= 1
    reading.envelope(answer, id_names_generation=False)
    reading.name(request_id=answer.request_id)
    if answer.error is None:
        reading.fail(None, answer.error_type)


def _other(reading: Reading, answer: _Answer) -> None:
    if answer.error is not None:
        _error(reading, answer)


_EVENTS = {
    _MESSAGE: _message,
    "message_start": _start,
    "content_block_start": _block_start,
    "content_block_delta": _piece,
    "message_delta": _change,
    "message_stop": _end,
    "error": _error,
}


def _bill(reading: Reading, usage: Any) -> None:
    """Take a `usage`; in a stream a later one completes an earlier one, name by name."""
    if isinstance(usage, dict):
        reading.bill.update({name: value for name, value in usage.items() if value is not None})
        reading.usage = messages_usage_facts(reading.bill)


def _stop(reading: Reading, seen: Any) -> None:
    reason = text(seen)
    if reason is not None:
        reading.choose(0, FINISH.get(reason, reason), reason)


MESSAGES = Dialect(
    operation="message",
    take=_take,
    is_all_text=typed.is_all_text,
    states=typed.states,
    takes_user=True,
    takes_trace=True,
)
