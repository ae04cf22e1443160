"""POST /audio/speech: a sound, and its generation in the headers."""

from spancast.records.call import Parameters
from tests.support.answers import JSON
from tests.support.exchanges import answered, opened, streamed
from tests.support.unrecorded import plain_body

PATH = "/audio/speech"
ASKED = b'{"model":"hexgrad/kokoro-82m","input":"Hi","voice":"af_bella","response_format":"mp3"}'
SOUND = {"content-type": "audio/mpeg", "x-generation-id": "gen-tts-1"}


def test_a_sound_is_known_by_its_headers_and_costs_what_nobody_says() -> None:
    call = answered(PATH, b"ID3\x04" + bytes(5000), headers=SOUND, body=ASKED)
    assert (call.operation, call.outcome, call.error_type) == ("speech", "completed", None)
    assert (call.request_model, call.parameters) == ("hexgrad/kokoro-82m", Parameters(response_format="mp3"))
    assert (call.generation_id, call.response_id) == ("gen-tts-1", None)
    assert (call.cost, call.cost_source, call.output_tokens) == (None, None, None)


def test_the_first_piece_of_a_sound_is_noticed_and_an_empty_one_is_none() -> None:
    heard = opened(PATH)
    heard.exchange.headers(200, SOUND)
    heard.feed([b"", b"ID3", b"more"])
    heard.exchange.close()
    assert heard.call.time_to_first_token is not None
    assert heard.call.outcome == "closed"
    assert streamed(PATH, [b""], headers=SOUND).time_to_first_token is None


def test_a_sound_that_reads_like_json_is_not_read() -> None:
    assert answered(PATH, b'{"usage":{"cost":9}}', headers=SOUND).cost is None


def test_an_error_is_text_to_read() -> None:
    call = answered(PATH, plain_body("error_402"), status=402, headers=JSON)
    assert (call.outcome, call.error_type) == ("error", "payment_required")
    assert answered(PATH, plain_body("error_402"), headers=JSON).error_type == "payment_required"
    assert answered(PATH, b"no", status=500, headers={"content-type": "audio/mpeg"}).error_type == "500"
