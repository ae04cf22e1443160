import hashlib

from spancast.testing import Simulator
from tests.testing.asking import got
from tests.testing.wire import KEY, chat, send

OTHER = {"Authorization": "Bearer sk-or-v1-other"}


def hashed(headers: dict[str, str]) -> str:
    return hashlib.sha256(headers["Authorization"].removeprefix("Bearer ").encode()).hexdigest()


def test_a_key_tells_of_its_own_usage(openrouter: Simulator):
    chat(openrouter)
    chat(openrouter, OTHER, model="openai/gpt-4o")
    mine, others = (send(openrouter, "GET", "/api/v1/key", b"", key).json["data"]["usage"] for key in (KEY, OTHER))
    assert [mine, others] == [bill.cost for bill in openrouter.bills]
    assert got(openrouter, "/credits").json["data"]["total_usage"] == mine + others


def test_every_key_that_came_is_listed_with_its_usage(openrouter: Simulator):
    chat(openrouter)
    chat(openrouter, OTHER, model="simulator/byok")
    first, second = got(openrouter, "/keys").json["data"]
    assert [first["hash"], second["hash"]] == [hashed(KEY), hashed(OTHER)]
    assert [first["usage"], second["usage"]] == [bill.cost for bill in openrouter.bills]
    assert (first["byok_usage"], second["byok_usage"]) == (0, openrouter.bills[1].upstream_cost)


def test_a_bill_names_the_key_by_its_hash(openrouter: Simulator):
    chat(openrouter)
    assert openrouter.bills[0].key_hash == openrouter.requests[0].key_hash == hashed(KEY)
