"""The parts of a message: what is not text, what tools are, and what is nothing that is known."""

from typing import Any

import pytest

from spancast.capture.content import parts
from tests.support.shapes import check_parts, check_tools


@pytest.mark.parametrize(
    ("address", "kind", "part"),
    [
        (
            "https://example.org/cat.png",
            None,
            {"type": "uri", "modality": "image", "uri": "https://example.org/cat.png"},
        ),
        (
            "gs://bucket/cat.png",
            "image/png",
            {"type": "uri", "modality": "image", "uri": "gs://bucket/cat.png", "mime_type": "image/png"},
        ),
        (
            "data:image/png;base64," + "A" * 400,
            None,
            {"type": "blob", "modality": "image", "content": "[300 bytes]", "mime_type": "image/png"},
        ),
        (
            "data:image/svg+xml,%3Csvg/%3E",
            None,
            {"type": "blob", "modality": "image", "content": "[10 bytes]", "mime_type": "image/svg+xml"},
        ),
        ("data:;base64,AAAA", None, {"type": "blob", "modality": "image", "content": "[3 bytes]"}),
        (
            "data:audio/mp3;base64,AAAA",
            None,
            {"type": "blob", "modality": "audio", "content": "[3 bytes]", "mime_type": "audio/mp3"},
        ),
        (
            "AAAA" * 100,
            "image/webp",
            {"type": "blob", "modality": "image", "content": "[300 bytes]", "mime_type": "image/webp"},
        ),
        (None, None, {"type": "image"}),
        ({"url": 1}, None, {"type": "image"}),
    ],
)
def test_an_image_is_where_it_is_or_what_and_how_much_it_is(address: Any, kind: Any, part: Any) -> None:
    assert parts.media("image", address, kind) == part
    check_parts([part])


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ('{"city":"Paris"}', {"city": "Paris"}),
        ({"city": "Paris"}, {"city": "Paris"}),
        ('{"city":"Par', '{"city":"Par'),
        ("", ""),
        ("[" * 100_000, "[" * 100_000),
        ('{"n": %s}' % ("1" * 5_000), {"n": "1" * 5_000}),
        (None, None),
    ],
)
def test_arguments_are_what_they_mean_or_as_they_are_written(written: Any, meant: Any) -> None:
    assert parts.tool_call("call_1", "get_weather", written)["arguments"] == meant


@pytest.mark.parametrize("make", [parts.text, parts.reasoning, parts.refusal, parts.file])
@pytest.mark.parametrize("value", [None, 1, {"text": "Hello"}, ["Hello"]])
def test_words_that_are_none_are_not_kept(make: Any, value: Any) -> None:
    assert set(make(value)) == {"type"}
    check_parts([make(value)])


def test_what_names_a_part_is_text_or_absent() -> None:
    made = [
        parts.tool_call(7, ["f"], "x"),
        parts.tool_response({}, None),
        parts.server_tool_call(1, None, {"type": "web_search"}),
        parts.server_tool_response(None, {"type": "web_search"}),
        parts.unknown(3),
        parts.unknown(""),
        parts.unknown("text"),
        parts.blob("audio", 3, 4),
    ]
    check_parts(made)
    assert [part.get("id", "absent") for part in made] == ["absent"] * len(made)


def test_a_message_has_a_role_whatever_it_says_of_itself() -> None:
    assert parts.message(None, []) == {"role": "user", "parts": []}
    assert parts.message("tool", [], 3, "clock") == {"role": "tool", "parts": [], "name": "clock"}
    assert parts.message("assistant", [], "stop")["finish_reason"] == "stop"


@pytest.mark.parametrize(
    ("seen", "kept"),
    [
        (
            {"type": "function", "function": {"name": "f", "description": "Does.", "parameters": {"type": "object"}}},
            {"type": "function", "name": "f", "description": "Does.", "parameters": {"type": "object"}},
        ),
        (
            {"type": "function", "name": "f", "parameters": {"type": "object"}, "strict": True},
            {"type": "function", "name": "f", "parameters": {"type": "object"}},
        ),
        (
            {"name": "f", "input_schema": {"type": "object"}},
            {"type": "function", "name": "f", "parameters": {"type": "object"}},
        ),
        ({"type": "openrouter:web_search"}, {"type": "openrouter:web_search", "name": "openrouter:web_search"}),
        ({"type": "bash_20250124", "name": "bash"}, {"type": "bash_20250124", "name": "bash"}),
        ({"function": {"name": 1, "description": 2, "parameters": 3}}, {"type": "function", "name": "function"}),
        ("f", {"type": "function", "name": "function"}),
    ],
)
def test_a_tool_is_its_name_what_it_is_for_and_what_it_takes(seen: Any, kept: Any) -> None:
    assert parts.tool(seen) == kept
    check_tools([kept])
