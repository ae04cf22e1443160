"""The content of Anthropic's Messages, plain or in pieces."""

from typing import Any

import pytest

from tests.support.spoken import events, spoken


def user(*content: Any) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": list(content)}]}


@pytest.mark.parametrize(
    ("block", "part"),
    [
        ({"type": "text", "text": "Hello"}, {"type": "text", "content": "Hello"}),
        (
            {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "AAAA"}},
            {"type": "blob", "modality": "image", "content": "[3 bytes]", "mime_type": "image/png"},
        ),
        (
            {"type": "image", "source": {"type": "url", "url": "https://example.org/a.png"}},
            {"type": "uri", "modality": "image", "uri": "https://example.org/a.png"},
        ),
        (
            {"type": "document", "source": {"type": "base64", "media_type": "application/pdf", "data": "AAAA"}},
            {"type": "blob", "modality": "document", "content": "[3 bytes]", "mime_type": "application/pdf"},
        ),
        (
            {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "Once upon a time"}},
            {"type": "text", "content": "Once upon a time"},
        ),
        (
            {"type": "document", "source": {"type": "file", "file_id": "f_1"}},
            {"type": "file", "modality": "document", "file_id": "f_1"},
        ),
        (
            {"type": "document", "source": {"type": "content", "content": [{"type": "text", "text": "Once"}]}},
            {"type": "document", "content": [{"type": "text", "content": "Once"}]},
        ),
        (
            {"type": "tool_use", "id": "toolu_1", "name": "weather", "input": {"city": "Paris"}},
            {"type": "tool_call", "id": "toolu_1", "name": "weather", "arguments": {"city": "Paris"}},
        ),
        (
            {"type": "tool_result", "tool_use_id": "toolu_1", "content": "Sunny."},
            {"type": "tool_call_response", "id": "toolu_1", "response": "Sunny."},
        ),
        (
            {"type": "tool_result", "tool_use_id": "toolu_1", "content": [{"type": "text", "text": "Sunny."}]},
            {"type": "tool_call_response", "id": "toolu_1", "response": [{"type": "text", "content": "Sunny."}]},
        ),
        ({"type": "thinking", "thinking": "Hm.", "signature": "A"}, {"type": "reasoning", "content": "Hm."}),
        ({"type": "redacted_thinking", "data": "A" * 100}, {"type": "redacted_thinking"}),
        (
            {"type": "server_tool_use", "id": "srv_1", "name": "web_search", "input": {"query": "tides"}},
            {
                "type": "server_tool_call",
                "id": "srv_1",
                "name": "web_search",
                "server_tool_call": {"type": "web_search", "input": {"query": "tides"}},
            },
        ),
        (
            {"type": "web_search_tool_result", "tool_use_id": "srv_1", "content": [{"title": "Tides"}]},
            {
                "type": "server_tool_call_response",
                "id": "srv_1",
                "server_tool_call_response": {"type": "web_search_tool_result", "content": [{"title": "Tides"}]},
            },
        ),
        (
            {"type": "search_result", "title": "T", "source": "s", "content": [{"type": "text", "text": "Once"}]},
            {"type": "search_result", "title": "T", "source": "s", "content": [{"type": "text", "content": "Once"}]},
        ),
        ({"type": "compaction", "content": "So far."}, {"type": "compaction", "content": "So far."}),
        ({"type": "compaction", "content": None, "encrypted_content": "A"}, {"type": "compaction"}),
        ({"type": "hologram", "hologram": "secret sauce"}, {"type": "hologram"}),
        (7, {"type": "unknown"}),
    ],
)
def test_every_kind_of_block(block: Any, part: Any) -> None:
    assert spoken("message", user(block)).prompt == [part]
    assert spoken("message", answer={"type": "message", "content": [block]}).parts == [part]


