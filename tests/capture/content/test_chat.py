"""The content of a chat, and of a plain completion."""

import json
from typing import Any

import pytest

from tests.support.shapes import check_parts
from tests.support.spoken import events, spoken

PNG = "data:image/png;base64," + "A" * 4000


def user(*content: Any) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": list(content)}]}


@pytest.mark.parametrize(
    ("content", "part"),
    [
        ({"type": "text", "text": "Hello"}, {"type": "text", "content": "Hello"}),
        ("Hello", {"type": "text", "content": "Hello"}),
        (
            {"type": "image_url", "image_url": {"url": PNG, "detail": "low"}},
            {"type": "blob", "modality": "image", "content": "[3000 bytes]", "mime_type": "image/png"},
        ),
        (
            {"type": "image_url", "image_url": "https://example.org/a.png"},
            {"type": "uri", "modality": "image", "uri": "https://example.org/a.png"},
        ),
        (
            {"type": "video_url", "video_url": {"url": "https://example.org/a.mp4"}},
            {"type": "uri", "modality": "video", "uri": "https://example.org/a.mp4"},
        ),
        (
            {"type": "input_video", "video_url": {"url": "https://example.org/a.mp4"}},
            {"type": "uri", "modality": "video", "uri": "https://example.org/a.mp4"},
        ),
        (
            {"type": "input_audio", "input_audio": {"data": "A" * 400, "format": "wav"}},
            {"type": "blob", "modality": "audio", "content": "[300 bytes]", "mime_type": "audio/wav"},
        ),
        (
            {"type": "file", "file": {"filename": "a.pdf", "file_data": "data:application/pdf;base64,AAAA"}},
            {"type": "blob", "modality": "document", "content": "[3 bytes]", "mime_type": "application/pdf"},
        ),
        (
            {"type": "file", "file": {"file_id": "file_1"}},
            {"type": "file", "modality": "document", "file_id": "file_1"},
        ),
        ({"type": "refusal", "refusal": "No."}, {"type": "refusal", "content": "No."}),
        ({"type": "hologram", "hologram": "secret sauce"}, {"type": "hologram"}),
        (7, {"type": "unknown"}),
    ],
)
def test_every_kind_of_part_of_a_prompt(content: Any, part: Any) -> None:
    assert spoken("chat", user(content)).prompt == [part]


def test_parts_stand_in_their_order() -> None:
    sent = user({"type": "text", "text": "a"}, {"type": "image_url", "image_url": {"url": PNG}}, "b")
    assert [part.get("content") for part in spoken("chat", sent).prompt] == ["a", "[3000 bytes]", "b"]


def test_a_system_message_stays_among_the_messages_as_the_conventions_have_it() -> None:
    sent = {"messages": [{"role": "system", "content": "Be kind."}, {"role": "developer", "content": "Be brief."}]}
    found = spoken("chat", sent)
    assert [(each["role"], each["parts"][0]["content"]) for each in found.asked] == [
        ("system", "Be kind."),
        ("developer", "Be brief."),
    ]
    assert found.instructions == []


def test_what_the_model_said_before_is_asked_again_with_its_thoughts_and_its_calls() -> None:
    before = {
        "role": "assistant",
        "name": "planner",
        "content": "I look.",
        "reasoning": "The weather, then.",
        "refusal": "Not the tides.",
        "tool_calls": [
            {"id": "call_1", "type": "function", "function": {"name": "weather", "arguments": '{"city": "Paris"}'}},
            {"id": "call_2", "type": "custom", "custom": {"name": "shell", "input": "date"}},
        ],
        "images": [{"type": "image_url", "image_url": {"url": PNG}}],
        "audio": {"id": "audio_1"},
    }
    (message,) = spoken("chat", {"messages": [before]}).asked
    assert message == {
        "role": "assistant",
        "name": "planner",
        "parts": [
            {"type": "reasoning", "content": "The weather, then."},
            {"type": "text", "content": "I look."},
            {"type": "refusal", "content": "Not the tides."},
            {"type": "tool_call", "id": "call_1", "name": "weather", "arguments": {"city": "Paris"}},
            {"type": "tool_call", "id": "call_2", "name": "shell", "arguments": "date"},
            {"type": "blob", "modality": "image", "content": "[3000 bytes]", "mime_type": "image/png"},
            {"type": "file", "modality": "audio", "file_id": "audio_1"},
        ],
    }


