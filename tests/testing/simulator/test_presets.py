import pytest

from spancast.testing import Simulator
from tests.testing.asking import posted
from tests.testing.wire import HELLO, MINI


@pytest.mark.parametrize("route", ["chat/completions", "responses", "messages"])
def test_a_preset_is_made_of_a_request_and_no_model_is_asked(openrouter: Simulator, route: str):
    reply = posted(openrouter, f"/presets/mine/{route}", {"model": MINI, "temperature": 1, "messages": HELLO})
    made = reply.json["data"]
    assert (reply.status, made["slug"]) == (200, "mine")
    assert made["designated_version"]["config"] == {"model": MINI, "temperature": 1}
    assert "x-generation-id" not in reply.headers
    assert openrouter.bills == ()


def test_another_request_makes_another_version_of_it(openrouter: Simulator):
    made = [posted(openrouter, f"/presets/{slug}/messages", {"model": MINI}) for slug in ("a", "a", "b")]
    assert [each.json["data"]["designated_version"]["version"] for each in made] == [1, 2, 1]
    assert made[0].json["data"]["id"] == made[1].json["data"]["id"] != made[2].json["data"]["id"]


def test_what_is_no_json_makes_no_preset(openrouter: Simulator):
    assert posted(openrouter, "/presets/mine/messages", []).status == 400
