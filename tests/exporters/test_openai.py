"""The words of a call as OpenAI has them: what was recorded comes back as it was, by way of the conventions."""

import json
from typing import Any

import pytest

from spancast_exporters import _openai
from tests.support.recordings import recordings
from tests.support.shared import needs_shared
from tests.support.spans import WORDS, of_recording


def written(*messages: dict[str, Any]) -> str:
    return json.dumps(list(messages))


def one(role: str, *parts: Any, **more: Any) -> dict[str, Any]:
    """Return the one message that a message of these parts becomes."""
    found = _openai.messages(written({"role": role, "parts": list(parts), **more}))
    assert found is not None
    (message,) = found
    return message


def text(words: str) -> dict[str, str]:
    return {"type": "text", "content": words}


def test_one_text_is_the_content_itself():
    assert one("user", text("Hello.")) == {"role": "user", "content": "Hello."}


def test_several_texts_stay_apart():
    said = [{"type": "text", "text": "Hello."}, {"type": "text", "text": "Goodbye."}]
    assert one("user", text("Hello."), text("Goodbye."))["content"] == said


def test_a_message_without_parts_is_empty():
    assert one("user") == {"role": "user", "content": ""}


def test_a_participant_keeps_its_name():
    assert one("user", name="ada") == {"role": "user", "name": "ada", "content": ""}


def test_a_tool_call_has_its_arguments_as_text():
    call = {"type": "tool_call", "id": "call_1", "name": "get_weather", "arguments": {"city": "Paris", "days": 2}}
    assert one("assistant", call) == {
        "role": "assistant",
        "content": None,
        "tool_calls": [
            {
                "id": "call_1",
                "type": "function",
                "function": {"name": "get_weather", "arguments": '{"city":"Paris","days":2}'},
            }
        ],
    }


@pytest.mark.parametrize(
    ("arguments", "told"),
    [('{"cut": tr', '{"cut": tr'), (None, "{}"), ([1, 2], "[1,2]"), ("", ""), (7, "7")],
)
def test_arguments_may_be_anything(arguments, told):
    (call,) = one("assistant", {"type": "tool_call", "arguments": arguments})["tool_calls"]
    assert (call["id"], call["function"]) == ("", {"name": "", "arguments": told})


def test_a_tool_of_the_server_is_called_like_any_other():
    part = {"type": "server_tool_call", "id": "ws_1", "name": "web_search", "server_tool_call": {"type": "search"}}
    (call,) = one("assistant", part)["tool_calls"]
    assert call["function"] == {"name": "web_search", "arguments": '{"type":"search"}'}


def test_thoughts_and_a_refusal_stand_beside_the_content():
    parts = {"type": "reasoning", "content": "Hm."}, {"type": "refusal", "content": "No."}
    assert one("assistant", *parts) == {"role": "assistant", "content": None, "reasoning": "Hm.", "refusal": "No."}


def test_each_answer_of_a_tool_is_a_message():
    answers = [
        {"type": "tool_call_response", "id": "call_1", "response": {"degrees": 21}},
        {"type": "tool_call_response", "id": "call_2", "response": "none"},
        {"type": "tool_call_response", "id": "call_3", "response": [text("a"), text("b")]},
        {"type": "tool_call_response", "id": "call_4", "result": 7},
        {"type": "tool_call_response"},
    ]
    assert _openai.messages(written({"role": "tool", "parts": answers})) == [
        {"role": "tool", "tool_call_id": "call_1", "content": '{"degrees":21}'},
        {"role": "tool", "tool_call_id": "call_2", "content": "none"},
        {"role": "tool", "tool_call_id": "call_3", "content": "a\nb"},
        {"role": "tool", "tool_call_id": "call_4", "content": "7"},
        {"role": "tool", "tool_call_id": "", "content": ""},
    ]


def test_what_is_said_beside_an_answer_is_a_message_before_it():
    parts = [{"type": "tool_call_response", "id": "c", "response": "21"}, text("And now?")]
    assert _openai.messages(written({"role": "user", "parts": parts})) == [
        {"role": "user", "content": "And now?"},
        {"role": "tool", "tool_call_id": "c", "content": "21"},
    ]


def test_what_a_tool_of_the_server_answered_stays_in_its_choice():
    part = {"type": "server_tool_call_response", "id": "ws_1", "server_tool_call_response": {"type": "found"}}
    (choice,) = _openai.choices(written({"role": "assistant", "parts": [text("Yes."), part]})) or []
    said = [{"type": "text", "text": "Yes."}, {"type": "text", "text": '{"type":"found"}'}]
    assert choice["message"] == {"role": "assistant", "content": said}


