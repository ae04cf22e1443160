import json
from contextlib import closing
from decimal import Decimal

import pytest

from spancast.bookkeeping.book import Book
from spancast.cli.output.messages import NOTHING_YET
from spancast.records.call import Attempt, Modalities, Parameters, Routing
from tests.bookkeeping.records import call, opened

AT = 1_790_000_000_123_456_789


def read(printed: str) -> list[dict]:
    return [json.loads(line) for line in printed.splitlines()]


def test_a_call_is_printed_with_all_that_is_known(spancast, written):
    written(
        call(
            call_id="c" * 32,
            started_at=AT,
            server_address="openrouter.ai",
            http_status=200,
            duration=1_500_000_000,
            time_to_first_token=250_000_000,
            streamed=True,
            request_model="openai/gpt-5",
            request_models=("openai/gpt-5",),
            generation_id="gen-1",
            response_id="resp-1",
            response_model="openai/gpt-5-2025",
            provider="Azure",
            finish_reasons=("stop", "length"),
            native_finish_reasons=("completed",),
            input_tokens=10,
            output_tokens=20,
            cached_tokens=0,
            cache_write_tokens=3,
            reasoning_tokens=5,
            cost=Decimal("0.00010"),
            upstream_cost=Decimal("2E-7"),
            upstream_input_cost=Decimal("1E-7"),
            upstream_output_cost=Decimal("1E-7"),
            server_tool_cost=Decimal("0.000050"),
            cost_source="response",
            is_byok=False,
            status="completed",
            service_tier="flex",
            region="eu",
            request_id="req-1",
            cache_hit=False,
            routing=Routing(strategy="fallback", attempt=2, attempts=(Attempt("m", "p", 503),), pipeline=("web",)),
            error_provider="Azure",
            previous_errors=("503",),
            retry_after=1.5,
            attempt_of="d" * 32,
            retry=1,
            tool_calls=2,
            server_tool_calls=3,
            web_searches=4,
            citations=5,
            output_chunks=6,
            cache_write_5m_tokens=1,
            cache_write_1h_tokens=2,
            modalities=Modalities(audio_input=7),
            search_units=8,
            audio_seconds=9.5,
            key_hash="e" * 64,
            app_url="https://shop.example",
            app_title="Shop",
            app_categories=("tools",),
            parameters=Parameters(temperature=0.5),
            trace_name="checkout",
            span_name="search",
            generation_name="rank",
            environment="staging",
            release="7.1",
            metadata={"team": "blue"},
            request_trace_id="run-1",
            request_parent_span_id="f" * 16,
            user="Jürgen",
            session="s",
            tags={"feature": "search"},
            trace_id="1" * 32,
            span_id="2" * 16,
        )
    )
    status, printed, _ = spancast("calls", "--json")
    assert status == 0
    assert read(printed) == [
        {
            "call_id": "c" * 32,
            "generation_id": "gen-1",
            "response_id": "resp-1",
            "operation": "chat",
            "request_model": "openai/gpt-5",
            "request_models": ["openai/gpt-5"],
            "response_model": "openai/gpt-5-2025",
            "provider": "Azure",
            "server_address": "openrouter.ai",
            "finish_reason": "stop,length",
            "native_finish_reason": "completed",
            "outcome": "completed",
            "http_status": 200,
            "error_type": None,
            "error_message": None,
            "streamed": True,
            "input_tokens": 10,
            "output_tokens": 20,
            "cached_tokens": 0,
            "cache_write_tokens": 3,
            "reasoning_tokens": 5,
            "cost_usd": "0.00010",
            "upstream_cost_usd": "0.0000002",
            "cost_source": "response",
            "spent_usd": "0.00010",
            "is_byok": False,
            "user": "Jürgen",
            "session": "s",
            "tags": {"feature": "search"},
            "app": None,
            "started_at": "2026-09-21T14:13:20.123456Z",
            "duration_s": 1.5,
            "time_to_first_token_s": 0.25,
            "trace_id": "1" * 32,
            "span_id": "2" * 16,
            "key_hash": "e" * 64,
            "status": "completed",
            "service_tier": "flex",
            "region": "eu",
            "request_id": "req-1",
            "cache_hit": False,
            "routing": {
                "strategy": "fallback",
                "attempt": 2,
                "attempts": [{"model": "m", "provider": "p", "status": 503}],
                "pipeline": ["web"],
            },
            "error_provider": "Azure",
            "previous_errors": ["503"],
            "retry_after_s": 1.5,
            "attempt_of": "d" * 32,
            "retry": 1,
            "tool_calls": 2,
            "server_tool_calls": 3,
            "web_searches": 4,
            "citations": 5,
            "output_chunks": 6,
            "cache_write_5m_tokens": 1,
            "cache_write_1h_tokens": 2,
            "modalities": {"audio_input": 7},
            "search_units": 8,
            "audio_s": 9.5,
            "upstream_input_cost_usd": "0.0000001",
            "upstream_output_cost_usd": "0.0000001",
            "server_tool_cost_usd": "0.000050",
            "app_url": "https://shop.example",
            "app_title": "Shop",
            "app_categories": ["tools"],
            "parameters": {"temperature": 0.5},
            "trace_name": "checkout",
            "span_name": "search",
            "generation_name": "rank",
            "environment": "staging",
            "release": "7.1",
            "metadata": {"team": "blue"},
            "request_trace_id": "run-1",
            "request_parent_span_id": "f" * 16,
        }
    ]


