"""OpenRouter's list of models: which one a call used, and how the list is kept."""

import json
import os
import sys
import time
from decimal import Decimal

import pytest

from spancast.bookkeeping import prices
from spancast.errors import SpancastError
from tests.bookkeeping.records import call


def row(name: str, prompt: str, slug: str | None = None, **more):
    return {"id": name, "canonical_slug": slug or name, "pricing": {"prompt": prompt, "completion": "1"}, **more}


ROWS = [
    row("openai/gpt-5", "1", "openai/gpt-5-2025-08-07"),
    row("openai/gpt-5:free", "0", "openai/gpt-5-2025-08-07"),
    row("openai/gpt-5:exacto", "2", "openai/gpt-5-2025-08-07"),
    row("openai/gpt-6", "3"),
    row("~openai/gpt-latest", "9", alias_target={"slug": "openai/gpt-6", "name": "GPT-6"}),
    row("openrouter/auto", "-1"),
]


def read(*rows):
    return prices.read(json.dumps({"data": rows}).encode(), 1000.0)


def prompt(asked: str | None, served: str | None = None, models=()) -> str | None:
    listed = read(*ROWS).of(call(request_model=asked, response_model=served, request_models=models))
    return None if listed is None else str(listed.base["prompt"])


@pytest.mark.parametrize(
    ("asked", "served", "rate"),
    [
        ("openai/gpt-5", "openai/gpt-5-2025-08-07", "1"),
        ("openai/gpt-5", None, "1"),
        ("openai/gpt-5:free", "openai/gpt-5-2025-08-07:free", "0"),
        ("openai/gpt-5:free", "openai/gpt-5-2025-08-07", "0"),
        ("openai/gpt-5:exacto", "openai/gpt-5-2025-08-07", "2"),
        ("openai/gpt-5:nitro", "openai/gpt-5-2025-08-07", "1"),
        ("openai/gpt-5:nitro", None, "1"),
        ("openai/gpt-6:free", "openai/gpt-6", None),
        ("openai/gpt-6:batch", None, None),
        ("~openai/gpt-latest", None, "3"),
        ("~openai/gpt-latest", "openai/gpt-6", "3"),
        ("openai/gpt-5", "gpt-5", "1"),
        ("openrouter/auto", "openai/gpt-6", None),
        ("nobody/knows", "nobody/knows", None),
        (None, None, None),
    ],
)
def test_a_call_costs_what_the_model_costs_that_answered(asked, served, rate):
    assert prompt(asked, served) == rate


def test_a_fallback_that_is_not_listed_does_not_cost_what_the_first_choice_does():
    assert prompt("openai/gpt-5", "nobody/knows", ("openai/gpt-5", "nobody/knows")) is None
    assert prompt("openai/gpt-5", "openai/gpt-6", ("openai/gpt-5", "openai/gpt-6")) == "3"


def test_rows_that_cannot_be_read_cost_nobody_else_anything():
    assert [model.id for model in read({"id": 1}, {"id": "x", "pricing": None}, {}, ROWS[0]).models] == ["openai/gpt-5"]


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"data":{}}', b'{"data":[]}', b"<html>"])
def test_what_is_no_list_is_an_error(body):
    with pytest.raises(SpancastError, match="OpenRouter's list of models"):
        prices.read(body, 0.0)


def test_the_list_is_kept_to_the_last_digit_with_its_age(tmp_path):
    row_with_numbers = row("a/b", "0.0000000208333333333333")
    row_with_numbers["pricing"] |= {"discount": 0.1, "overrides": [{"min_prompt_tokens": 2e5, "prompt": "2"}]}
    before = prices.read(json.dumps({"data": [row_with_numbers]}).encode(), time.time() - 60)
    prices.save(tmp_path / "home", before)
    after = prices.load(tmp_path / "home")
    assert (after.models, after.fetched_at) == (before.models, before.fetched_at)
    assert 60 <= after.age < 90
    assert after.models[0].pricing["discount"] == Decimal("0.1")


def test_a_list_is_replaced_as_a_whole_and_leaves_nothing_beside_it(tmp_path):
    for rows in (ROWS, ROWS[:1]):
        prices.save(tmp_path, read(*rows))
    assert len(prices.load(tmp_path).models) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["prices.json"]
    assert (tmp_path / "prices.json").stat().st_mode & 0o777 == 0o600


def test_a_list_that_cannot_be_replaced_stays_as_it_was(tmp_path, monkeypatch):
    prices.save(tmp_path, read(*ROWS))

    def full(_self, _target):
        raise OSError("the disk is full")

    monkeypatch.setattr("pathlib.Path.replace", full)
    with pytest.raises(OSError, match="full"):
        prices.save(tmp_path, read(ROWS[0]))
    assert [path.name for path in tmp_path.iterdir()] == ["prices.json"]
    assert len(prices.load(tmp_path).models) == len(ROWS)


@pytest.mark.parametrize(
    "content", [b"", b"{", b'{"fetched_at":1}', os.urandom(100)], ids=["empty", "cut", "no list", "noise"]
)
def test_a_file_that_cannot_be_read_is_none(tmp_path, content):
    (tmp_path / "prices.json").write_bytes(content)
    assert prices.load(tmp_path) is None
    assert prices.load(tmp_path / "absent") is None


def test_a_file_that_is_nested_without_end_is_none(tmp_path):
    nested = b'{"fetched_at":1,"models":[{"id":"a","pricing":{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}}]}"
    (tmp_path / "prices.json").write_bytes(nested)
    assert prices.load(tmp_path) is None


@pytest.mark.skipif(sys.platform == "win32", reason="there are no named pipes here")
def test_a_pipe_in_place_of_the_list_keeps_nobody_waiting(tmp_path):
    os.mkfifo(tmp_path / "prices.json")
    assert prices.load(tmp_path) is None
