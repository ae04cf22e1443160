import base64
from decimal import Decimal

import pytest

from spancast.testing import Simulator
from tests.testing.asking import ask
from tests.testing.wire import Reply, send

SOUND = b"\r\n--\r\nnoise\x00\xff" * 1024
FORM = "multipart/form-data; boundary=xyz"


def heard(openrouter: Simulator, data: bytes = SOUND, **body: object) -> dict:
    sound = {"data": base64.b64encode(data).decode(), "format": "mp3"}
    return ask(openrouter, "transcription", input_audio=sound, **body).json


def posted(openrouter: Simulator, content_type: str = FORM, **fields: str) -> Reply:
    texts = [
        f'--xyz\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n' for name, value in fields.items()
    ]
    file = (
        b'--xyz\r\nContent-Disposition: form-data; name="file"; filename="a.mp3"\r\n\r\n' + SOUND + b"\r\n--xyz--\r\n"
    )
    body = "".join(texts).encode() + file
    return send(openrouter, "POST", "/api/v1/audio/transcriptions", body, {"Content-Type": content_type})


def test_what_is_said_follows_from_the_sound(openrouter: Simulator):
    assert heard(openrouter)["text"] == heard(openrouter)["text"] != heard(openrouter, b"other")["text"]


def test_a_form_is_heard_as_json_is_to_the_byte(openrouter: Simulator):
    reply = posted(openrouter, model="openai/whisper-1", user="u_42")
    assert reply.json == heard(openrouter)
    assert openrouter.bills[0].user == "u_42"


def test_one_model_is_priced_by_seconds(openrouter: Simulator):
    seconds = -(-len(SOUND) // 4096)
    assert heard(openrouter)["usage"] == {"seconds": seconds, "cost": seconds * Decimal("0.0001")}


def test_another_model_is_priced_by_tokens(openrouter: Simulator):
    usage = heard(openrouter, model="openai/gpt-4o-transcribe")["usage"]
    assert usage["total_tokens"] == usage["input_tokens"] + usage["output_tokens"]
    assert usage["cost"] == usage["input_tokens"] * Decimal("0.0000025") + usage["output_tokens"] * Decimal("0.00001")


def test_a_verbose_answer_has_segments(openrouter: Simulator):
    body = heard(openrouter, response_format="verbose_json", language="german")
    (segment,) = body["segments"]
    assert (body["task"], body["language"], body["duration"]) == ("transcribe", "german", segment["end"])
    assert segment["text"] == body["text"]


def test_only_a_header_names_the_generation(openrouter: Simulator):
    reply = ask(openrouter, "transcription")
    assert "id" not in reply.json
    assert reply.headers["x-generation-id"] == openrouter.bills[0].generation_id


@pytest.mark.parametrize("sound", [{}, {"data": "no base64!"}, "text"])
def test_what_is_no_sound_is_refused(openrouter: Simulator, sound: object):
    assert ask(openrouter, "transcription", input_audio=sound).status == 400


def test_a_form_without_a_boundary_is_refused(openrouter: Simulator):
    assert posted(openrouter, "multipart/form-data", model="openai/whisper-1").status == 400


def test_a_form_names_the_fault_as_json_does(openrouter: Simulator):
    assert posted(openrouter, model="simulator/429").status == 429
