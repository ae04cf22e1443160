"""What is buffered of an exchange, and the content made of it, however the answer was cut, encoded or damaged."""

import gc
import gzip
import json
import weakref
import zlib
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spancast.capture.content import buffer as content_buffer
from spancast.capture.content.buffer import MAX_BUFFERED, MAX_PARSED, ContentBuffer
from spancast.capture.content.table import TRANSCRIPTS
from tests.support.answers import JSON as JSON_HEADERS
from tests.support.answers import SSE, STREAM, plain
from tests.support.exchanges import opened
from tests.support.spoken import events, held, spoken

OPERATIONS = [*TRANSCRIPTS, "batch", "unknown"]
HELLO = {"messages": [{"role": "user", "content": "Hello"}]}
KNOWN = sorted(
    {
        *("choices", "delta", "message", "messages", "content", "role", "type", "text", "reasoning", "refusal", "id"),
        *(
            "tool_calls",
            "function",
            "name",
            "arguments",
            "index",
            "images",
            "image_url",
            "url",
            "audio",
            "data",
            "error",
        ),
        *("input", "output", "item", "output_index", "content_index", "response", "instructions", "system", "tools"),
        *("content_block", "partial_json", "thinking", "stop_reason", "source", "media_type", "prompt", "documents"),
        *("reasoning_details", "summary", "file", "file_data", "transcript", "input_audio", "format", "parameters"),
    }
)
KINDS = sorted(
    {
        *("text", "image_url", "input_audio", "file", "refusal", "message", "function_call", "reasoning", "tool_use"),
        *("response.output_text.delta", "response.output_item.added", "response.output_item.done", "error"),
        *("response.completed", "response.function_call_arguments.delta", "content_block_start", "tool_result"),
        *("content_block_delta", "text_delta", "input_json_delta", "image", "document", "server_tool_use", "tool"),
        *("function_call_output", "output_text", "input_text", "summary_text", "image_generation.completed"),
    }
)
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats()
    | st.text(max_size=6)
    | st.sampled_from(KINDS)
    | st.sampled_from(["data:image/png;base64,AAAA", "https://example.org/", "\ud800"]),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KNOWN) | st.text(max_size=3), inner, max_size=5)
    ),
    max_leaves=25,
)


@pytest.mark.parametrize("operation", OPERATIONS)
@settings(max_examples=60, deadline=None)
@given(request=JSON, answers=st.lists(JSON, max_size=4))
def test_whatever_json_comes_the_words_have_the_conventions_shapes(
    operation: str, request: Any, answers: list[Any]
) -> None:
    stream = b"".join(b"data: " + json.dumps(each).encode() + b"\n\n" for each in answers)
    spoken(operation, request, chunks=[stream])
    for answer in answers:
        spoken(operation, request, answer)
        spoken(operation, request, answer, status=500)


@settings(max_examples=60, deadline=None)
@given(request=st.binary(max_size=200), answer=st.binary(max_size=200), operation=st.sampled_from(OPERATIONS))
def test_whatever_bytes_come_nothing_is_raised(request: bytes, answer: bytes, operation: str) -> None:
    spoken(operation, request, answer)
    spoken(operation, request, chunks=[answer])
    for encoding in ("gzip", "deflate", "br", "zstd"):
        spoken(operation, request, chunks=[answer], encodings=encoding)


TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=12)
CALL = st.fixed_dictionaries({"id": TEXT.filter(bool), "name": TEXT.filter(bool), "arguments": TEXT})
ANSWER = st.fixed_dictionaries(
    {"reasoning": TEXT, "content": TEXT, "refusal": TEXT, "calls": st.lists(CALL, max_size=3)}
)


def pieces(written: str, dice: Any) -> list[str]:
    """Cut a text anywhere."""
    found = []
    while written:
        size = dice.randint(1, 4)
        found.append(written[:size])
        written = written[size:]
    return found