@pytest.mark.parametrize(
    ("part", "shown"),
    [
        (
            {"type": "uri", "modality": "image", "uri": "https://x.example/cat.png"},
            {"type": "image_url", "image_url": {"url": "https://x.example/cat.png"}},
        ),
        (
            {"type": "uri", "modality": "video", "uri": "https://x.example/cat.mp4"},
            {"type": "video_url", "video_url": {"url": "https://x.example/cat.mp4"}},
        ),
        (
            {"type": "uri", "modality": "document", "uri": "https://x.example/cat.pdf"},
            {"type": "file", "file": {"file_data": "https://x.example/cat.pdf"}},
        ),
        (
            {"type": "blob", "modality": "image", "mime_type": "image/png", "content": "[1024 bytes]"},
            {"type": "text", "text": "[image/png: 1024 bytes]"},
        ),
        (
            {"type": "blob", "modality": "image", "mime_type": "image/png", "content": "iVBORw0="},
            {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0="}},
        ),
        (
            {"type": "blob", "modality": "audio", "content": "[9 bytes]", "transcript": "Hello."},
            {"type": "text", "text": "Hello."},
        ),
        ({"type": "blob", "modality": "audio"}, {"type": "text", "text": "[audio: no data]"}),
        ({"type": "file", "modality": "document", "file_id": "f_1"}, {"type": "file", "file": {"file_id": "f_1"}}),
        ({"type": "file", "file_id": "f_1", "transcript": "Hello."}, {"type": "text", "text": "Hello."}),
        ({"type": "hologram"}, {"type": "text", "text": "[hologram]"}),
        ({}, {"type": "text", "text": "[unknown]"}),
    ],
)
def test_what_is_no_text(part, shown):
    assert one("user", text("Look:"), part)["content"] == [{"type": "text", "text": "Look:"}, shown]


def test_choices_say_why_they_ended():
    found = _openai.choices(
        written(
            {"role": "assistant", "parts": [text("a")], "finish_reason": "stop"},
            {"role": "assistant", "parts": [text("b")], "finish_reason": "tool_call"},
            {"role": "assistant", "parts": [text("c")]},
        )
    )
    assert [(each["index"], each["finish_reason"], each["message"]["content"]) for each in found or []] == [
        (0, "stop", "a"),
        (1, "tool_calls", "b"),
        (2, None, "c"),
    ]


def test_the_instructions_come_before_all_that_is_asked():
    asked = _openai.input_messages(
        {"gen_ai.system_instructions": WORDS.system_instructions, "gen_ai.input.messages": WORDS.input_messages}
    )
    assert [message["role"] for message in asked or []] == ["system", "user", "assistant", "tool"]
    assert (asked or [])[0]["content"] == "You are terse."


def test_where_nothing_is_known_nothing_is_said():
    assert _openai.input_messages({}) is None
    for function in (_openai.messages, _openai.choices, _openai.instructions, _openai.tools):
        assert function(None) is None


@pytest.mark.parametrize("other", ["", "Hello.", "{}", "[1]", "null", '["a"]', 7, '[{"role": "us', "[" * 100_000])
def test_what_is_no_message_of_the_conventions_is_none_of_ours(other):
    assert _openai.messages(other) is None
    assert _openai.choices(other) is None


@pytest.mark.parametrize("parts", ["x", None, [1, "x", None], {"type": "text"}])
def test_parts_of_no_known_shape_are_none(parts):
    assert _openai.messages(written({"role": 7, "parts": parts})) == [{"role": "user", "content": ""}]


def test_earlier_conventions_had_the_content_in_the_message():
    assert _openai.messages(written({"role": "user", "content": "Hello."})) == [{"role": "user", "content": "Hello."}]


@pytest.mark.parametrize(
    ("defined", "told"),
    [
        (
            {"type": "function", "name": "f", "description": "d", "parameters": {"type": "object"}},
            {"type": "function", "function": {"name": "f", "description": "d", "parameters": {"type": "object"}}},
        ),
        ({"name": "f"}, {"type": "function", "function": {"name": "f"}}),
        (
            {"type": "function", "function": {"name": "f"}},
            {"type": "function", "function": {"name": "f"}},
        ),
        ({"type": "openrouter:web_search", "name": "web"}, {"type": "openrouter:web_search", "name": "web"}),
    ],
)
def test_a_tool_is_defined_as_openai_has_it(defined, told):
    assert _openai.tools(written(defined)) == [told]


def _plain_chats() -> list[Any]:
    """Return the recorded chats that hold no more than OpenAI's own messages have room for."""
    return [each for each in recordings("chat") if _is_plain(each.request["body"] or {})]


def _is_plain(body: dict[str, Any]) -> bool:
    known = {"role", "content", "tool_calls", "tool_call_id", "name"}
    messages = body.get("messages") or []
    short = all(len(json.dumps(each)) < 50_000 for each in messages)
    return (
        bool(messages)
        and short
        and all(isinstance(each.get("content"), str | None) for each in messages)
        and all(set(each) <= known for each in messages)
    )


@needs_shared
@pytest.mark.parametrize("recording", _plain_chats(), ids=lambda each: each.id)
def test_what_was_recorded_comes_back_as_it_was_asked(recording):
    asked = _openai.input_messages(of_recording(recording.id).content)
    assert [_meant(each) for each in asked or []] == [_meant(each) for each in recording.request["body"]["messages"]]


def _meant(message: dict[str, Any]) -> dict[str, Any]:
    """Return a message; of a tool call what its arguments mean, for they are written anew."""
    calls = [
        (each["id"], each["function"]["name"], _read(each["function"]["arguments"]))
        for each in message.get("tool_calls") or []
    ]
    return {**message, "tool_calls": calls, "content": message.get("content") or ""}


def _read(written: str) -> Any:
    try:
        return json.loads(written)
    except ValueError:
        return written
