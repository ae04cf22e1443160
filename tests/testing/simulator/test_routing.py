import pytest

from spancast.testing import Simulator
from tests.testing.asking import FORMS, TEXT, ask, objects
from tests.testing.wire import MINI, Reply, chat

TOLD = {"X-OpenRouter-Metadata": "enabled"}
EVERY = pytest.mark.parametrize(("name", "stream"), [(name, stream) for name, stream in FORMS if name in TEXT])


def routing(reply: Reply) -> dict | None:
    """Return `openrouter_metadata` of a response, or of its last object that has it."""
    found = [
        each.get("openrouter_metadata") or each.get("response", {}).get("openrouter_metadata")
        for each in objects(reply)
    ]
    return next((each for each in reversed(found) if each), None)


@EVERY
def test_an_answer_tells_of_its_routing_where_that_is_asked_for(openrouter: Simulator, name: str, stream: bool):
    assert routing(ask(openrouter, name, TOLD, stream=stream)) == {
        "requested": MINI,
        "strategy": "direct",
        "region": "iad",
        "summary": "available=1, selected=OpenAI",
        "attempt": 1,
        "is_byok": False,
        "endpoints": {"total": 1, "available": [{"provider": "OpenAI", "model": MINI, "selected": True}]},
        "attempts": [{"provider": "OpenAI", "model": MINI, "status": 200}],
    }


@EVERY
def test_it_does_not_otherwise(openrouter: Simulator, name: str, stream: bool):
    assert routing(ask(openrouter, name, stream=stream)) is None
    assert routing(ask(openrouter, name, {"X-OpenRouter-Metadata": "yes"}, stream=stream)) is None


def test_a_stream_tells_of_it_in_its_last_object(openrouter: Simulator):
    *before, last = chat(openrouter, TOLD, stream=True).events
    assert "openrouter_metadata" in last
    assert not any("openrouter_metadata" in each for each in before)
    assert ask(openrouter, "message", TOLD, stream=True).events[-1]["type"] == "message_stop"


@pytest.mark.parametrize("header", ["X-OpenRouter-Experimental-Metadata", "x-openrouter-metadata"])
def test_the_header_has_an_older_name_and_any_case(openrouter: Simulator, header: str):
    assert routing(chat(openrouter, {header: "Enabled"})) is not None


@pytest.mark.parametrize("name", ["embeddings", "rerank", "image"])
def test_other_dialects_do_not_tell(openrouter: Simulator, name: str):
    assert routing(ask(openrouter, name, TOLD)) is None


def test_every_attempt_is_told(openrouter: Simulator):
    told = routing(chat(openrouter, TOLD, model="simulator/503", models=["simulator/429", MINI, "openai/gpt-4o"]))
    assert (told["strategy"], told["attempt"]) == ("fallback", 3)
    assert [each["status"] for each in told["attempts"]] == [503, 429, 200]
    assert [each["selected"] for each in told["endpoints"]["available"]] == [False, False, True, False]


@pytest.mark.parametrize("router", ["auto", "free"])
def test_a_router_is_a_strategy(openrouter: Simulator, router: str):
    told = routing(chat(openrouter, TOLD, model=f"openrouter/{router}"))
    assert (told["strategy"], told["requested"]) == (router, f"openrouter/{router}")


def test_the_users_own_key_is_told(openrouter: Simulator):
    assert routing(chat(openrouter, TOLD, model="simulator/byok"))["is_byok"] is True


@pytest.mark.parametrize("name", TEXT)
def test_a_refusal_tells_of_it_beside_the_error(openrouter: Simulator, name: str):
    body = ask(openrouter, name, TOLD, model="simulator/503").json
    told = body["openrouter_metadata"]
    assert "error" in body
    assert not any(each["selected"] for each in told["endpoints"]["available"])
    assert told["attempts"][-1]["status"] == 503


@pytest.mark.parametrize("fault", ["500", "no/such"])
def test_a_refusal_that_hides_its_cause_or_came_before_routing_does_not(openrouter: Simulator, fault: str):
    model = fault if "/" in fault else f"simulator/{fault}"
    assert "openrouter_metadata" not in chat(openrouter, TOLD, model=model).json