@pytest.mark.parametrize(
    ("content", "response"),
    [
        ("Sunny.", "Sunny."),
        ([{"type": "text", "text": "Sunny."}], [{"type": "text", "content": "Sunny."}]),
        (None, None),
    ],
)
def test_what_a_tool_answered(content: Any, response: Any) -> None:
    found = spoken("chat", {"messages": [{"role": "tool", "tool_call_id": "call_1", "content": content}]})
    assert found.asked == [
        {"role": "tool", "parts": [{"type": "tool_call_response", "id": "call_1", "response": response}]}
    ]


def test_the_tools_that_were_offered() -> None:
    schema = {"type": "object", "properties": {"city": {"type": "string"}}}
    tool = {"type": "function", "function": {"name": "weather", "description": "Tells.", "parameters": schema}}
    found = spoken("chat", {"messages": [], "tools": [tool, {"type": "openrouter:web_search"}]})
    assert found.tools == [
        {"type": "function", "name": "weather", "description": "Tells.", "parameters": schema},
        {"type": "openrouter:web_search", "name": "openrouter:web_search"},
    ]


def plain(**message: Any) -> dict[str, Any]:
    return {"choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", **message}}]}


@pytest.mark.parametrize(
    ("message", "part"),
    [
        ({"content": "Hello"}, {"type": "text", "content": "Hello"}),
        ({"content": [{"type": "text", "text": "Hello"}]}, {"type": "text", "content": "Hello"}),
        ({"reasoning": "Hm."}, {"type": "reasoning", "content": "Hm."}),
        ({"reasoning_content": "Hm."}, {"type": "reasoning", "content": "Hm."}),
        (
            {"reasoning": None, "reasoning_details": [{"type": "reasoning.summary", "summary": "Hm."}]},
            {"type": "reasoning", "content": "Hm."},
        ),
        (
            {"reasoning": "Hm.", "reasoning_details": [{"type": "reasoning.text", "text": "Hm."}]},
            {"type": "reasoning", "content": "Hm."},
        ),
        ({"refusal": "No."}, {"type": "refusal", "content": "No."}),
        (
            {"images": [{"type": "image_url", "image_url": {"url": "https://example.org/a.png"}}]},
            {"type": "uri", "modality": "image", "uri": "https://example.org/a.png"},
        ),
        (
            {"images": [{"image_url": {"url": PNG}}]},
            {"type": "blob", "modality": "image", "content": "[3000 bytes]", "mime_type": "image/png"},
        ),
        (
            {"audio": {"id": "audio_1", "data": "AAAA", "transcript": "Hello"}},
            {"type": "blob", "modality": "audio", "content": "[3 bytes]", "transcript": "Hello"},
        ),
        (
            {"tool_calls": [{"id": "call_1", "function": {"name": "f", "arguments": "{}"}}]},
            {"type": "tool_call", "id": "call_1", "name": "f", "arguments": {}},
        ),
    ],
)
def test_every_kind_of_part_of_an_answer(message: Any, part: Any) -> None:
    found = spoken("chat", answer=plain(**message))
    assert found.said == [{"role": "assistant", "parts": [part], "finish_reason": "stop"}]


def test_thoughts_that_are_encrypted_are_not_kept() -> None:
    details = [{"type": "reasoning.encrypted", "data": "A" * 100}]
    assert spoken("chat", answer=plain(content="Hi", reasoning_details=details)).parts == [
        {"type": "text", "content": "Hi"}
    ]


def test_each_choice_is_a_message() -> None:
    choices = [
        {"index": 1, "finish_reason": "length", "message": {"role": "assistant", "content": "b"}},
        {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "a"}},
    ]
    assert spoken("chat", answer={"choices": choices}).said == [
        {"role": "assistant", "parts": [{"type": "text", "content": "a"}], "finish_reason": "stop"},
        {"role": "assistant", "parts": [{"type": "text", "content": "b"}], "finish_reason": "length"},
    ]


def chunk(finish: str | None = None, index: int = 0, **delta: Any) -> dict[str, Any]:
    return {"choices": [{"index": index, "delta": delta, "finish_reason": finish}]}


def called(index: int, identity: str | None = None, name: str | None = None, arguments: Any = None) -> dict[str, Any]:
    function = {key: value for key, value in (("name", name), ("arguments", arguments)) if value is not None}
    return {"index": index, "function": function, **({"id": identity} if identity else {})}