def chat_plain(said: dict[str, Any]) -> dict[str, Any]:
    calls = [
        {"id": call["id"], "function": {"name": call["name"], "arguments": call["arguments"]}} for call in said["calls"]
    ]
    message = {name: said[name] for name in ("reasoning", "content", "refusal")} | {"role": "assistant"}
    return {"choices": [{"index": 0, "message": message | {"tool_calls": calls}, "finish_reason": "stop"}]}


def chat_stream(said: dict[str, Any], dice: Any) -> list[Any]:
    deltas: list[dict[str, Any]] = [{"role": "assistant"}]
    for name in ("reasoning", "content", "refusal"):
        deltas += [{name: piece} for piece in pieces(said[name], dice)]
    for index, call in enumerate(said["calls"]):
        deltas.append({"tool_calls": [{"index": index, "id": call["id"], "function": {"name": call["name"]}}]})
        for piece in pieces(call["arguments"], dice):
            deltas.append({"tool_calls": [{"index": index, "function": {"arguments": piece}}]})
    ends = [None] * (len(deltas) - 1) + ["stop"]
    choices = zip(deltas, ends, strict=True)
    return [{"choices": [{"index": 0, "delta": delta, "finish_reason": end}]} for delta, end in choices] + ["[DONE]"]


def messages_plain(said: dict[str, Any]) -> dict[str, Any]:
    blocks = [{"type": "thinking", "thinking": said["reasoning"]}, {"type": "text", "text": said["content"]}]
    calls = [
        {"type": "tool_use", "id": call["id"], "name": call["name"], "input": {"a": call["arguments"]}}
        for call in said["calls"]
    ]
    return {"type": "message", "content": blocks + calls, "stop_reason": "end_turn"}


def messages_stream(said: dict[str, Any], dice: Any) -> list[Any]:
    found: list[Any] = []

    def block(begun: dict[str, Any], kind: str, name: str, written: str) -> None:
        index = sum(each["type"] == "content_block_start" for each in found)
        found.append({"type": "content_block_start", "index": index, "content_block": begun})
        found.extend(
            {"type": "content_block_delta", "index": index, "delta": {"type": kind, name: piece}}
            for piece in pieces(written, dice)
        )

    block({"type": "thinking", "thinking": ""}, "thinking_delta", "thinking", said["reasoning"])
    block({"type": "text", "text": ""}, "text_delta", "text", said["content"])
    for call in said["calls"]:
        begun = {"type": "tool_use", "id": call["id"], "name": call["name"], "input": {}}
        block(begun, "input_json_delta", "partial_json", json.dumps({"a": call["arguments"]}))
    return [*found, {"type": "message_delta", "delta": {"stop_reason": "end_turn"}}]


def responses_plain(said: dict[str, Any]) -> dict[str, Any]:
    texts = [("reasoning", "summary", "summary_text", "text"), ("message", "content", "output_text", "text")]
    items = [
        {"type": kind, place: [{"type": part, name: said[words]}]}
        for (kind, place, part, name), words in zip(texts, ("reasoning", "content"), strict=True)
        if said[words]
    ]
    calls = [
        {"type": "function_call", "call_id": call["id"], "name": call["name"], "arguments": call["arguments"]}
        for call in said["calls"]
        if call["arguments"]
    ]
    return {"output": items + calls}


def responses_stream(said: dict[str, Any], dice: Any) -> list[Any]:
    found: list[Any] = []
    place = 0
    for kind, words in (("reasoning_summary_text", "reasoning"), ("output_text", "content")):
        cut = pieces(said[words], dice)
        found += [{"type": f"response.{kind}.delta", "output_index": place, "delta": piece} for piece in cut]
        place += bool(cut)
    for call in said["calls"]:
        item = {"type": "function_call", "call_id": call["id"], "name": call["name"], "arguments": ""}
        cut = pieces(call["arguments"], dice)
        if cut:
            found.append({"type": "response.output_item.added", "output_index": place, "item": item})
        kind = "response.function_call_arguments.delta"
        found += [{"type": kind, "output_index": place, "delta": piece} for piece in cut]
        place += bool(cut)
    return found