@pytest.mark.parametrize(
    ("system", "instructions"),
    [
        ("Be kind.", ["Be kind."]),
        ([{"type": "text", "text": "Be kind."}, {"type": "text", "text": "Be brief."}], ["Be kind.", "Be brief."]),
        (None, []),
    ],
)
def test_the_system_stands_apart_from_the_messages(system: Any, instructions: list[str]) -> None:
    found = spoken("message", {"messages": [{"role": "user", "content": "Hello"}], "system": system})
    assert [part["content"] for part in found.instructions] == instructions
    assert found.prompt == [{"type": "text", "content": "Hello"}]


def test_the_tools_that_were_offered() -> None:
    schema = {"type": "object", "properties": {}}
    tools = [
        {"name": "weather", "description": "Tells.", "input_schema": schema},
        {"type": "bash_20250124", "name": "bash"},
    ]
    assert spoken("message", {"messages": [], "tools": tools}).tools == [
        {"type": "function", "name": "weather", "description": "Tells.", "parameters": schema},
        {"type": "bash_20250124", "name": "bash"},
    ]


def start(index: int, **block: Any) -> dict[str, Any]:
    return {"type": "content_block_start", "index": index, "content_block": block}


def piece(index: int, kind: str, **more: Any) -> dict[str, Any]:
    return {"type": "content_block_delta", "index": index, "delta": {"type": kind, **more}}


STREAM: list[dict[str, Any]] = [
    {"type": "message_start", "message": {"role": "assistant", "content": []}},
    start(0, type="thinking", thinking="", signature=""),
    piece(0, "thinking_delta", thinking="H"),
    piece(0, "thinking_delta", thinking="m."),
    piece(0, "signature_delta", signature="A"),
    {"type": "content_block_stop", "index": 0},
    start(1, type="text", text=""),
    {"type": "ping"},
    piece(1, "text_delta", text="Hel"),
    piece(1, "text_delta", text="lo"),
    piece(1, "citations_delta", citation={"type": "char_location"}),
    start(2, type="tool_use", id="toolu_1", name="weather", input={}),
    piece(2, "input_json_delta", partial_json='{"city":'),
    piece(2, "input_json_delta", partial_json='"Paris"}'),
    start(3, type="server_tool_use", id="srv_1", name="web_search", input={}),
    piece(3, "input_json_delta", partial_json='{"query":"tides"}'),
    start(4, type="compaction", content=None),
    piece(4, "compaction_delta", content="So far."),
    {"type": "message_delta", "delta": {"stop_reason": "tool_use"}},
    {"type": "message_stop"},
]


def test_pieces_of_a_stream_are_joined() -> None:
    assert spoken("message", chunks=[events(*STREAM)]).said == [
        {
            "role": "assistant",
            "finish_reason": "tool_use",
            "parts": [
                {"type": "reasoning", "content": "Hm."},
                {"type": "text", "content": "Hello"},
                {"type": "tool_call", "id": "toolu_1", "name": "weather", "arguments": {"city": "Paris"}},
                {
                    "type": "server_tool_call",
                    "id": "srv_1",
                    "name": "web_search",
                    "server_tool_call": {"type": "web_search", "input": {"query": "tides"}},
                },
                {"type": "compaction", "content": "So far."},
            ],
        }
    ]


def test_a_stream_that_was_cut_says_what_came() -> None:
    found = spoken("message", chunks=[events(*STREAM[:13])])
    assert [part.get("content") for part in found.parts[:2]] == ["Hm.", "Hello"]
    assert found.parts[2] == {"type": "tool_call", "id": "toolu_1", "name": "weather", "arguments": '{"city":'}
    assert "finish_reason" not in found.said[0]


def test_a_tool_without_arguments_is_called_with_none() -> None:
    (part,) = spoken("message", chunks=[events(start(0, type="tool_use", id="t", name="now", input={}))]).parts
    assert part["arguments"] == {}


def test_a_piece_whose_block_never_began_is_kept_as_what_it_is_a_piece_of() -> None:
    stream = events(
        {"type": "content_block_start", "index": {"a": 1}, "content_block": "text"},
        {"type": "content_block_delta", "index": [1], "delta": {"type": "text_delta", "text": "Hello"}},
    )
    assert spoken("message", chunks=[stream]).parts == [{"type": "text", "content": "Hello"}]
