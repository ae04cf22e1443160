"""The answers that were written by hand have the shape that OpenRouter describes."""

import json
from typing import Any

import pytest
from openrouter.components import BatchObject, DecisionsResponse
from pydantic import BaseModel

from spancast.capture.body.sse import payloads
from tests.support.shared import needs_shared
from tests.support.unrecorded import FOLDER, events, plain_body
from tests.testing.openapi import CHUNK, answer, check, check_text

SCHEMAS = "#/components/schemas/"
PLAIN = {
    "chat_": answer("/chat/completions", "post", 200),
    "error_402": answer("/chat/completions", "post", 402),
    "error_500": answer("/chat/completions", "post", 500),
    "error_502": answer("/chat/completions", "post", 502),
    "error_503": answer("/chat/completions", "post", 503),
    "error_524": SCHEMAS + "EdgeNetworkTimeoutResponse",
    "error_529": SCHEMAS + "ProviderOverloadedResponse",
    "messages_error": SCHEMAS + "AnthropicMessagesErrorResponse",
    "messages": answer("/messages", "post", 200),
    "responses": answer("/responses", "post", 200),
    "embeddings": answer("/embeddings", "post", 200),
    "rerank": answer("/rerank", "post", 200),
    "transcription": answer("/audio/transcriptions", "post", 200),
    "video": answer("/videos/{jobId}", "get", 200),
}
"""The schema of a body by the beginning of its name; of two that fit, the first."""
STREAMED = {
    "chat_": CHUNK,
    "messages": SCHEMAS + "MessagesStreamEvents",
    "responses": SCHEMAS + "StreamEvents",
    "images": SCHEMAS + "ImageStreamingResponse/properties/data",
}
MODELS: dict[str, type[BaseModel]] = {"batch": BatchObject, "decisions": DecisionsResponse}
UNDESCRIBED = "completions"


def names(suffix: str, table: dict[str, Any]) -> list[str]:
    found = (path.stem for path in sorted(FOLDER.glob(f"*.{suffix}")))
    return [name for name in found if name.startswith(tuple(table))]


def of(name: str, table: dict[str, Any]) -> Any:
    return next(value for start, value in table.items() if name.startswith(start))


@needs_shared
@pytest.mark.parametrize("name", names("json", PLAIN))
def test_a_body_fits_its_schema(name: str) -> None:
    check_text(plain_body(name), of(name, PLAIN))


@needs_shared
@pytest.mark.parametrize("name", names("sse", STREAMED))
def test_every_event_of_a_stream_fits_its_schema(name: str) -> None:
    found = [data for event in events(name) for data in payloads(event) if data != b"[DONE]"]
    assert found
    for data in found:
        check(json.loads(data), of(name, STREAMED))


@pytest.mark.parametrize("name", names("json", MODELS))
def test_a_body_that_only_the_sdk_describes_is_taken_by_it(name: str) -> None:
    of(name, MODELS).model_validate_json(plain_body(name), strict=True)


def test_no_answer_is_left_unchecked() -> None:
    every = {path.name for path in FOLDER.iterdir()}
    plain = {f"{name}.json" for name in names("json", PLAIN | MODELS)}
    assert every - plain - {f"{name}.sse" for name in names("sse", STREAMED)} == {
        f"{UNDESCRIBED}.json",
        f"{UNDESCRIBED}.sse",
    }
