import json
from datetime import datetime

import pytest

from spancast.bookkeeping import prices as kept
from spancast.testing import Simulator


@pytest.fixture
def openrouter(monkeypatch):
    with Simulator(seed=1) as simulator:
        monkeypatch.setenv("OPENROUTER_BASE_URL", simulator.base_url)
        yield simulator


@pytest.fixture
def listed(home):
    """Keep a list of prices as OpenRouter gives it."""

    def keep(*rows):
        body = json.dumps({"data": [{"canonical_slug": None, **row} for row in rows]}).encode()
        kept.save(home, kept.read(body, 1_790_000_000.0))

    return keep


def row(name, **pricing):
    return {"id": name, "pricing": {"prompt": "0.0000025", "completion": "0.00001", **pricing}}


def test_the_list_is_fetched_once_and_kept(openrouter, home, spancast):
    for _ in range(2):
        status, printed, _ = spancast("prices")
        assert (status, "openai/gpt-4o-mini" in printed) == (0, True)
    assert len(openrouter.requests) == 1
    assert (home / "prices.json").is_file()


def test_it_is_fetched_anew_where_that_is_asked_for(openrouter, home, spancast):
    spancast("prices")
    spancast("prices", "--refresh")
    assert len(openrouter.requests) == 2


def test_no_key_is_sent(openrouter, home, spancast, monkeypatch):
    monkeypatch.setenv("OPENROUTER_API_KEY", "sk-or-v1-secret")
    spancast("prices")
    assert [served.authorized for served in openrouter.requests] == [False]


def test_json_gives_the_prices_as_openrouter_writes_them(listed, spancast):
    listed(row("a/b", prompt="0.0000000208333333333333", discount=0.1), row("c/d"))
    _, printed, _ = spancast("prices", "a/b", "--json")
    found = json.loads(printed)
    assert [(model["id"], model["pricing"]["prompt"]) for model in found["models"]] == [
        ("a/b", "0.0000000208333333333333")
    ]
    assert found["models"][0]["pricing"]["discount"] == 0.1
    assert datetime.fromisoformat(found["fetched_at"]).timestamp() == 1_790_000_000
    assert found["age_s"] > 0


def test_the_table_is_for_a_million_tokens_and_says_when_the_price_is_another(listed, spancast):
    over = {"min_prompt_tokens": 200000, "utc_start": 100, "utc_end": 1030, "utc_days": ["monday"], "prompt": "1"}
    listed(
        row("a/b", overrides=[over]),
        row("a/c", web_search="0.01", overrides=[{"moon": "full"}]),
        {**row("~a/latest"), "alias_target": {"slug": "a/b"}},
        row("openrouter/auto", prompt="-1", completion="-1"),
    )
    lines = spancast("prices")[1].splitlines()
    assert lines[1].split(maxsplit=7)[1:4] == ["$2.5000", "$10.0000", "-"]
    assert lines[1].endswith("above 200,000 tokens 01:00-10:30 UTC on monday")
    assert "$0.0100" in lines[2]
    assert lines[2].endswith("on an unknown condition")
    assert lines[3].endswith("alias of a/b")
    assert lines[4].split()[1:3] == ["dynamic", "dynamic"]
    assert lines[5] == "US dollars a million tokens, a request, a search; fetched 2026-09-21 14:13:20 UTC."


def test_a_part_of_a_name_is_enough(listed, spancast):
    listed(row("openai/gpt-5"), row("openai/gpt-5-mini"), row("a/b"))
    assert len(json.loads(spancast("prices", "GPT-5-", "--json")[1])["models"]) == 1
    assert len(json.loads(spancast("prices", "gpt", "--json")[1])["models"]) == 2
    assert len(json.loads(spancast("prices", "openai/gpt-5", "--json")[1])["models"]) == 1


def test_a_model_that_is_not_listed_is_told_with_the_nearest(listed, spancast):
    listed(row("openai/gpt-5"))
    status, _, complaint = spancast("prices", "openai/gtp-5")
    assert (status, complaint) == (
        1,
        "spancast: OpenRouter lists no model 'openai/gtp-5'. Did you mean 'openai/gpt-5'?\n",
    )


def test_without_a_network_it_says_what_could_not_be_asked(home, spancast, monkeypatch):
    with Simulator() as gone:
        address = gone.base_url
    monkeypatch.setenv("OPENROUTER_BASE_URL", address)
    status, _, complaint = spancast("prices")
    assert (status, complaint.startswith(f"spancast: The list of models cannot be fetched from {address}: ")) == (
        1,
        True,
    )
