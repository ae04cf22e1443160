"""POST /responses: a Responses object, plain or at the end of a stream of typed events (OpenRouter API, Responses)."""

from typing import Any

import msgspec

from spancast.capture.dialects import typed_events
from spancast.capture.dialects.dialect import Dialect
from spancast.capture.json_decoder import Decoder
from spancast.capture.reading import Envelope, Reading, sources
from spancast.capture.values import Text, count, listed, member, text


class _Answer(Envelope):
    """The members that are read of a Responses object, and of an event, which holds one or a part of one."""

    status: Text | None = None
    incomplete_details: Any = None
    output: Any = None
    type: Text | None = None
    response: msgspec.Raw = msgspec.Raw()
    item: Any = None
    output_index: Any = None
    annotation: Any = None
    code: Any = None
    message: Any = None


_decode = Decoder(_Answer)
_COMPLETED = "response.completed"
_LAST = frozenset({_COMPLETED, "response.incomplete", "response.failed"})
_ERRORS = frozenset({"error", "response.error"})
_CLIENT_TOOLS = frozenset(
    {"function_call", "custom_tool_call", "apply_patch_call", "local_shell_call", "computer_call"}
)
"""The items in which the model calls a tool of the application (OpenRouter API, OutputItems).

A `shell_call` is not one: it is run in OpenRouter's own sandbox.
"""
_LENGTH = {"max_output_tokens": "length"}
"""From OpenAI's reason for an incomplete response to its normalised name."""


def _read(reading: Reading, answer: _Answer) -> None:
    kind = answer.type
    if kind is None:
        _result(reading, answer)
        return
    reading.has_output = reading.has_output or kind.endswith(".delta")
    result = _decode.of(answer.response)
    if result is not None:
        reading.may_have_reason = kind != _COMPLETED
        _result(reading, result)
    _item(reading, answer.output_index, answer.item)
    reading.count_citations(sources([answer.annotation]))
    if kind in _ERRORS:
        reading.set_error(answer.error or {"code": answer.code, "message": answer.message}, answer.error_type)
    reading.is_finished = reading.is_finished or kind in _LAST


def _result(reading: Reading, answer: _Answer) -> None:
    reading.add_envelope(answer, id_names_generation=False)
    reading.keep_last(status=answer.status, response_model=answer.model)
    reading.add_usage(answer.usage)
    if answer.status == "failed" and answer.error is None:
        reading.set_error(None, answer.error_type)
    reason = text(member(answer.incomplete_details, "reason"))
    if reason is not None:
        reading.set_finish_reason(0, _LENGTH.get(reason, reason), reason)
    output = listed(answer.output)
    for number, each in enumerate(output):
        _item(reading, number, each)
    parts = [part for each in output for part in listed(member(each, "content"))]
    reading.count_all_citations(sum(sources(member(part, "annotations")) for part in parts))


def _item(reading: Reading, number: Any, item: Any) -> None:
    if text(member(item, "type")) in _CLIENT_TOOLS:
        reading.count_tool_call(text(member(item, "call_id")) or count(number))


RESPONSES = Dialect(
    operation="responses",
    decode=_decode,
    read=_read,
    is_all_text=typed_events.is_all_text,
    states=typed_events.states,
    takes_user=True,
    takes_trace=True,
)
