"""The content of a Responses request, plain or in pieces."""

from typing import Any

import pytest

from tests.support.spoken import events, spoken

PNG = "data:image/png;base64," + "A" * 4000


def message(*content: Any) -> dict[str, Any]:
    return {"input": [{"type": "message", "role": "user", "content": list(content)}]}


@pytest.mark.parametrize(
    ("content", "part"),
    [
        ({"type": "input_text", "text": "Hello"}, {"type": "text", "content": "Hello"}),
        ({"type": "output_text", "text": "Hello"}, {"type": "text", "content": "Hello"}),
        ({"type": "refusal", "refusal": "No."}, {"type": "refusal", "content": "No."}),
        (
            {"type": "input_image", "image_url": PNG, "detail": "auto"},
            {"type": "blob", "modality": "image", "content": "[3000 bytes]", "mime_type": "image/png"},
        ),
        (
            {"type": "input_video", "video_url": "https://example.org/a.mp4"},
            {"type": "uri", "modality": "video", "uri": "https://example.org/a.mp4"},
        ),
        (
            {"type": "input_audio", "input_audio": {"data": "AAAA", "format": "mp3"}},
            {"type": "blob", "modality": "audio", "content": "[3 bytes]", "mime_type": "audio/mp3"},
        ),
        (
            {"type": "input_file", "filename": "a.pdf", "file_data": "data:application/pdf;base64,AAAA"},
            {"type": "blob", "modality": "document", "content": "[3 bytes]", "mime_type": "application/pdf"},
        ),
        (
            {"type": "input_file", "file_url": "https://example.org/a.pdf"},
            {"type": "uri", "modality": "document", "uri": "https://example.org/a.pdf"},
        ),
        ({"type": "input_file", "file_id": "f_1"}, {"type": "file", "modality": "document", "file_id": "f_1"}),
        ({"type": "hologram", "hologram": "secret sauce"}, {"type": "hologram"}),
        (7, {"type": "unknown"}),
    ],
)
def test_every_kind_of_part_of_a_message(content: Any, part: Any) -> None:
    assert spoken("responses", message(content)).prompt == [part]


@pytest.mark.parametrize(
    ("item", "asked"),
    [
        ({"role": "user", "content": "Hello"}, {"role": "user", "parts": [{"type": "text", "content": "Hello"}]}),
        (
            {"type": "message", "role": "developer", "content": [{"type": "input_text", "text": "Be brief."}]},
            {"role": "developer", "parts": [{"type": "text", "content": "Be brief."}]},
        ),
        (
            {"type": "function_call", "call_id": "call_1", "name": "weather", "arguments": '{"city": "Paris"}'},
            {
                "role": "assistant",
                "parts": [{"type": "tool_call", "id": "call_1", "name": "weather", "arguments": {"city": "Paris"}}],
            },
        ),
        (
            {"type": "custom_tool_call", "call_id": "call_1", "name": "shell", "input": "date"},
            {
                "role": "assistant",
                "parts": [{"type": "tool_call", "id": "call_1", "name": "shell", "arguments": "date"}],
            },
        ),
        (
            {"type": "function_call_output", "call_id": "call_1", "output": "Sunny."},
            {"role": "tool", "parts": [{"type": "tool_call_response", "id": "call_1", "response": "Sunny."}]},
        ),
        (
            {"type": "custom_tool_call_output", "call_id": "c", "output": [{"type": "input_text", "text": "Now."}]},
            {
                "role": "tool",
                "parts": [{"type": "tool_call_response", "id": "c", "response": [{"type": "text", "content": "Now."}]}],
            },
        ),
        (
            {
                "type": "reasoning",
                "summary": [{"type": "summary_text", "text": "Hm."}],
                "content": [{"type": "reasoning_text", "text": "Hm, hm."}],
                "encrypted_content": "A" * 100,
            },
            {
                "role": "assistant",
                "parts": [{"type": "reasoning", "content": "Hm."}, {"type": "reasoning", "content": "Hm, hm."}],
            },
        ),
        (
            {"type": "image_generation_call", "id": "ig_1", "result": "AAAA"},
            {"role": "assistant", "parts": [{"type": "blob", "modality": "image", "content": "[3 bytes]"}]},
        ),
        (
            {"type": "web_search_call", "id": "ws_1", "status": "completed", "action": {"query": "tides"}},
            {
                "role": "assistant",
                "parts": [
                    {
                        "type": "server_tool_call",
                        "id": "ws_1",
                        "name": "web_search_call",
                        "server_tool_call": {"type": "web_search_call", "action": {"query": "tides"}},
                    }
                ],
            },
        ),
        (
            {"type": "mcp_call", "id": "m_1", "name": "ask", "arguments": "{}"},
            {
                "role": "assistant",
                "parts": [
                    {
                        "type": "server_tool_call",
                        "id": "m_1",
                        "name": "ask",
                        "server_tool_call": {"type": "mcp_call", "name": "ask", "arguments": "{}"},
                    }
                ],
            },
        ),
        (
            {"type": "compaction", "encrypted_content": "A" * 100},
            {"role": "assistant", "parts": [{"type": "compaction"}]},
        ),
        ({"type": "item_reference", "id": "msg_1"}, {"role": "assistant", "parts": [{"type": "item_reference"}]}),
        (7, {"role": "user", "parts": []}),
    ],
)
def test_every_kind_of_item_that_may_be_asked(item: Any, asked: Any) -> None:
    assert spoken("responses", {"input": [item]}).asked == [asked]


