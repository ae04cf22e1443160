from datetime import UTC, datetime

import pytest

from spancast.bookkeeping.reconciling import export
from spancast.errors import ConfigurationError, SpancastError
from tests.bookkeeping.reconciling.rows import amount

GENERATIONS = (
    "generation_id,created_at,cost_total,cost_web_search,cost_cache,cost_file_processing,byok_usage_inference,"
    "tokens_prompt,tokens_completion,tokens_reasoning,tokens_cached,model_permaslug,provider_name,variant,cancelled,"
    "streamed,user,finish_reason_raw,finish_reason_normalized,generation_time_ms,time_to_first_token_ms,"
    "api_key_disabled,api_key_name,app_name\n"
    "gen-1,2026-11-26 12:00:00.123,0.0123,0,0,0,0,10,20,0,0,openai/gpt-5,OpenAI,standard,false,true,,stop,stop,1,1,"
    'false,Production,"Shop, new"\n'
    "gen-2,2026-11-27T01:00:00Z,0.00005,0,0,0,0.001,,,,,openai/gpt-5,Azure,standard,true,true,,,,,,false,,\n"
)
DAYS = (
    "Date,Model,Usage,byok_usage_inference,requests\n"
    '2026-11-26,openai/gpt-5,"$1,234.50",,3\n'
    "2026-11-26,openai/gpt-4o,0.5,0.25,1\n"
    "2026-11-27,openai/gpt-5,0,,0\n"
)


@pytest.fixture
def read(tmp_path):
    def read(text):
        path = tmp_path / "activity.csv"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return export.read(path)

    return read


def test_the_export_of_the_logs_has_single_generations(read):
    found = read(GENERATIONS)
    first, second = found.billed
    assert (first.generation_id, first.amount, first.is_byok) == ("gen-1", amount("0.0123"), False)
    assert (first.app, first.key, first.provider, first.output_tokens) == ("Shop, new", "Production", "OpenAI", 20)
    assert (second.amount, second.is_byok, second.app, second.key) == (amount("0.00005", "0.001"), True, None, None)
    assert found.times == (
        datetime(2026, 11, 26, 12, 0, 0, 123_000, tzinfo=UTC),
        datetime(2026, 11, 27, 1, tzinfo=UTC),
    )
    assert [each.day for each in found.billed] == ["2026-11-26", "2026-11-27"]


def test_another_export_has_the_totals_of_days(read):
    found = read("\ufeff" + DAYS)
    assert {day: (tally.calls, tally.total) for day, tally in found.days.items()} == {
        "2026-11-26": (4, amount("1235.00", "0.25")),
        "2026-11-27": (0, amount("0")),
    }
    assert found.billed == ()


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "needs generation_id, or date and usage"),
        ("a,b\n1,2\n", "It has the columns a, b, but needs generation_id"),
        ("date,usage\nyesterday,1\n", "Its date 'yesterday' is not a day"),
        ("generation_id,created_at,cost_total\ngen-1,noon,1\n", "'noon' is not a time"),
        ("generation_id,created_at\ngen-1,2026-11-26\n", "no column cost_total"),
        (b"\xff\xfe", "cannot be read"),
    ],
)
def test_what_is_no_export_is_the_users_error(read, text, why):
    with pytest.raises(ConfigurationError, match=why):
        read(text)


def test_dollars_that_are_none_are_an_error(read):
    with pytest.raises(SpancastError, match="not an amount in dollars"):
        read("date,usage\n2026-11-26,lots\n")


def test_a_file_that_is_not_there_is_the_users_error(tmp_path):
    with pytest.raises(ConfigurationError, match="cannot be read"):
        export.read(tmp_path / "none.csv")