def test_what_is_unknown_is_null(spancast, written):
    written(call())
    (row,) = read(spancast("calls", "--json")[1])
    known = {"call_id", "operation", "request_models", "outcome", "streamed", "tags", "started_at"}
    assert {name for name, value in row.items() if value is not None} == known
    assert (row["streamed"], row["tags"]) == (False, {})


@pytest.mark.parametrize(
    ("cost", "printed"),
    [
        ("0", "0"),
        ("0E-7", "0.0000000"),
        ("1E-12", "0.000000000001"),
        ("4.1400000000000003e-05", "0.000041400000000000003"),
        ("1234567.89", "1234567.89"),
        ("3.6e-6", "0.0000036"),
        ("0.00420", "0.00420"),
        ("92233720368547758.08", "92233720368547758.08"),
    ],
)
def test_a_cost_is_printed_to_the_digit_as_stated_in_plain_notation(spancast, written, cost, printed):
    written(call(cost=Decimal(cost)))
    assert [row["cost_usd"] for row in read(spancast("calls", "--json")[1])] == [printed]


def test_a_failed_call_says_why(spancast, written):
    written(call(outcome="error", error_type="rate_limited", error_message="Slow down.", http_status=429))
    (row,) = read(spancast("calls", "--json")[1])
    assert (row["outcome"], row["error_type"], row["error_message"]) == ("error", "rate_limited", "Slow down.")


def test_a_call_whose_process_died_is_killed(spancast, written):
    written(opened(user="u"))
    (row,) = read(spancast("calls", "--json")[1])
    assert (row["outcome"], row["user"], row["cost_usd"]) == ("killed", "u", None)


def test_a_limit_leaves_the_newest_with_the_newest_last(spancast, written):
    written(*(call(started_at=AT + number, user=str(number)) for number in (3, 1, 0, 2)))
    assert [row["user"] for row in read(spancast("calls", "--json", "--limit", 2)[1])] == ["2", "3"]


def test_filters_leave_what_is_asked_for(spancast, written):
    written(call(user="a", tags={"feature": "x=y"}), call(user="a"), call(user="b", tags={"feature": "x=y"}))
    status, printed, _ = spancast("calls", "--json", "--user", "a", "--tag", "feature=x=y")
    assert (status, [row["user"] for row in read(printed)]) == (0, ["a"])