def test_an_input_may_be_a_text() -> None:
    assert spoken("responses", {"input": "Hello"}).prompt == [{"type": "text", "content": "Hello"}]


def test_instructions_stand_apart_from_the_messages() -> None:
    found = spoken("responses", {"input": "Hello", "instructions": "Be kind."})
    assert found.instructions == [{"type": "text", "content": "Be kind."}]
    assert len(found.asked) == 1


def test_the_tools_that_were_offered() -> None:
    schema = {"type": "object", "properties": {}}
    tools = [
        {"type": "function", "name": "weather", "description": "Tells.", "parameters": schema, "strict": True},
        {"type": "web_search_preview"},
    ]
    assert spoken("responses", {"input": "Hello", "tools": tools}).tools == [
        {"type": "function", "name": "weather", "description": "Tells.", "parameters": schema},
        {"type": "web_search_preview", "name": "web_search_preview"},
    ]


OUTPUT: list[dict[str, Any]] = [
    {"type": "reasoning", "id": "rs_1", "summary": [{"type": "summary_text", "text": "Hm."}]},
    {
        "type": "message",
        "id": "msg_1",
        "role": "assistant",
        "content": [{"type": "output_text", "text": "Hello"}, {"type": "refusal", "refusal": "No."}],
    },
    {"type": "function_call", "id": "fc_1", "call_id": "call_1", "name": "weather", "arguments": '{"city":"Paris"}'},
    {"type": "custom_tool_call", "id": "ct_1", "call_id": "call_2", "name": "shell", "input": "date"},
]
SAID = [
    {
        "role": "assistant",
        "parts": [
            {"type": "reasoning", "content": "Hm."},
            {"type": "text", "content": "Hello"},
            {"type": "refusal", "content": "No."},
            {"type": "tool_call", "id": "call_1", "name": "weather", "arguments": {"city": "Paris"}},
            {"type": "tool_call", "id": "call_2", "name": "shell", "arguments": "date"},
        ],
    }
]


def test_the_items_of_an_answer_are_one_message() -> None:
    assert spoken("responses", answer={"object": "response", "output": OUTPUT}).said == SAID


def delta(kind: str, place: int, piece: str, **inner: int) -> dict[str, Any]:
    return {"type": f"response.{kind}.delta", "output_index": place, "delta": piece, **inner}


def begun(place: int) -> dict[str, Any]:
    shell = {name: value for name, value in OUTPUT[place].items() if name in ("type", "id", "call_id", "name")}
    return {"type": "response.output_item.added", "output_index": place, "item": shell}


PIECES: list[dict[str, Any]] = [
    {"type": "response.created", "response": {"output": []}},
    begun(0),
    delta("reasoning_summary_text", 0, "H", summary_index=0),
    delta("reasoning_summary_text", 0, "m.", summary_index=0),
    begun(1),
    delta("output_text", 1, "Hel", content_index=0),
    delta("output_text", 1, "lo", content_index=0),
    delta("refusal", 1, "N", content_index=1),
    delta("refusal", 1, "o.", content_index=1),
    begun(2),
    delta("function_call_arguments", 2, '{"city":'),
    delta("function_call_arguments", 2, '"Paris"}'),
    begun(3),
    delta("custom_tool_call_input", 3, "da"),
    delta("custom_tool_call_input", 3, "te"),
]


@pytest.mark.parametrize("end", ["response.completed", "response.incomplete", "response.failed"])
def test_a_stream_says_what_stands_at_its_end(end: str) -> None:
    stream = events(*PIECES, {"type": end, "response": {"output": OUTPUT}}, "[DONE]")
    assert spoken("responses", chunks=[stream]).said == SAID


@pytest.mark.parametrize("end", [[], [{"type": "response.completed", "response": {"output": []}}]])
def test_a_stream_whose_end_does_not_say_it_is_joined_from_its_pieces(end: list[Any]) -> None:
    assert spoken("responses", chunks=[events(*PIECES, *end)]).said == SAID


def test_an_item_that_is_done_is_taken_whole() -> None:
    done = [
        {"type": "response.output_item.done", "output_index": place, "item": item} for place, item in enumerate(OUTPUT)
    ]
    assert spoken("responses", chunks=[events(*PIECES, *done)]).said == SAID
    assert spoken("responses", chunks=[events(*done)]).said == SAID


def test_a_stream_that_was_cut_says_what_came() -> None:
    assert spoken("responses", chunks=[events(*PIECES[:11])]).parts == [
        *SAID[0]["parts"][:3],
        {"type": "tool_call", "id": "call_1", "name": "weather", "arguments": '{"city":'},
    ]


def test_a_piece_without_a_place_is_the_first_items() -> None:
    stream = events(
        {"type": "response.output_text.delta", "delta": "Hel"},
        {"type": "response.output_text.delta", "delta": "lo", "output_index": {"a": 1}, "content_index": [0]},
    )
    assert spoken("responses", chunks=[stream]).parts == [{"type": "text", "content": "Hello"}]


def test_an_answer_without_output_says_nothing() -> None:
    for answer in ({"output": []}, {"output": None}, {"output": "Hello"}, {"error": {"code": "server_error"}}):
        assert spoken("responses", answer=answer).said == []
