from decimal import Decimal

from spancast.testing import Simulator
from tests.testing.asking import ask, got


def test_an_answer_is_a_sound_that_follows_from_the_text(openrouter: Simulator):
    first, second = (ask(openrouter, "speech") for _ in range(2))
    assert first.headers["content-type"] == "audio/mpeg"
    assert first.body.startswith(b"ID3")
    assert first.body == second.body != ask(openrouter, "speech", input="Bye").body


def test_a_long_text_comes_in_many_pieces(openrouter: Simulator):
    reply = ask(openrouter, "speech", input="Hello" * 40)
    assert len(reply.chunks) > 10
    assert not openrouter.bills[0].cancelled


def test_what_it_costs_is_told_by_the_lookup_alone():
    with Simulator(lookups_before_ready=0) as simulator:
        reply = ask(simulator, "speech", input="1234567890")
        data = got(simulator, f"/generation?id={reply.headers['x-generation-id']}").json["data"]
    assert data["total_cost"] == simulator.bills[0].cost == 10 * Decimal("0.00000062")
    assert data["native_tokens_prompt"] == 3


def test_a_provider_that_fails_is_an_error_in_a_success(openrouter: Simulator):
    reply = ask(openrouter, "speech", model="simulator/error-mid-stream")
    assert (reply.status, reply.headers["content-type"]) == (200, "application/json")
    assert reply.json["error"]["message"] == "Provider disconnected"


def test_a_slow_sound_has_no_padding_in_it(openrouter: Simulator):
    slow = ask(openrouter, "speech", {"X-Simulator-Fault": "slow", "X-Simulator-Delay": "0.02"})
    assert slow.body == ask(openrouter, "speech").body
