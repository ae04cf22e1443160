"""What a span says of a call, whichever call it is."""

import re
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from msgspec.structs import replace

from spancast.records.call import Call, Parameters
from spancast.semconv import names
from spancast.spans.attributes import (
    MAX_ATTRIBUTES,
    OPERATIONS,
    RESERVED_ATTRIBUTES,
    request_attributes,
    response_attributes,
    span_name,
)
from tests.support.calls import a_call
from tests.trace.any_call import calls, everything

FULL: Call = everything(Call)
OWN = (names.TAG, names.METADATA)
NAMES = {value for name, value in vars(names).items() if name.isupper() and isinstance(value, str)}

# GenAI semantic conventions, span attributes of an inference (`gen_ai.usage.*`); no other is defined.
STANDARD_USAGE = re.compile(
    r"gen_ai\.usage\.("
    r"(input|output)_tokens"
    r"|(cache_read|cache_write)\.input_tokens"
    r"|reasoning\.output_tokens"
    r"|(text|image|audio)\.(input|output)_tokens"
    r"|(text|image|audio)\.cache_read\.input_tokens"
    r")"
)


def attributes(call: Call) -> dict[str, Any]:
    return request_attributes(call) | response_attributes(call)


def prefixes(found: set[str]) -> set[str]:
    """Return the names that are a dotted prefix of another."""
    return {name for name in found if any(other.startswith(name + ".") for other in found)}


def test_a_prefix_is_found() -> None:
    assert prefixes({"a.b", "a.b.c", "a.bc"}) == {"a.b"}


def test_no_name_is_a_dotted_prefix_of_another() -> None:
    assert prefixes(NAMES - {*OWN}) == set()
    assert not any(prefix.startswith(name + ".") for name in NAMES for prefix in OWN)


@given(calls())
@example(FULL)
def test_no_attribute_of_any_call_is_a_dotted_prefix_of_another(call: Call) -> None:
    assert prefixes(set(attributes(call))) == set()


@given(st.dictionaries(st.text(min_size=1), st.text(min_size=1), max_size=8))
@example({"a": "1", "a.b": "2", "a.b.c": "3", ".": "4", "..": "5", "a.": "6"})
def test_no_tag_and_no_metadata_is_a_dotted_prefix_of_another(said: dict[str, str]) -> None:
    assert prefixes(set(attributes(a_call(tags=said, metadata=said)))) == set()


@given(calls())
@example(FULL)
def test_usage_holds_the_standard_counts_and_the_cost_and_nothing_else(call: Call) -> None:
    for name, value in attributes(call).items():
        if name == names.COST:
            assert type(value) is float
        elif name.startswith("gen_ai.usage."):
            assert STANDARD_USAGE.fullmatch(name)
            assert type(value) is int


@given(calls())
@example(FULL)
def test_every_attribute_is_named_in_the_table_and_of_a_kind_that_opentelemetry_takes(call: Call) -> None:
    for name, value in attributes(call).items():
        assert name in NAMES or name.startswith(OWN)
        assert isinstance(value, str | bool | int | float) or (
            isinstance(value, tuple) and all(type(each) is str for each in value)
        )


@given(calls())
def test_what_is_not_known_is_not_said(call: Call) -> None:
    found = attributes(call)
    assert None not in found.values()
    assert (names.COST in found) is (names.COST_USD in found) is (call.cost is not None)
    assert (names.INPUT_TOKENS in found) is (call.input_tokens is not None)
    assert (names.ERROR_TYPE in found) is (call.error_type is not None)


def test_nothing_but_the_call_is_said_of_a_call_of_which_nothing_is_known() -> None:
    assert attributes(Call(call_id="c", operation="chat", started_at=1)) == {
        names.OPERATION: "chat",
        names.GENAI_PROVIDER: "openrouter",
        names.CALL_ID: "c",
    }


def test_zero_is_said_where_zero_was_stated() -> None:
    found = attributes(a_call(input_tokens=0, cached_tokens=0, cost=Decimal(0), is_byok=False))
    assert (found[names.INPUT_TOKENS], found[names.CACHED_TOKENS]) == (0, 0)
    assert (found[names.COST], found[names.COST_USD], found[names.IS_BYOK]) == (0.0, "0", False)


@pytest.mark.parametrize(
    ("cost", "written"),
    [
        ("0.000106000000000001", "0.000106000000000001"),
        ("1E-9", "0.000000001"),
        ("1E+2", "100"),
        ("0.10", "0.10"),
        ("12345678901.123456789012345678", "12345678901.123456789012345678"),
    ],
)
def test_the_cost_is_written_to_the_last_digit_in_plain_notation(cost: str, written: str) -> None:
    found = attributes(a_call(cost=Decimal(cost)))
    assert found[names.COST_USD] == written
    assert found[names.COST] == float(cost)


