import json
from dataclasses import replace
from decimal import Decimal

import pytest

from spancast.testing.spans import hostile_spans
from spancast_exporters import _traces_table
from tests.support.spans import WORDS, a_trace, of_application, of_call

UNKNOWN = dict.fromkeys(("cost", "cost_source", "upstream_cost", "upstream_input_cost", "upstream_output_cost"))
DOCUMENTED = {
    *("TRACE_ID", "USER_ID", "SESSION_ID", "TIMESTAMP", "MODEL", "PROVIDER_NAME", "API_KEY_NAME", "STATUS", "LEVEL"),
    *("FINISH_REASON", "SPAN_TYPE", "DURATION_MS", "PROMPT_TOKENS", "COMPLETION_TOKENS", "TOTAL_TOKENS", "TOTAL_COST"),
    *("INPUT", "OUTPUT", "METADATA", "ATTRIBUTES", "MODEL_PARAMETERS", "SPAN_ID"),
}
"""The columns in the queries and lists of OpenRouter's pages on ClickHouse, Snowflake and BigQuery."""


def test_every_documented_column_is_there():
    assert {column.name for column in _traces_table.COLUMNS if column.documented} == DOCUMENTED


def test_a_row_has_every_column_in_order_and_the_kind_of_value_that_it_says():
    types = {"count": int, "money": Decimal, "texts": list}
    for span in (*a_trace(), *hostile_spans().values()):
        row = _traces_table.row(span)
        assert list(row) == [column.name for column in _traces_table.COLUMNS]
        for column in _traces_table.COLUMNS:
            value = row[column.name]
            always = column.kind in ("id", "time", "word", "texts")
            assert isinstance(value, types.get(column.kind, str)) or (value is None and not always)


def test_a_call_is_a_generation_with_what_it_took():
    row = _traces_table.row(of_call(WORDS, key_hash="f" * 64))
    expected = {
        "TIMESTAMP": "2026-09-21T14:13:20.000000Z",
        "END_TIME": "2026-09-21T14:13:22.000000Z",
        "DURATION_MS": 2000,
        "SPAN_TYPE": "GENERATION",
        "STATUS": "ok",
        "LEVEL": "DEFAULT",
        "USER_ID": "u_42",
        "SESSION_ID": "s_7",
        "API_KEY_NAME": "f" * 64,
        "MODEL": "openai/gpt-5-mini-2025-08-07",
        "PROVIDER_NAME": "Azure",
        "FINISH_REASON": "tool_calls",
        "PROMPT_TOKENS": 1200,
        "COMPLETION_TOKENS": 80,
        "TOTAL_TOKENS": 1280,
        "CACHED_TOKENS": 1000,
        "CACHE_WRITE_TOKENS": 50,
        "REASONING_TOKENS": 30,
        "INPUT_COST": Decimal("0.0001"),
        "OUTPUT_COST": Decimal("0.000006000000000001"),
        "TOTAL_COST": Decimal("0.000106000000000001"),
        "TAGS": ["feature:search"],
    }
    assert {name: row[name] for name in expected} == expected


def test_words_have_the_shape_of_openrouters_rows():
    row = _traces_table.row(of_call(WORDS))
    first = json.loads(str(row["INPUT"]))["messages"][0]
    assert first == {"role": "system", "content": "You are terse."}
    answer = json.loads(str(row["OUTPUT"]))
    assert (answer["completion"], answer["reasoning"]) == ("Let me check.", "A tool knows.")
    assert answer["toolCalls"][0]["function"]["name"] == "get_weather"
    attributes = json.loads(str(row["ATTRIBUTES"]))
    assert attributes["gen_ai.request.model"] == "openai/gpt-5-mini"
    assert "gen_ai.tool.definitions" in attributes
    assert not {"gen_ai.input.messages", "gen_ai.output.messages", "gen_ai.system_instructions"} & set(attributes)


def test_several_choices_are_all_there():
    said = [{"role": "assistant", "parts": [{"type": "text", "content": text}]} for text in ("a", "b")]
    row = _traces_table.row(replace(of_call(), content={"gen_ai.output.messages": json.dumps(said)}))
    answer = json.loads(str(row["OUTPUT"]))
    assert (answer["completion"], [each["content"] for each in answer["choices"]]) == ("a", ["a", "b"])


def test_what_the_application_says_is_metadata_and_our_names_beside_it():
    _, call, tool, refused = (json.loads(str(_traces_table.row(span)["METADATA"])) for span in a_trace())
    assert call == {"team": "blue", "trace_name": "checkout", "environment": "staging", "release": "7.1"}
    assert (tool["span_name"], tool["error_type"]) == ("execute_tool get_weather", "TimeoutError")
    assert (refused["generation_name"], refused["error_message"]) == ("second try", "Rate limit exceeded")


def test_other_spans_are_no_generations_and_what_they_were_given_is_json():
    agent = _traces_table.row(of_application("agent", content={"input.value": "plain", "output.value": '{"a": 1}'}))
    assert (agent["SPAN_TYPE"], agent["TOTAL_COST"], agent["TOTAL_TOKENS"]) == ("SPAN", None, None)
    assert (agent["INPUT"], agent["OUTPUT"]) == ('"plain"', '{"a":1}')


def test_another_librarys_call_is_a_generation_too():
    stated = {
        "gen_ai.operation.name": "chat",
        "gen_ai.response.model": "m",
        "gen_ai.response.finish_reasons": ("stop", "length"),
        "gen_ai.usage.input_tokens": 5,
    }
    row = _traces_table.row(of_application("chat m", attributes=stated))
    assert (row["SPAN_TYPE"], row["MODEL"], row["FINISH_REASON"]) == ("GENERATION", "m", "stop,length")
    assert (row["PROMPT_TOKENS"], row["TOTAL_COST"]) == (5, None)


def test_an_unknown_cost_is_none_and_nothing_is_nothing():
    assert _traces_table.row(of_call(**UNKNOWN))["TOTAL_COST"] is None
    assert _traces_table.row(of_call(**{**UNKNOWN, "cost": Decimal(0)}))["TOTAL_COST"] == 0


@pytest.mark.parametrize(
    ("amount", "written"),
    [
        ("0.000106000000000001", "0.000106000000000001"),
        ("0.0000000000000000005", "0"),
        ("0.0000000000000000015", "0.000000000000000002"),
        ("1E-18", "0.000000000000000001"),
        ("99999999999999999999.5", "99999999999999999999.5"),
        ("100000000000000000000", None),
        ("1E+90", None),
    ],
)
def test_money_is_exact_as_far_as_a_column_goes_and_rounded_beyond(amount, written):
    found = _traces_table.rounded(Decimal(amount), 18)
    assert found == (None if written is None else Decimal(written))
