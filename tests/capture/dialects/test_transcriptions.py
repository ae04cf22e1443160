"""POST /audio/transcriptions: asked in JSON or as a form, billed by tokens or by seconds."""

from decimal import Decimal

import httpx
import pytest

from spancast.records.call import Parameters
from tests.support.answers import JSON
from tests.support.exchanges import answered
from tests.support.unrecorded import plain_body

PATH = "/audio/transcriptions"
FIELDS = {"model": "openai/whisper-1", "response_format": "verbose_json", "temperature": "0.2"}


def test_an_answer_states_its_length_and_its_tokens() -> None:
    call = answered(PATH, plain_body("transcription"), headers={**JSON, "x-generation-id": "gen-stt-1"})
    assert (call.operation, call.outcome) == ("transcription", "completed")
    assert (call.generation_id, call.response_id) == ("gen-stt-1", None)
    assert (call.input_tokens, call.output_tokens, call.total_tokens) == (83, 30, 113)
    assert (call.audio_seconds, call.cost) == (9.2, Decimal("0.000508"))


def form(sound: bytes) -> httpx.Request:
    files = {"file": ("sound.wav", sound, "audio/wav")}
    return httpx.Request("POST", "http://openrouter.ai", data=FIELDS, files=files)


@pytest.mark.parametrize("sound", [b"", b"RIFF" + bytes(range(256)) * 8192, b'\r\n\r\nname="model"\r\n\r\nnone\r\n--'])
def test_a_form_says_what_is_asked_whatever_the_sound(sound: bytes) -> None:
    request = form(sound)
    sent = {"content-type": request.headers["content-type"]}
    call = answered(PATH, plain_body("transcription"), body=request.read(), sent=sent)
    assert call.request_model == "openai/whisper-1"
    assert call.parameters == Parameters(temperature=0.2, response_format="verbose_json")
    assert call.cost == Decimal("0.000508")


def test_a_form_that_the_client_library_has_yet_to_write_says_the_same() -> None:
    written, unwritten = form(b"RIFF"), answered(PATH, plain_body("transcription"), form=FIELDS)
    sent = {"content-type": written.headers["content-type"]}
    call = answered(PATH, plain_body("transcription"), body=written.read(), sent=sent)
    assert (call.request_model, call.parameters) == (unwritten.request_model, unwritten.parameters)


def test_an_answer_that_is_no_json_is_no_answer() -> None:
    call = answered(PATH, b"Hello there", headers={"content-type": "text/plain"})
    assert (call.outcome, call.error_type) == ("error", "invalid_response")
