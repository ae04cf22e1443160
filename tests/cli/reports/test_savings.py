import json
from decimal import Decimal
from functools import partial

import pytest

from spancast.bookkeeping.answers.costs import costs
from spancast.bookkeeping.answers.filter import Filter
from spancast.bookkeeping.book import Book
from spancast.bookkeeping.prices import read
from spancast.cli.reports.savings import Saved, saved
from tests.bookkeeping.records import call


def listed(name: str, **pricing: object) -> dict[str, object]:
    return {"id": name, "canonical_slug": f"{name}-2026", "pricing": {"completion": "9", **pricing}}


PRICES = read(
    json.dumps(
        {
            "data": [
                listed("a/cached", prompt="0.000003", input_cache_read="0.0000003"),
                listed("a/discounted", prompt="0.000003", input_cache_read="0.000001", discount="0.5"),
                listed("a/uncached", prompt="0.000003"),
                listed("a/zero", prompt="0.000003", input_cache_read="0"),
                listed("a/free", prompt="0", input_cache_read="0"),
                listed("a/dynamic", prompt="-1", input_cache_read="-1"),
            ]
        }
    ).encode(),
    0.0,
)


@pytest.fixture
def book(tmp_path):
    book = Book(tmp_path)
    yield book
    book.close()


@pytest.mark.parametrize(
    ("model", "cached", "expected"),
    [
        ("a/cached", 1000, Saved(Decimal("0.0027"))),
        ("a/cached-2026", 1000, Saved(Decimal("0.0027"))),
        ("a/cached", 0, Saved(Decimal(0))),
        ("a/discounted", 1000, Saved(Decimal("0.001"))),
        ("a/free", 1000, Saved(Decimal(0))),
        ("a/uncached", 1000, Saved(None, 1000)),
        ("a/zero", 1000, Saved(None, 1000)),
        ("a/dynamic", 1000, Saved(None, 1000)),
        ("a/unlisted", 1000, Saved(None, 1000)),
        ("a/unlisted", 0, Saved(Decimal(0))),
        (None, 1000, Saved(None, 1000)),
    ],
)
def test_a_cached_token_saves_what_it_costs_less(book, model, cached, expected):
    book.apply("w-1.seg", 1, [call(user="u", response_model=model, cached_tokens=cached)])
    assert saved(partial(costs, book), ["user"], Filter(), PRICES) == {("u",): expected}


def test_models_of_a_group_are_added_and_those_without_a_price_are_counted(book):
    models = ["a/cached", "a/cached-2026", "a/uncached"]
    calls = [call(user="u", response_model=model, cached_tokens=1000) for model in models]
    book.apply("w-1.seg", 1, [*calls, call(user="u"), call(user="silent")])
    assert saved(partial(costs, book), ["user"], Filter(), PRICES) == {("u",): Saved(Decimal("0.0054"), 1000)}


def test_models_can_be_the_groups(book):
    book.apply("w-1.seg", 1, [call(request_model="a/cached", response_model="a/cached-2026", cached_tokens=10)])
    found = saved(partial(costs, book), ["requested_model", "model"], Filter(), PRICES)
    assert found == {("a/cached", "a/cached-2026"): Saved(Decimal("0.000027"))}
