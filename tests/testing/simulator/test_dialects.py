"""Properties of every dialect, plain and streamed."""

import re
import time
from decimal import Decimal

import pytest

from spancast.testing import Simulator
from spancast.testing.simulator import faults
from tests.testing import documented
from tests.testing.asking import ASKS, FORMS, TEXT, ask, got, objects, posted, usage
from tests.testing.wire import Reply, send

EVERY = pytest.mark.parametrize(("name", "stream"), FORMS, ids=[f"{name}-{stream}" for name, stream in FORMS])
NAMES = pytest.mark.parametrize("name", ASKS)
PREFIXES = {
    "embeddings": "gen-emb-",
    "rerank": "gen-rerank-",
    "image": "gen-img-",
    "speech": "gen-tts-",
    "transcription": "gen-stt-",
    "decision": "gen-dec-",
}
API_TYPES = {
    "embeddings": "embeddings",
    "rerank": "rerank",
    "image": "image",
    "speech": "tts",
    "transcription": "stt",
    "decision": "decisions",
}
SOUND = "audio/mpeg"
REFUSALS = [name for name, fault in faults.FAULTS.items() if fault.refusal is not None]


def asked(
    simulator: Simulator, name: str, stream: bool, headers: dict[str, str] | None = None, **more: object
) -> Reply:
    return ask(simulator, name, headers, **({"stream": True} if stream else {}), **more)


def message(reply: Reply) -> str:
    return reply.json["error"]["message"]


@EVERY
def test_every_dialect_is_answered_in_the_form_that_was_asked_for(openrouter: Simulator, name: str, stream: bool):
    reply = asked(openrouter, name, stream)
    kind = "text/event-stream" if stream else SOUND if name == "speech" else "application/json"
    assert (reply.status, reply.headers["content-type"], reply.whole) == (200, kind, True)


@EVERY
def test_what_is_billed_is_what_the_answer_states_to_the_last_digit(openrouter: Simulator, name: str, stream: bool):
    reply = asked(openrouter, name, stream)
    (bill,) = openrouter.bills
    assert bill.cost > 0
    assert usage(reply).get("cost") == (None if name == "speech" else bill.cost)
    assert (bill.operation, bill.streamed, bill.cancelled) == (name, stream, False)


@EVERY
def test_a_generation_has_an_id_of_its_kind_wherever_it_is_named(openrouter: Simulator, name: str, stream: bool):
    reply = asked(openrouter, name, stream)
    (bill,) = openrouter.bills
    assert re.fullmatch(rf"{PREFIXES.get(name, 'gen-')}\d{{10}}-[A-Za-z0-9]{{20}}", bill.generation_id)
    named = {each["id"] for each in objects(reply) if "id" in each} | {reply.headers.get("x-generation-id")}
    assert named - {None} == {bill.generation_id}


@EVERY
def test_a_generation_can_be_looked_up(name: str, stream: bool):
    with Simulator(lookups_before_ready=0) as simulator:
        asked(simulator, name, stream)
        (bill,) = simulator.bills
        data = got(simulator, f"/generation?id={bill.generation_id}").json["data"]
    assert (data["total_cost"], data["model"], data["provider_name"]) == (bill.cost, bill.model, bill.provider)
    assert (data["api_type"], data["streamed"]) == (API_TYPES.get(name, "completions"), stream)


@NAMES
def test_a_bill_says_for_whom(openrouter: Simulator, name: str):
    ask(openrouter, name, {"x-session-id": "s_header"}, user="u_42")
    ask(openrouter, name, {"x-session-id": "s_header"}, session_id="s_body")
    assert [(bill.user, bill.session_id) for bill in openrouter.bills] == [("u_42", "s_header"), (None, "s_body")]


@NAMES
def test_a_missing_key_is_refused(openrouter: Simulator, name: str):
    reply = send(openrouter, "POST", f"/api/v1{ASKS[name].path}", b"{}", {"Authorization": ""})
    assert (reply.status, message(reply)) == (401, "No cookie auth credentials found")


@NAMES
def test_an_unknown_model_is_refused_in_the_words_of_its_route(openrouter: Simulator, name: str):
    told = "no/such is not a valid model ID" if name in TEXT else "Model no/such does not exist"
    reply = ask(openrouter, name, model="no/such")
    assert (reply.status, message(reply)) == (400, told)


@NAMES
def test_a_model_of_another_kind_does_not_answer(openrouter: Simulator, name: str):
    other = "x-ai/grok-imagine-video"
    assert ask(openrouter, name, model=other).status == 400


@NAMES
def test_an_empty_request_is_refused(openrouter: Simulator, name: str):
    assert posted(openrouter, ASKS[name].path, {"model": ASKS[name].model}).status == 400
    assert openrouter.bills == ()