def network(body: bytes, dice: Any) -> list[bytes]:
    """Cut a body as a network might."""
    found = []
    while body:
        size = dice.choice((1, 2, 3, 10, 100))
        found.append(body[:size])
        body = body[size:]
    return found


@pytest.mark.parametrize(
    ("operation", "whole", "stream"),
    [
        ("chat", chat_plain, chat_stream),
        ("message", messages_plain, messages_stream),
        ("responses", responses_plain, responses_stream),
    ],
)
@settings(max_examples=80, deadline=None)
@given(said=ANSWER, dice=st.randoms(use_true_random=False))
def test_however_a_stream_is_cut_it_says_the_same_as_the_plain_answer(
    operation: str, whole: Any, stream: Any, said: dict[str, Any], dice: Any
) -> None:
    body = events(*stream(said, dice)).replace(b"\n", dice.choice((b"\n", b"\r\n", b"\r")))
    encoding, pack = dice.choice((("", bytes), ("gzip", gzip.compress)))
    streamed = spoken(operation, chunks=network(pack(body), dice), encodings=encoding)
    plain = spoken(operation, answer=whole(said))
    assert without_empty(streamed.said) == without_empty(plain.said)


def without_empty(said: list[Any]) -> list[Any]:
    """Return messages without empty parts: a stream has no event for those."""
    return [{**message, "parts": [part for part in message["parts"] if part.get("content") != ""]} for message in said]


def test_a_real_answer_streamed_and_plain() -> None:
    plainly, streamed = spoken("chat", HELLO, plain()), spoken("chat", HELLO, chunks=STREAM)
    assert plainly.said == streamed.said
    assert plainly.parts == [{"type": "text", "content": "Hello there, how are you?"}]
    assert plainly.prompt == streamed.prompt == [{"type": "text", "content": "Hello"}]


def test_what_was_not_said_is_nothing_and_not_an_empty_list() -> None:
    content = held("chat").content("c")
    assert content.call_id == "c"
    assert [getattr(content, name) for name in content.__struct_fields__[1:]] == [None] * 5


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "identity", ""])
def test_a_packed_body_is_unpacked(encoding: str) -> None:
    body = {"gzip": gzip.compress, "deflate": zlib.compress}.get(encoding, bytes)(plain())
    buffer = held("chat", encodings=encoding)
    buffer.append(body)
    assert b"how are you" in (buffer.content("c").output_messages or "").encode()


