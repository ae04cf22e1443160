from decimal import Decimal

from spancast.testing import Simulator
from tests.testing.asking import ASKS, ask, posted
from tests.testing.wire import send


def answers(openrouter: Simulator, **body: object) -> dict:
    return ask(openrouter, "decision", **body).json["answers"]


def test_every_question_is_answered_in_its_own_type(openrouter: Simulator):
    found = answers(openrouter)
    assert {name: each["type"] for name, each in found.items()} == {
        "matches": "noul",
        "colour": "choice",
        "grade": "score",
        "place": "box",
    }
    assert 0 <= found["matches"]["noul"] <= 1
    assert found["colour"]["choice"] in {"red", "blue"}
    assert found["grade"]["score"] in {0, 1, 2}
    assert found["place"]["box"]["left"] < found["place"]["box"]["right"]


def test_the_answers_follow_from_the_state_and_the_questions(openrouter: Simulator):
    assert answers(openrouter) == answers(openrouter)
    others = [answers(openrouter, state=f"Sticker {number}")["matches"] for number in range(5)]
    assert len({each["noul"] for each in others}) > 1


def test_a_decision_costs_what_its_input_does(openrouter: Simulator):
    usage = ask(openrouter, "decision").json["usage"]
    assert usage["output_tokens"] == 0
    assert usage["cost"] == usage["input_tokens"] * Decimal("0.00000009") > 0


def test_the_older_route_is_another_name_for_it():
    wanted = ASKS["decision"]
    with Simulator(seed=7) as one, Simulator(seed=7) as other:
        newer = posted(one, wanted.path, {"model": wanted.model, **wanted.body})
        older = send(other, "POST", "/api/alpha/decisions", one.requests[0].body)
    assert newer.body == older.body
