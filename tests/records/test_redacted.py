"""What a redactor may return, and what is left of a part without what it removed."""

from collections.abc import Callable
from typing import Any

import pytest

from spancast.records.redacted import redacted_text, without_removed


@pytest.mark.parametrize(
    ("redact", "left"),
    [(str.upper, "SECRET"), (lambda _text: None, None), (lambda _text: "", ""), (lambda _text: "\ud800", "?")],
)
def test_a_redactor_returns_text_or_removes_it(redact: Callable[[str], str | None], left: str | None) -> None:
    assert redacted_text(redact, "secret") == left


def test_a_redactor_that_returns_anything_else_is_told_so() -> None:
    redact: Any = len
    with pytest.raises(TypeError, match="redact= returned a int"):
        redacted_text(redact, "secret")


@pytest.mark.parametrize(
    ("redacted", "left"),
    [
        ({"type": "text", "content": None}, None),
        ({"type": "uri", "uri": None, "modality": "image"}, None),
        ({"type": "tool_call", "name": "f", "arguments": None}, {"type": "tool_call", "name": "f", "arguments": None}),
        ({"type": "blob", "content": "[3 bytes]", "transcript": None}, {"type": "blob", "content": "[3 bytes]"}),
    ],
)
def test_a_part_keeps_what_it_means_something_with(redacted: dict[str, Any], left: dict[str, Any] | None) -> None:
    assert without_removed(redacted, dict.fromkeys(redacted, "before")) == left


def test_a_member_that_was_null_before_is_not_removed() -> None:
    part = {"type": "text", "content": None}
    assert without_removed(part, part) == part