def test_what_was_read_before_the_damage_is_kept() -> None:
    packed = gzip.compress(b"".join(STREAM))
    damaged = packed[: len(packed) // 2] + b"\xff" * 50
    found = spoken("chat", chunks=[damaged], encodings="gzip")
    assert "Hello there, how are you?".startswith(
        "".join(part["content"] for message in found.said for part in message["parts"])
    )
    assert spoken("chat", HELLO, chunks=[b"no gzip at all"], encodings="gzip").prompt


@pytest.mark.parametrize(
    "body",
    [b"\xef\xbb\xbf" + plain(), b"   \n\n  " + plain() + b"\n", plain().replace(b"Hello there", b"Hello\xff there")],
)
def test_a_body_is_read_as_leniently_as_clients_do(body: bytes) -> None:
    assert [part["type"] for part in spoken("chat", answer=body).parts] == ["text"]


@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"], ids=["", "mark"])
@pytest.mark.parametrize("body", [b"".join(STREAM[1:]), b": PROCESSING\r\n\r\n" + STREAM[1], b"\n \n" + plain()])
def test_events_and_an_object_are_told_apart_whatever_their_content_type(body: bytes, mark: bytes) -> None:
    for told in (spoken("chat", chunks=[mark + body]), spoken("chat", answer=mark + body)):
        (part,) = told.parts
        assert part["content"].startswith("Hello")


def test_an_event_that_is_no_json_spoils_none_beside_it() -> None:
    stream = events({"choices": [{"delta": {"content": "a"}}]}, "{broken", {"choices": [{"delta": {"content": "b"}}]})
    assert spoken("chat", chunks=[b": a comment\n\n", stream]).parts == [{"type": "text", "content": "ab"}]


@settings(max_examples=20, deadline=None)
@given(digits=st.integers(1, 2_000))
def test_integers_of_any_length_are_taken_and_spoil_nothing(digits: int) -> None:
    number = "9" * digits
    arguments = '{"n": ' + number + "}"
    request = '{"messages": [{"role": "user", "content": "Hello"}], "seed": ' + number + "}"
    answer = {"choices": [{"message": {"tool_calls": [{"function": {"name": "f", "arguments": arguments}}]}}]}
    found = spoken("chat", request.encode(), answer)
    assert found.prompt == [{"type": "text", "content": "Hello"}]
    kept = found.parts[0]["arguments"]
    assert number in json.dumps(kept)


def test_an_integer_that_python_refuses_to_read_is_a_text() -> None:
    number = "9" * 10_000
    answer = {
        "choices": [{"message": {"tool_calls": [{"function": {"name": "f", "arguments": f'{{"n": {number}}}'}}]}}]
    }
    assert spoken("chat", answer=answer).parts[0]["arguments"] == {"n": number}


def test_half_a_surrogate_pair_is_no_text_and_is_written_as_a_question_mark() -> None:
    request = (
        rb'{"messages": [{"role": "user", "content": "Hello \ud83d"}], "tools": [{"function": {"name": "\udc00"}}]}'
    )
    answer = rb'{"choices": [{"message": {"content": "\ud800!", "tool_calls": [{"id": "\ud800"}]}}]}'
    found = spoken("chat", request, answer)
    assert found.prompt[0]["content"] == "Hello ?"
    assert found.parts[0]["content"] == "?!"
    assert (found.parts[1]["id"], found.tools[0]["name"]) == ("?", "?")


@pytest.mark.parametrize("depth", [60, 1_000, 100_000])
def test_arguments_may_be_nested_without_end(depth: int) -> None:
    arguments = '{"a":' * depth + "1" + "}" * depth
    answer = {"choices": [{"message": {"tool_calls": [{"function": {"name": "f", "arguments": arguments}}]}}]}
    assert spoken("chat", answer=answer).parts[0]["name"] == "f"
    stream = events({"choices": [{"delta": {"tool_calls": [{"index": 0, "function": {"arguments": arguments}}]}}]})
    assert spoken("chat", chunks=[stream]).parts[0]["type"] == "tool_call"


@pytest.mark.parametrize("operation", ["chat", "message", "responses"])
def test_json_may_be_nested_without_end(operation: str) -> None:
    nested = b"[" * 100_000 + b"]" * 100_000
    deep = b'{"messages":' + nested + b',"input":' + nested + b"}"
    assert spoken(operation, deep, chunks=[b"data: " + deep + b"\n\n"]).said == []


QUOTING = {"code": 400, "message": "No.", "metadata": {"raw": "you wrote: Hello", "flagged_input": "Hello"}}


@pytest.mark.parametrize(
    ("operation", "answer"),
    [
        ("chat", {"error": QUOTING, "user_id": "u"}),
        ("chat", {"choices": [{"error": QUOTING, "finish_reason": "error"}]}),
        ("responses", {"type": "response.failed", "response": {"error": QUOTING}}),
        ("responses", {"type": "error", "error": QUOTING}),
        ("message", {"type": "error", "error": QUOTING}),
        ("embeddings", {"error": QUOTING}),
        ("speech", {"error": QUOTING}),
        ("unknown", {"error": QUOTING}),
    ],
)
def test_what_an_error_quotes_is_content_wherever_it_stands(operation: str, answer: Any) -> None:
    assert spoken(operation, answer=answer, status=400).errors == [QUOTING]
    if operation in ("chat", "responses", "message"):
        assert spoken(operation, chunks=[events(answer)]).errors == [QUOTING]


def test_an_error_that_is_an_event_of_its_own_is_content() -> None:
    event = {"type": "error", "code": "server_error", "message": "No.", "param": None}
    assert spoken("responses", chunks=[events(event)]).errors == [event]


def test_a_body_is_held_no_longer_than_there_is_room_and_says_so() -> None:
    chunk = events({"choices": [{"index": 0, "delta": {"content": "word " * 2_000}}]})
    buffer = held("chat", chunks=[chunk] * (MAX_BUFFERED // len(chunk) + 200))
    assert buffer.size <= MAX_BUFFERED < buffer.received
    (message,) = json.loads(buffer.content("c").output_messages or "")
    first, mark = message["parts"]
    assert first["content"].startswith("word word")
    assert mark == {"type": "text", "content": f"[the rest of {buffer.received} bytes cut]"}


def test_a_plain_answer_that_is_too_long_says_so_alone() -> None:
    buffer = held("chat", HELLO, status=200)
    for _ in range(9):
        buffer.append(b" " * (MAX_BUFFERED // 8))
    content = buffer.content("c")
    assert json.loads(content.output_messages or "") == [
        {"role": "assistant", "parts": [{"type": "text", "content": f"[the rest of {buffer.received} bytes cut]"}]}
    ]
    assert content.input_messages is not None


def test_a_prompt_with_images_of_many_megabytes_is_read() -> None:
    image = {"type": "image_url", "image_url": {"url": "data:image/png;base64," + "A" * (12 * 1024 * 1024)}}
    request = {"messages": [{"role": "user", "content": [image, {"type": "text", "text": "What is this?"}]}]}
    assert [part["content"] for part in spoken("chat", request).prompt] == ["[9437184 bytes]", "What is this?"]


def test_an_answer_with_images_of_many_megabytes_is_read_where_its_caller_holds_it_anyway() -> None:
    answer = {"data": [{"b64_json": "A" * (12 * 1024 * 1024), "media_type": "image/png"}]}
    assert [part["content"] for part in spoken("image", answer=answer).parts] == ["[9437184 bytes]"]


def test_a_request_that_is_too_long_is_only_counted() -> None:
    request = b" " * (MAX_PARSED + 1)
    assert spoken("chat", request).prompt == [{"type": "text", "content": f"[{MAX_PARSED + 1} bytes cut]"}]
    assert spoken("embeddings", request).prompt


def test_a_small_body_that_unpacks_to_a_huge_one_is_not_held_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(content_buffer, "MAX_BUFFERED", 100_000)
    bomb = gzip.compress(b"".join(STREAM[:4]) + b": padding\n\n" * 1_000_000)
    found = spoken("chat", chunks=[bomb], encodings="gzip")
    assert found.parts[-1]["content"].endswith("bytes cut]")
    assert found.parts[0]["content"] == "Hello there, how"


@pytest.mark.parametrize("operation", ["embeddings", "rerank", "speech", "video", "batch"])
def test_an_answer_without_words_is_not_held(operation: str) -> None:
    buffer = held(operation, chunks=[b"\x00" * 100_000] * 10)
    buffer.set_body(b"\x00" * 100_000)
    assert buffer.size == 0


@pytest.mark.parametrize("operation", ["embeddings", "speech", "batch"])
def test_an_error_is_held_whoever_was_asked(operation: str) -> None:
    assert held(operation, answer={"error": "No."}, status=400).size > 0


def test_the_size_is_what_is_held() -> None:
    buffer = held("chat", b"x" * 10, b"y" * 20)
    assert buffer.size == 30
    assert held("chat", None, chunks=[b"y" * 20, b"z"]).size == 21


def test_an_exchange_that_is_over_holds_no_words_however_long_its_response_lives() -> None:
    class Held(ContentBuffer):
        __slots__ = ("__weakref__",)

    for end in ("body", "stream"):
        exchange = opened(body=json.dumps(HELLO).encode()).exchange
        buffer = Held("chat", b"{}")
        exchange.content_buffer, gone = buffer, weakref.ref(buffer)
        streamed = exchange.headers(200, SSE if end == "stream" else JSON_HEADERS)
        if streamed:
            for chunk in STREAM:
                exchange.feed(chunk)
        else:
            exchange.body(plain())
        assert b"Hello there" in (buffer.content("c").output_messages or "").encode()
        del buffer
        gc.collect()
        assert gone() is None
        exchange.feed(b"more")
