"""`calls_usd`, the view for people's own SQL: read by SQLite alone, with nothing of ours."""

import re
import sqlite3
from contextlib import closing
from decimal import Decimal
from pathlib import Path

import pytest

from spancast.bookkeeping.book import Book
from tests.bookkeeping.records import ROOT
from tests.bookkeeping.schemas.calls import AT, CALLS

PAGE = (ROOT / "docs" / "upkeep.md").read_text("utf-8")
HEX = CALLS[0].call_id


@pytest.fixture
def view(tmp_path: Path):
    with closing(Book(tmp_path)) as book:
        book.apply("writer-000001.seg", 1, CALLS)
    with closing(sqlite3.connect(f"file:{tmp_path / 'ledger.db'}?mode=ro", uri=True)) as connection:
        connection.row_factory = sqlite3.Row
        yield connection


def rows(view) -> dict[str, sqlite3.Row]:
    return {row["call_id"]: row for row in view.execute("SELECT * FROM calls_usd")}


def test_every_column_is_on_the_page(view):
    columns = [column[0] for column in view.execute("SELECT * FROM calls_usd").description]
    table = PAGE[PAGE.index("## The ledger in SQL") :]
    written = [
        name for cell in re.findall(r"^\| (`[^|]*) \|", table, re.MULTILINE) for name in re.findall("`(.*?)`", cell)
    ]
    assert sorted(written) == sorted(columns)


def test_every_column_says_what_the_call_was(view):
    row = dict(rows(view)[HEX])
    assert row.pop("seq") == 1
    assert row.pop("started") == "2026-09-21T14:13:20.123Z"
    assert row.pop("more") == ('{"parameters":{"temperature":0.5,"seed":7}}')
    assert row == {
        "call_id": HEX,
        "operation": "chat",
        "started_at": AT,
        "outcome": "completed",
        "server_address": "openrouter.ai",
        "server_port": 443,
        "http_status": 200,
        "error_type": None,
        "error_message": None,
        "duration": 2_500_000_000,
        "time_to_headers": 200_000_000,
        "time_to_first_token": 300_000_000,
        "streamed": 1,
        "request_model": "openai/gpt-5",
        "request_models": '["openai/gpt-5","openai/gpt-5-mini"]',
        "generation_id": "gen-1790000000-abcdefghijklmnop",
        "response_id": "gen-1790000000-abcdefghijklmnop",
        "response_model": "openai/gpt-5-2025-08-07",
        "provider": "Azure",
        "finish_reason": "stop",
        "native_finish_reason": "completed",
        "input_tokens": 100,
        "output_tokens": 50,
        "total_tokens": 150,
        "cached_tokens": 40,
        "cache_write_tokens": None,
        "reasoning_tokens": 10,
        "cost": 420_000_000,
        "cost_text": "0.00042",
        "upstream_cost": 420_000_000,
        "upstream_cost_text": "0.00042",
        "upstream_input_cost_text": "0.00012",
        "upstream_output_cost_text": "0.0003",
        "output_chunks": 12,
        "is_byok": 0,
        "cost_source": "response",
        "user": "u_42",
        "session": "s_7",
        "tags": '{"feature":"search","a \\"quoted\\" key":"ü"}',
        "app": "shop",
        "key_hash": CALLS[0].key_hash,
        "trace_id": "0af7651916cd43dd8448eb211c80319c",
        "span_id": "b7ad6b7169203331",
        "parent_span_id": "00f067aa0ba902b7",
        "sampled": 1,
        "awaits_cost": None,
        "cost_usd": 0.00042,
        "upstream_cost_usd": 0.00042,
        "duration_s": 2.5,
    }


def test_a_cost_of_more_digits_or_more_dollars_is_in_words(view):
    found = rows(view)
    exact = found["not hexadecimal"]
    assert (exact["cost"], exact["cost_text"]) == (123_456_789_012, "0.1234567890123456")
    assert exact["cost_usd"] == 0.1234567890123456
    rich = found["f" * 32]
    assert (rich["cost"], rich["cost_text"]) == (None, "12345678901234567890.5")
    assert rich["cost_usd"] == 12345678901234567890.5


def test_what_is_unknown_is_null(view):
    failed = rows(view)[CALLS[3].call_id]
    assert {failed[name] for name in ("cost", "cost_text", "cost_usd", "user", "session", "duration_s")} == {None}
    assert (failed["tags"], failed["error_type"], failed["awaits_cost"]) == ("{}", "429", 1)


def test_sums_of_whole_pico_dollars_are_exact(view):
    (picos,) = view.execute("SELECT sum(cost) FROM calls_usd WHERE user = 'u_42'").fetchone()
    assert Decimal(picos).scaleb(-12) == Decimal("0.00042") + Decimal("0.123456789012")