def test_a_reason_that_never_came_is_said_as_the_conventions_have_it() -> None:
    found = attributes(a_call(finish_reasons=("stop", None)))
    assert found[names.FINISH_REASONS] == ("stop", "error")


def test_a_providers_own_word_that_never_came_is_none() -> None:
    found = attributes(a_call(finish_reasons=("stop", "length"), native_finish_reasons=(None, "completed")))
    assert found[names.FINISH_REASONS] == ("stop", "length")
    assert found[names.NATIVE_FINISH_REASONS] == ("", "completed")


def test_the_number_of_choices_is_said_where_it_is_not_one() -> None:
    assert names.CHOICE_COUNT not in attributes(a_call(parameters=Parameters(choice_count=1)))
    assert attributes(a_call(parameters=Parameters(choice_count=3)))[names.CHOICE_COUNT] == 3


def test_times_are_seconds() -> None:
    assert attributes(a_call(time_to_first_token=1_500_000_000))[names.TIME_TO_FIRST_CHUNK] == 1.5


def test_a_response_without_an_id_is_known_by_its_generation() -> None:
    assert attributes(a_call(generation_id="gen-1"))[names.RESPONSE_ID] == "gen-1"
    assert attributes(a_call(generation_id="gen-1", response_id="r-1"))[names.RESPONSE_ID] == "r-1"


@pytest.mark.parametrize(
    ("operation", "model", "name"),
    [
        ("chat", "openai/gpt-5", "chat openai/gpt-5"),
        ("chat", None, "chat"),
        ("responses", "openai/gpt-5", "chat openai/gpt-5"),
        ("embeddings", "baai/bge-m3", "embeddings baai/bge-m3"),
        ("something", None, "something"),
    ],
)
def test_a_span_is_named_by_its_operation_and_model(operation: str, model: str | None, name: str) -> None:
    assert span_name(a_call(operation=operation, request_model=model)) == name
    assert name.startswith(str(request_attributes(a_call(operation=operation))[names.OPERATION]))


def test_every_operation_has_a_name() -> None:
    assert all(re.fullmatch(r"[a-z_]+", name) for name in OPERATIONS.values())


def test_no_name_stands_in_the_table_for_nothing() -> None:
    content = {names.INPUT_MESSAGES, names.OUTPUT_MESSAGES, names.SYSTEM_INSTRUCTIONS, names.TOOL_DEFINITIONS}
    discounted = replace(
        FULL,
        operation="image",
        request_model="openai/gpt-5:free",
        is_byok=False,
        linked=False,
        cost=Decimal("0.5"),
        upstream_cost=Decimal(1),
    )
    found = set(attributes(FULL)) | set(attributes(discounted))
    assert NAMES - found == {*OWN, names.ERROR_CONTENT, *content}


TAGS = {f"tag_{number}": f"value {number}" for number in range(64)}
CONTENT = 5


def test_a_call_of_which_everything_is_known_leaves_room_for_its_words_and_for_others() -> None:
    full = attributes(replace(FULL, tags=TAGS, metadata={"key": "text"}))
    assert len(full) == MAX_ATTRIBUTES - RESERVED_ATTRIBUTES
    assert RESERVED_ATTRIBUTES > CONTENT
    tags = {name.removeprefix(names.TAG) for name in full if name.startswith(names.TAG)}
    assert tags == set(list(TAGS)[: len(tags)])
    assert len(full) - len(tags) == len(attributes(replace(FULL, tags={}, metadata={})))


def test_every_tag_of_an_ordinary_call_is_there_and_so_is_its_metadata() -> None:
    found = attributes(a_call(tags=TAGS))
    assert {name for name in found if name.startswith(names.TAG)} == {names.TAG + tag for tag in TAGS}
    found = attributes(a_call(metadata=TAGS))
    assert {name for name in found if name.startswith(names.METADATA)} == {names.METADATA + tag for tag in TAGS}


def test_where_there_is_not_room_for_both_the_tags_are_said() -> None:
    found = attributes(a_call(tags=TAGS, metadata=TAGS))
    assert {names.TAG + tag for tag in TAGS} <= set(found)
    assert len(found) == MAX_ATTRIBUTES - RESERVED_ATTRIBUTES


@given(calls(), st.dictionaries(st.text(min_size=1), st.text(min_size=1), min_size=60, max_size=64))
def test_no_call_has_more_attributes_than_a_span_holds(call: Call, tags: dict[str, str]) -> None:
    assert len(attributes(replace(call, tags=tags))) <= MAX_ATTRIBUTES - RESERVED_ATTRIBUTES
