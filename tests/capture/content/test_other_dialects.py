"""The content of what is no conversation."""

from typing import Any

import pytest

from tests.support.spoken import events, spoken

PNG = "data:image/png;base64," + "A" * 4000
BLOB = {"type": "blob", "modality": "image", "content": "[3000 bytes]", "mime_type": "image/png"}
SOUND = {"type": "blob", "modality": "audio", "content": "[3 bytes]", "mime_type": "audio/wav"}


def text(words: str) -> dict[str, str]:
    return {"type": "text", "content": words}


@pytest.mark.parametrize(
    ("operation", "request_body", "prompt"),
    [
        ("embeddings", {"input": "Hello"}, [text("Hello")]),
        ("embeddings", {"input": ["Hello", "there"]}, [text("Hello"), text("there")]),
        (
            "embeddings",
            {
                "input": [
                    {"content": [{"type": "text", "text": "A"}, {"type": "image_url", "image_url": {"url": PNG}}]},
                    {"content": [{"type": "input_audio", "input_audio": {"data": "AAAA", "format": "wav"}}]},
                    {"content": [{"type": "input_video", "input_video": {"data": "AAAA", "format": "mp4"}}]},
                    {"content": [{"type": "input_file", "input_file": {"data": "AAAA", "format": "pdf"}}]},
                ]
            },
            [
                text("A"),
                BLOB,
                SOUND,
                {"type": "blob", "modality": "video", "content": "[3 bytes]", "mime_type": "video/mp4"},
                {"type": "blob", "modality": "document", "content": "[3 bytes]", "mime_type": "application/pdf"},
            ],
        ),
        (
            "rerank",
            {"query": "tides", "documents": ["a", {"text": "b"}, {"image": PNG}]},
            [text("tides"), text("a"), text("b"), BLOB],
        ),
        (
            "image",
            {"prompt": "A cat", "input_references": [{"type": "image_url", "image_url": {"url": PNG}}]},
            [text("A cat"), BLOB],
        ),
        (
            "speech",
            {
                "input": "Read this.",
                "input_references": [
                    {"type": "input_audio", "input_audio": {"data": "AAAA", "format": "wav"}},
                    {"type": "text", "text": "Slowly."},
                ],
            },
            [text("Read this."), SOUND, text("Slowly.")],
        ),
        ("transcription", {"input_audio": {"data": "AAAA", "format": "wav"}}, [SOUND]),
        (
            "video",
            {
                "prompt": "A cat",
                "frame_images": [{"type": "image_url", "image_url": {"url": PNG}, "frame_type": "first_frame"}],
                "input_references": [{"type": "audio_url", "audio_url": {"url": "https://example.org/a.mp3"}}],
            },
            [text("A cat"), BLOB, {"type": "uri", "modality": "audio", "uri": "https://example.org/a.mp3"}],
        ),
    ],
)
def test_what_each_is_asked(operation: str, request_body: Any, prompt: Any) -> None:
    assert spoken(operation, request_body).asked == [{"role": "user", "parts": prompt}]


@pytest.mark.parametrize("value", [[1, 2, 3], [[1, 2], [3]], None, {"a": 1}])
def test_tokens_are_no_words(value: Any) -> None:
    assert spoken("embeddings", {"input": value}).asked == []


def test_a_transcription_says_its_text() -> None:
    answer = {"text": "Hello there.", "segments": [{"text": "Hello"}], "usage": {"seconds": 1}}
    assert spoken("transcription", answer=answer).parts == [text("Hello there.")]


def test_the_form_of_a_transcription_asks_nothing_in_words() -> None:
    assert spoken("transcription", b"--b\r\ncontent-disposition: form-data; name=file\r\n\r\n\x00\x01").asked == []


@pytest.mark.parametrize(
    ("image", "part"),
    [
        ({"b64_json": "AAAA"}, {"type": "blob", "modality": "image", "content": "[3 bytes]"}),
        (
            {"b64_json": "AAAA", "media_type": "image/webp"},
            {"type": "blob", "modality": "image", "content": "[3 bytes]", "mime_type": "image/webp"},
        ),
        (
            {"url": "https://example.org/a.png"},
            {"type": "uri", "modality": "image", "uri": "https://example.org/a.png"},
        ),
        (7, {"type": "image"}),
    ],
)
def test_an_image_is_shown_by_what_and_how_much_it_is(image: Any, part: Any) -> None:
    assert spoken("image", answer={"data": [image]}).parts == [part]


def test_of_a_streamed_image_the_last_word_counts_and_its_text_is_joined() -> None:
    stream = events(
        {"type": "image_generation.text_chunk", "phase": "reasoning", "text": "A c"},
        {"type": "image_generation.text_chunk", "phase": "reasoning", "text": "at."},
        {"type": "image_generation.text_chunk", "phase": "content", "text": "Here."},
        {"type": "image_generation.partial_image", "partial_image_index": 0, "b64_json": "AA"},
        {"type": "image_generation.completed", "b64_json": "AAAA", "media_type": "image/png"},
    )
    assert spoken("image", chunks=[stream]).parts == [
        {"type": "reasoning", "content": "A cat."},
        text("Here."),
        {"type": "blob", "modality": "image", "content": "[3 bytes]", "mime_type": "image/png"},
    ]


@pytest.mark.parametrize("operation", ["embeddings", "rerank", "speech", "video", "batch", "decision", "unknown"])
def test_an_answer_that_is_no_words_says_nothing(operation: str) -> None:
    answer = {"data": [{"embedding": [0.1]}], "text": "Hello", "choices": [{"message": {"content": "Hello"}}]}
    assert spoken(operation, {"messages": [{"role": "user", "content": "x"}]}, answer).said == []