def test_without_any_call_the_way_to_one_is_shown(spancast, home):
    status, printed, _ = spancast("calls")
    assert (status, printed.count("\n")) == (0, 1)
    assert "spancast run -- python app.py" in printed
    assert not home.exists()


def test_without_any_call_json_is_empty(spancast, home):
    assert spancast("calls", "--json") == (0, "", "")


def test_another_home_can_be_named(spancast, written, home, monkeypatch):
    written(call(user="there"))
    monkeypatch.delenv("SPANCAST_HOME")
    assert [row["user"] for row in read(spancast("calls", "--json", "--home", home)[1])] == ["there"]


def test_the_table_sums_up_and_counts_what_is_unknown(spancast, written):
    written(call(request_model="m", cost=Decimal("0.0000036")), call(), call(cost=Decimal(0)))
    _, printed, _ = spancast("calls")
    assert printed.splitlines()[-2:] == [
        "3 calls, $0.0000036.",
        "1 call of unknown cost, which the sum leaves out.",
    ]


def test_calls_that_were_refused_are_told_apart_from_those_of_unknown_cost(spancast, written):
    written(call(http_status=429, outcome="error", error_type="429"), call(http_status=502, outcome="error"))
    assert spancast("calls")[1].splitlines()[-2:] == [
        "2 calls, cost unknown.",
        "1 call refused (HTTP 4xx), for which OpenRouter states no cost.",
    ]


def test_a_call_of_unknown_cost_is_told_in_words(spancast, written):
    written(call())
    assert spancast("calls")[1].splitlines()[-1] == "1 call, cost unknown."


def test_on_a_terminal_long_texts_are_cut_before_the_start_goes(spancast, written, monkeypatch):
    model, user = "anthropic/claude-4.5-haiku-20251001", "u" * 36
    broken = call(outcome="error", error_type="httpx2.RemoteProtocolError", cost=Decimal("0.0000251"))
    written(broken, call(response_model=model, user=user, started_at=AT))
    monkeypatch.setenv("COLUMNS", "80")
    titles, *rows = spancast("calls")[1].splitlines()
    assert titles.split() == ["started", "(UTC)", "model", "user", "outcome", "cost"]
    assert "2026-09-21 14:13:20" in rows[1]
    assert [row.split()[-2] for row in rows[:2]] == ["httpx2.Re…", "completed"]
    assert max(map(len, rows)) <= 80


def test_a_table_without_rows_says_so(spancast, written):
    written(call())
    assert spancast("calls", "--user", "nobody")[1] == "No calls match.\n"


def test_a_ledger_without_calls_says_so(spancast, home):
    with closing(Book(home)) as book:
        book.apply("w-1.seg", 1, [])
    assert (home / "ledger.db").is_file()
    assert spancast("calls")[1] == f"{NOTHING_YET}\n"
    assert spancast("calls", "--user", "nobody")[1] == "No calls match.\n"


@pytest.mark.parametrize("verb", ["calls", "costs"])
def test_a_directory_that_does_not_exist_is_named(spancast, home, tmp_path, verb):
    status, _, complaint = spancast(verb, "--home", tmp_path / "typo")
    assert status == 2
    assert f"There is no directory {tmp_path / 'typo'}. Name one that programs have written to." in complaint
    assert not (tmp_path / "typo").exists()


def test_a_directory_of_no_name_is_misuse(spancast, home):
    status, printed, complaint = spancast("calls", "--home", "")
    assert (status, printed) == (2, "")
    assert "'' is not a directory. Name one, or leave --home out." in complaint


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--limit", "0"], "'0' is not a number of calls. Write 1 or more."),
        (["--tag", "feature"], "'feature' is not a tag. Write KEY=VALUE"),
        (["--since", "ever"], "'ever' is not a time. Write 30m"),
        (["--outcome", "fine"], "invalid choice: 'fine'"),
    ],
)
def test_a_value_that_means_nothing_is_misuse(spancast, home, arguments, complaint):
    status, printed, complaints = spancast("calls", *arguments)
    assert (status, printed) == (2, "")
    assert complaint in complaints