@pytest.mark.parametrize("fault", REFUSALS)
@NAMES
def test_every_dialect_can_be_refused(openrouter: Simulator, name: str, fault: str):
    by_model = ask(openrouter, name, model=f"simulator/{fault}")
    by_header = ask(openrouter, name, {"X-Simulator-Fault": fault})
    assert (by_model.status, by_model.body) == (by_header.status, by_header.body) == (int(fault), by_model.body)
    assert message(by_model)
    assert openrouter.bills == ()


@pytest.mark.parametrize("fault", faults.FAULTS)
@EVERY
def test_a_fault_is_billed_as_documented(openrouter: Simulator, name: str, stream: bool, fault: str):
    asked(openrouter, name, stream, {"X-Simulator-Fault": fault, "X-Simulator-Delay": "0.02"})
    billed = documented.faults()[fault]
    assert len(openrouter.bills) == (0 if billed == "no" else 1)
    for bill in openrouter.bills:
        assert bill.cancelled is (billed == "yes, cancelled")
        assert (bill.cost == 0) is (billed == "yes, 0")


@pytest.mark.parametrize("fault", ["byok", "byok-free", "discount", "content-filter", "no-completion", "cache-hit"])
@EVERY
def test_what_a_fault_charges_is_what_the_answer_states(openrouter: Simulator, name: str, stream: bool, fault: str):
    reply = asked(openrouter, name, stream, {"X-Simulator-Fault": fault})
    stated = usage(reply).get("cost")
    assert stated in {None, openrouter.bills[0].cost}
    assert stated is not None or name == "speech" or "error" in objects(reply)[-1]


@EVERY
def test_an_error_in_a_success_is_the_whole_json_body(openrouter: Simulator, name: str, stream: bool):
    reply = asked(openrouter, name, stream, model="simulator/502-in-200")
    assert (reply.status, reply.headers["content-type"]) == (200, "application/json")
    assert message(reply) == "ConnectionError: the provider closed the connection"


@EVERY
def test_a_cut_answer_breaks_off_and_can_be_accounted_for(name: str, stream: bool):
    with Simulator(seed=7, lookups_before_ready=0) as simulator:
        reply = asked(simulator, name, stream, {"X-Simulator-Fault": "cut"})
        (bill,) = simulator.bills
        data = got(simulator, f"/generation?id={bill.generation_id}").json["data"]
    with Simulator(seed=7) as simulator:
        whole = asked(simulator, name, stream)
    assert not reply.whole
    assert 0 < len(reply.body) < len(whole.body)
    assert whole.body.startswith(reply.body)
    assert (data["cancelled"], data["total_cost"]) == (True, bill.cost)


@EVERY
def test_a_slow_answer_begins_at_once_and_says_the_same(name: str, stream: bool):
    with Simulator(seed=7) as simulator:
        quick = asked(simulator, name, stream)
    with Simulator(seed=7) as simulator:
        begin = time.perf_counter()
        slow = asked(simulator, name, stream, {"X-Simulator-Fault": "slow", "X-Simulator-Delay": "0.2"})
    assert time.perf_counter() - begin >= 0.2
    assert slow.body.endswith(quick.body)
    assert objects(slow) == objects(quick)


@pytest.mark.parametrize("chunks", ["whole", "7"])
@EVERY
def test_an_answer_is_the_same_however_the_network_cuts_it(name: str, stream: bool, chunks: str):
    bodies = []
    for headers in ({}, {"X-Simulator-Chunks": chunks}):
        with Simulator(seed=7) as simulator:
            bodies.append(asked(simulator, name, stream, headers).body)
    assert bodies[0] == bodies[1]


@NAMES
def test_an_answer_tells_the_id_of_its_request_as_the_lookup_does(name: str):
    with Simulator(lookups_before_ready=0) as simulator:
        reply = ask(simulator, name)
        data = got(simulator, f"/generation?id={simulator.bills[0].generation_id}").json["data"]
    assert data["request_id"] == reply.headers["request-id"]


@NAMES
def test_a_fallback_answers_where_the_model_before_it_fails(openrouter: Simulator, name: str):
    reply = ask(openrouter, name, model="simulator/503", models=[ASKS[name].model])
    assert reply.status == 200
    assert openrouter.bills[0].provider != "Simulator"


def test_a_whole_session_in_every_dialect_adds_up(openrouter: Simulator):
    stated = [usage(asked(openrouter, name, stream)).get("cost", Decimal()) for name, stream in FORMS]
    (spoken,) = (bill.cost for bill in openrouter.bills if bill.operation == "speech")
    assert sum(stated) + spoken == openrouter.usage == got(openrouter, "/credits").json["data"]["total_usage"]
