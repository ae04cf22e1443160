import base64
import struct
from decimal import Decimal

import pytest

from spancast.testing import Simulator
from tests.testing.asking import ask

TEXT = {"type": "text", "text": "1234"}
IMAGE = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA"}}


def vectors(openrouter: Simulator, **body: object) -> list:
    return [row["embedding"] for row in ask(openrouter, "embeddings", **body).json["data"]]


def test_every_input_has_a_vector_in_its_place(openrouter: Simulator):
    body = ask(openrouter, "embeddings", input=["Hello", "World", "Hello"]).json
    first, second, third = body["data"]
    assert [row["index"] for row in body["data"]] == [0, 1, 2]
    assert first["embedding"] == third["embedding"] != second["embedding"]
    assert (body["object"], first["object"]) == ("list", "embedding")


def test_the_model_is_named_without_its_author_and_beside_the_provider(openrouter: Simulator):
    body = ask(openrouter, "embeddings").json
    assert (body["model"], body["provider"]) == ("text-embedding-3-small", "OpenAI")


def test_a_vector_is_as_long_as_is_asked_for(openrouter: Simulator):
    assert [len(vector) for vector in vectors(openrouter, dimensions=3)] == [3, 3]


def test_a_vector_in_base64_is_the_same_in_single_precision(openrouter: Simulator):
    plain, packed = vectors(openrouter), vectors(openrouter, encoding_format="base64")
    read = [list(struct.unpack("<256f", base64.b64decode(each))) for each in packed]
    assert read == [[float(number) for number in vector] for vector in plain]


@pytest.mark.parametrize(("asked", "tokens"), [("12345", 2), (["1234", "1234"], 2), ([1, 2, 3], 3), ([[1, 2], [3]], 3)])
def test_tokens_are_counted_as_those_of_any_text_or_given(openrouter: Simulator, asked: object, tokens: int):
    usage = ask(openrouter, "embeddings", input=asked).json["usage"]
    assert (usage["prompt_tokens"], usage["total_tokens"]) == (tokens, tokens)
    assert usage["cost"] == tokens * Decimal("0.00000002")


def test_kinds_of_input_are_told_apart_where_there_are_two(openrouter: Simulator):
    mixed = ask(openrouter, "embeddings", input=[{"content": [TEXT, IMAGE]}]).json["usage"]
    alone = ask(openrouter, "embeddings", input=[{"content": [TEXT]}]).json["usage"]
    assert mixed["prompt_tokens_details"] == {"text_tokens": 1, "image_tokens": 256}
    assert "prompt_tokens_details" not in alone


def test_a_body_follows_keep_alive_padding(openrouter: Simulator):
    assert ask(openrouter, "embeddings").body.startswith(b"\n         \n{")
