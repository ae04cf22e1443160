import base64
from decimal import Decimal

import pytest

from spancast.testing import Simulator
from tests.testing.asking import ask

PNG = b"\x89PNG\r\n\x1a\n"


def test_an_image_is_a_png_that_follows_from_the_prompt(openrouter: Simulator):
    (image,) = ask(openrouter, "image").json["data"]
    (same,) = ask(openrouter, "image").json["data"]
    (other,) = ask(openrouter, "image", prompt="a dog").json["data"]
    assert base64.b64decode(image["b64_json"]).startswith(PNG)
    assert image["media_type"] == "image/png"
    assert image == same != other


def test_only_the_headers_name_the_generation_and_the_provider(openrouter: Simulator):
    reply = ask(openrouter, "image")
    assert not {"id", "provider", "model"} & set(reply.json)
    assert reply.headers["x-generation-id"] == openrouter.bills[0].generation_id
    assert reply.headers["x-provider-name"] == "Google AI Studio"


def test_the_tokens_of_the_image_are_told_apart_and_have_a_price_of_their_own(openrouter: Simulator):
    usage = ask(openrouter, "image", prompt="12345678", n=2).json["usage"]
    images, text = usage["completion_tokens_details"]["image_tokens"], 7
    assert (images, usage["completion_tokens"]) == (2 * 1120, 2 * 1120 + text)
    assert usage["cost"] == (2 * Decimal("0.00000025") + text * Decimal("0.0000015") + images * Decimal("0.00003"))
    assert openrouter.bills[0].image_tokens == images


def test_an_image_that_the_prompt_brings_along_is_counted(openrouter: Simulator):
    reference = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA"}}
    usage = ask(openrouter, "image", prompt="1234", input_references=[reference]).json["usage"]
    assert usage["prompt_tokens"] == 1 + 256


def test_a_stream_has_drafts_then_the_image_with_the_usage(openrouter: Simulator):
    reply = ask(openrouter, "image", stream=True)
    *drafts, last = reply.events
    assert [each["type"] for each in drafts] == ["image_generation.partial_image"] * 2
    assert [each["partial_image_index"] for each in drafts] == [0, 1]
    assert last["type"] == "image_generation.completed"
    assert last["b64_json"] == ask(openrouter, "image").json["data"][0]["b64_json"]
    assert not any("usage" in each for each in drafts)
    assert last["usage"]["cost"] == openrouter.bills[0].cost
    assert reply.body.endswith(b"data: [DONE]\n\n")


@pytest.mark.parametrize("fault", ["error-mid-stream", "choice-error"])
def test_a_provider_that_fails_amid_a_stream_is_an_event(openrouter: Simulator, fault: str):
    *drafts, last = ask(openrouter, "image", model=f"simulator/{fault}", stream=True).events
    assert drafts
    assert (last["type"], last["error"]["message"]) == ("error", "Provider disconnected")
    assert openrouter.bills[0].cost == 0
