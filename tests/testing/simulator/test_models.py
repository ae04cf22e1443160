from decimal import Decimal

from spancast.testing import Simulator
from tests.testing.wire import chat, get, send


def rows(openrouter: Simulator) -> list[dict]:
    return get(openrouter, "/api/v1/models").json["data"]


def test_models_are_listed_without_a_key(openrouter: Simulator):
    assert send(openrouter, "GET", "/api/v1/models", headers={"Authorization": ""}).status == 200


def test_about_ten_models_and_the_routers_are_listed(openrouter: Simulator):
    ids = [row["id"] for row in rows(openrouter)]
    assert {"openai/gpt-4o-mini", "anthropic/claude-haiku-4.5", "google/gemini-2.5-flash", "openrouter/auto"} <= set(
        ids
    )
    assert len(ids) == len(set(ids)) >= 10


def test_prices_are_strings_in_plain_notation(openrouter: Simulator):
    for row in rows(openrouter):
        for price in row["pricing"].values():
            assert format(Decimal(price), "f") == price


def test_a_routers_price_is_dynamic(openrouter: Simulator):
    routers = {row["id"]: row["pricing"] for row in rows(openrouter) if row["id"].startswith("openrouter/")}
    assert set(routers) == {"openrouter/auto", "openrouter/free"}
    assert all(pricing == {"prompt": "-1", "completion": "-1"} for pricing in routers.values())


def test_every_listed_model_answers_with_its_canonical_slug(openrouter: Simulator):
    for row in rows(openrouter):
        if not row["id"].startswith("openrouter/"):
            suffix = ":free" if row["id"].endswith(":free") else ""
            assert chat(openrouter, model=row["id"]).json["model"] == row["canonical_slug"] + suffix
