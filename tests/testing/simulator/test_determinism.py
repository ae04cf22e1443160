import threading

from spancast.testing import Simulator
from tests.testing.asking import FORMS, ask, got, posted
from tests.testing.wire import HELLO, WEATHER, Reply, chat, get

REQUESTS = (
    {},
    {"stream": True},
    {"model": "openai/gpt-5-mini", "stream": True},
    {"tools": [WEATHER], "tool_choice": "required"},
    {"model": "simulator/error-mid-stream", "stream": True},
    {"model": "simulator/429"},
    {"model": "no/such"},
)


BATCH = {
    "endpoint": "/v1/chat/completions",
    "model": "openai/gpt-4o-mini",
    "requests": [{"custom_id": "a", "body": {"messages": HELLO}}],
}
VIDEO = {"model": "x-ai/grok-imagine-video", "prompt": "the sea"}


def session(simulator: Simulator) -> list[Reply]:
    replies = [chat(simulator, **body) for body in REQUESTS]
    dialects = [ask(simulator, name, **({"stream": True} if stream else {})) for name, stream in FORMS]
    lookups = [get(simulator, f"/api/v1/generation?id={replies[0].json['id']}") for _ in range(2)]
    jobs = [reply for path, body in (("/videos", VIDEO), ("/batches", BATCH)) for reply in job(simulator, path, body)]
    told = [got(simulator, path) for path in ("/key", "/keys", "/models", "/activity")]
    return [*replies, *dialects, *lookups, *jobs, *told]


def job(simulator: Simulator, path: str, body: dict) -> list[Reply]:
    begun = posted(simulator, path, body)
    return [begun, *(got(simulator, f"{path}/{begun.json['id']}") for _ in range(2))]


def test_the_same_seed_and_requests_are_answered_the_same_to_the_byte():
    with Simulator(seed=7) as one, Simulator(seed=7) as other:
        assert session(one) == session(other)
        assert one.bills == other.bills


def test_another_seed_gives_other_ids_and_the_same_words():
    with Simulator(seed=7) as one, Simulator(seed=8) as other:
        first, second = chat(one), chat(other)
    assert first.json["id"] != second.json["id"]
    assert first.text == second.text


def test_without_a_seed_ids_differ():
    with Simulator() as one, Simulator() as other:
        assert chat(one).json["id"] != chat(other).json["id"]


def test_the_clock_tells_when_a_generation_was_made():
    with Simulator(seed=7, clock=lambda: 1_800_000_000.5) as simulator:
        reply = chat(simulator)
    assert reply.json["created"] == 1_800_000_000
    assert reply.json["id"].startswith("gen-1800000000-")
    assert reply.headers["date"] == "Fri, 15 Jan 2027 08:00:00 GMT"


def test_generations_made_at_once_have_ids_of_their_own(openrouter: Simulator):
    threads = [threading.Thread(target=chat, args=(openrouter,)) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({bill.generation_id for bill in openrouter.bills}) == 16
