"""POST /messages: Anthropic's Messages, plain or as a stream of named events (OpenRouter API, MessagesResult)."""

from typing import Any

import msgspec

from spancast.capture.dialects import typed_events
from spancast.capture.dialects.dialect import Dialect
from spancast.capture.json_decoder import Decoder
from spancast.capture.reading import Envelope, Reading
from spancast.capture.usage import messages_usage_facts
from spancast.capture.values import Text, count, listed, member, text


class _Answer(Envelope):
    """The members that are read of a message, and of an event, which holds or changes one."""

    usage: Any = None
    """Anthropic's own, which a stream states bit by bit."""
    request_id: Text | None = None
    type: Text | None = None
    stop_reason: Any = None
    content: Any = None
    message: msgspec.Raw = msgspec.Raw()
    delta: Any = None
    content_block: Any = None
    index: Any = None


_decode = Decoder(_Answer)

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


def _read(reading: Reading, answer: _Answer) -> None:
    _EVENTS.get(answer.type or _MESSAGE, _other)(reading, answer)


def _message(reading: Reading, answer: _Answer) -> None:
    reading.add_envelope(answer, id_names_generation=False)
    _add_usage(reading, answer.usage)
    if answer.type == _MESSAGE:
        reading.set_finish_reason(0, None)
    _set_stop_reason(reading, answer.stop_reason)
    for number, block in enumerate(listed(answer.content)):
        _block(reading, number, block)


def _start(reading: Reading, answer: _Answer) -> None:
    message = _decode.of(answer.message)
    if message is not None:
        message.usage = _initial_usage(message.usage)
        _message(reading, message)


def _initial_usage(usage: Any) -> Any:
    """Return the usage at the start of a stream without the output, and without zeros, which mean not known yet."""
    if not isinstance(usage, dict):
        return None
    return {name: value for name, value in usage.items() if value and name != "output_tokens"}


def _block_start(reading: Reading, answer: _Answer) -> None:
    _block(reading, answer.index, answer.content_block)


def _block(reading: Reading, number: Any, block: Any) -> None:
    if member(block, "type") == "tool_use":
        reading.count_tool_call(text(member(block, "id")) or count(number))
    reading.count_citations(len(listed(member(block, "citations"))))


def _delta(reading: Reading, answer: _Answer) -> None:
    reading.has_output = True
    reading.count_citations(member(answer.delta, "type") == "citations_delta")


def _message_delta(reading: Reading, answer: _Answer) -> None:
    _add_usage(reading, answer.usage)
    _set_stop_reason(reading, member(answer.delta, "stop_reason"))


def _end(reading: Reading, answer: _Answer) -> None:
    reading.add_envelope(answer, id_names_generation=False)
    reading.is_finished = True


def _error(reading: Reading, answer: _Answer) -> None:
    reading.add_envelope(answer, id_names_generation=False)
    reading.keep_first(request_id=answer.request_id)
    if answer.error is None:
        reading.set_error(None, answer.error_type)


def _other(reading: Reading, answer: _Answer) -> None:
    if answer.error is not None:
        _error(reading, answer)


_EVENTS = {
    _MESSAGE: _message,
    "message_start": _start,
    "content_block_start": _block_start,
    "content_block_delta": _delta,
    "message_delta": _message_delta,
    "message_stop": _end,
    "error": _error,
}


def _add_usage(reading: Reading, usage: Any) -> None:
    """Read a `usage`; in a stream a later one completes an earlier one, member by member."""
    if isinstance(usage, dict):
        reading.raw_usage.update({name: value for name, value in usage.items() if value is not None})
        reading.usage = messages_usage_facts(reading.raw_usage)


def _set_stop_reason(reading: Reading, stop_reason: Any) -> None:
    reason = text(stop_reason)
    if reason is not None:
        reading.set_finish_reason(0, FINISH.get(reason, reason), reason)


MESSAGES = Dialect(
    operation="message",
    decode=_decode,
    read=_read,
    is_all_text=typed_events.is_all_text,
    states=typed_events.states,
    takes_user=True,
    takes_trace=True,
)