def test_pieces_of_a_stream_are_joined() -> None:
    stream = events(
        chunk(role="assistant", content="", reasoning="H"),
        chunk(reasoning="m."),
        chunk(content="Hel"),
        chunk(content="lo"),
        chunk(refusal="N"),
        chunk(refusal="o."),
        chunk(tool_calls=[called(0, "call_1", "weather", "")]),
        chunk(tool_calls=[called(0, arguments='{"city":')]),
        chunk(tool_calls=[called(1, "call_2", "time")]),
        chunk(tool_calls=[called(0, arguments=' "Paris"}'), called(1, arguments="{}")]),
        chunk(images=[{"type": "image_url", "image_url": {"url": PNG}}]),
        chunk(audio={"id": "a", "data": "AAAA"}),
        chunk(audio={"data": "AAAA", "transcript": "Hel"}),
        chunk(audio={"transcript": "lo"}),
        chunk("tool_calls"),
        "[DONE]",
    )
    found = spoken("chat", chunks=[stream])
    assert found.said == [
        {
            "role": "assistant",
            "finish_reason": "tool_calls",
            "parts": [
                {"type": "reasoning", "content": "Hm."},
                {"type": "text", "content": "Hello"},
                {"type": "refusal", "content": "No."},
                {"type": "tool_call", "id": "call_1", "name": "weather", "arguments": {"city": "Paris"}},
                {"type": "tool_call", "id": "call_2", "name": "time", "arguments": {}},
                {"type": "blob", "modality": "image", "content": "[3000 bytes]", "mime_type": "image/png"},
                {"type": "blob", "modality": "audio", "content": "[6 bytes]", "transcript": "Hello"},
            ],
        }
    ]


def test_the_choices_of_a_stream_are_kept_apart() -> None:
    stream = events(chunk(content="a"), chunk(index=1, content="x"), chunk("stop", content="b"), chunk("stop", index=1))
    assert [message["parts"][0]["content"] for message in spoken("chat", chunks=[stream]).said] == ["ab", "x"]


def test_a_stream_that_was_cut_says_what_came() -> None:
    stream = events(chunk(content="Hel"), chunk(tool_calls=[called(0, "call_1", "weather", '{"ci')]))
    assert spoken("chat", chunks=[stream, b'data: {"choices":[{"delta":{"content":"lo']).parts == [
        {"type": "text", "content": "Hel"},
        {"type": "tool_call", "id": "call_1", "name": "weather", "arguments": '{"ci'},
    ]


@pytest.mark.parametrize(
    "pieces",
    [
        [None, '{"a": 1}'],
        ['{"a":', None, " 1}"],
        [{"a": 1}],
        [{"a": 1}, None],
        ["", {"a": 1}],
    ],
)
def test_arguments_come_in_any_pieces(pieces: list[Any]) -> None:
    stream = events(*(chunk(tool_calls=[called(0, "call_1", "f", piece)]) for piece in pieces))
    assert [part["arguments"] for part in spoken("chat", chunks=[stream]).parts] == [{"a": 1}]


@pytest.mark.parametrize(
    ("prompt", "asked"),
    [
        ("Once", ["Once"]),
        (["Once", "Twice"], ["Once", "Twice"]),
        ([1, 2, 3], []),
    ],
)
def test_a_completion_is_asked_by_its_prompt(prompt: Any, asked: list[str]) -> None:
    assert [part["content"] for part in spoken("completion", {"prompt": prompt}).prompt] == asked


def test_a_completion_says_its_text() -> None:
    answer = {"choices": [{"index": 0, "text": " upon a time", "finish_reason": "stop"}]}
    assert spoken("completion", answer=answer).parts == [{"type": "text", "content": " upon a time"}]
    stream = events(*({"choices": [{"index": 0, "text": word}]} for word in (" upon", " a time")))
    assert spoken("completion", chunks=[stream]).parts == [{"type": "text", "content": " upon a time"}]


def test_a_long_stream_is_joined_in_no_time() -> None:
    stream = events(*(chunk(tool_calls=[called(0, "call_1", "f", "a" * 20)]) for _ in range(30_000)))
    (part,) = spoken("chat", chunks=[stream]).parts
    assert part["arguments"] == "a" * 100_000 + "[500000 characters cut]"


def test_a_prompt_that_is_no_object_says_nothing() -> None:
    for request in ("text", 7, [1], None, {"messages": "Hello"}, {"messages": {"role": "user"}}, b"no JSON at all"):
        assert spoken("chat", request).asked == []


def test_a_part_of_no_known_shape_is_kept_by_its_type_alone() -> None:
    found = spoken("chat", json.dumps(user({"type": {"a": 1}}, {"type": "text", "text": 7}, {"type": "file"})).encode())
    assert found.prompt == [{"type": "unknown"}, {"type": "unknown"}, {"type": "document"}]
    check_parts(found.prompt)
