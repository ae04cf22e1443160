"""POST /responses: a Responses object, plain or at the end of a stream of typed events (OpenRouter API, Responses)."""

from typing import Any

import msgspec

from spancast.capture import typed
from spancast.capture.decode import Decoder
from spancast.capture.dialect import Dialect
from spancast.capture.reading import Envelope, Reading, sources
from spancast.capture.values import Text, count, listed, member, text


class _Answer(Envelope):
    """The members that are read of a Responses object, and of an event, which holds one or is about a part of one."""

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


_answer = Decoder(_Answer)
_COMPLETED = "response.completed"
_LAST = frozenset({_COMPLETED, "response.incomplete", "response.failed"})
_ERRORS = frozenset({"error", "response.error"})
_CLIENT_TOOLS = frozenset(
    {"function_call", "custom_tool_call", "apply_patch_call", "local_shell_call", "computer_call"}
)
"""The items by which the model asks the application for something; a `shell_call` is run in OpenRouter's own sandbox.

(OpenRouter API, OutputItems.)
"""
_LENGTH = {"max_output_tokens": "length"}
"""OpenAI's reason for an incomplete response, by its normalised name."""


def _take(reading: Reading, data: bytes) -> None:
    answer = _answer(data)
    if answer is None:
        reading.unread += 1
        return
    kind = answer.type
    if kind is None:
        _result(reading, answer)
        return
    reading.objects += 1
    reading.spoke = reading.spoke or kind.endswith(".delta")
    result = _answer.of(answer.response)
    if result is not None:
        reading.objects -= 1
        reading.owes_reason = kind != _COMPLETED
        _result(reading, result)
    _item(reading, answer.output_index, answer.item)
    reading.cites(sources([answer.annotation]))
    if kind in _ERRORS:
        reading.fail(answer.error or {"code": answer.code, "message": answer.message}, answer.error_type)
    reading.over = reading.over or kind in _LAST


def _result(reading: Reading, answer: _Answer) -> None:
    reading.envelope(answer, id_names_generation=False)
    reading.becomes(status=answer.status, response_model=answer.model)
    reading.billed(answer.usage)
    if answer.status == "failed" and answer.error is None:
        reading.fail(None, answer.error_type)
    reason = text(member(answer.incomplete_details, "reason"))
    if reason is not None:
        reading.choose(0, _LENGTH.get(reason, reason), reason)
    output = listed(answer.output)
    for number, each in enumerate(output):
        _item(reading, number, each)
    parts = [part for each in output for part in listed(member(each, "content"))]
    reading.cites_in_all(sum(sources(member(part, "annotations")) for part in parts))


def _item(reading: Reading, number: Any, item: Any) -> None:
    if text(member(item, "type")) in _CLIENT_TOOLS:
        reading.calls_tool(text(member(item, "call_id")) or count(number))


RESPONSES = Dialect(
    operation="responses",
    take=_take,
    is_all_text=typed.is_all_text,
    states=typed.states,
    takes_user=True,
    takes_trace=True,
)
