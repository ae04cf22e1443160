"""Which calls pass, and what is said of a filter that cannot work."""

import json
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spancast.destinations.destination import Destination
from spancast.destinations.fields import NUMBERS, TEXTS
from spancast.destinations.filters import OF_NUMBER, OF_TEXT, Filters
from spancast.errors import ConfigurationError
from spancast.records.call import Call
from tests.support.calls import a_call
from tests.trace.any_call import calls

CALL = a_call(
    request_model="openai/gpt-5",
    response_model="openai/gpt-5-2025",
    provider="Azure",
    session="s_7",
    user="u_42",
    key_hash="a" * 64,
    finish_reasons=("stop", None, "length"),
    error_type="rate_limit_exceeded",
    app_title="Shop",
    resource={"service.name": "shop", "service.version": "7.1", "deployment.environment.name": "staging"},
    trace_name="checkout",
    input_tokens=100,
    output_tokens=20,
    cached_tokens=0,
    cost=Decimal("0.000106000000000001"),
    http_status=429,
    duration=1_500_000_000,
    tags={"feature": "search"},
    metadata={"team": "blue"},
)
UNKNOWN = Call(call_id="c" * 32, operation="chat", started_at=1)


def passes(rules, call: Call = CALL, names=None) -> bool:
    return Filters.of(rules).accept(call, names or {"a" * 64: "web"})


def rule(field, operator, *value) -> dict:
    return {"field": field, "operator": operator, **({"value": value[0]} if value else {})}


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("model", "openai/gpt-5"),
        ("model", "openai/gpt-5-2025"),
        ("provider", "Azure"),
        ("session_id", "s_7"),
        ("user_id", "u_42"),
        ("api_key_hash", "a" * 64),
        ("api_key_name", "web"),
        ("finish_reason", "length"),
        ("operation", "chat"),
        ("outcome", "completed"),
        ("error_type", "rate_limit_exceeded"),
        ("app", "shop"),
        ("app", "Shop"),
        ("environment", "staging"),
        ("release", "7.1"),
        ("trace_name", "checkout"),
        ("tag:feature", "search"),
        ("metadata:team", "blue"),
        ("total_cost", 0.000106000000000001),
        ("total_cost", "0.000106000000000001"),
        ("total_cost", Decimal("1.06000000000001E-4")),
        ("total_tokens", 120),
        ("prompt_tokens", 100),
        ("completion_tokens", "20"),
        ("cached_tokens", 0),
        ("http_status", 429),
        ("duration", 1.5),
    ],
)
def test_every_field_can_be_equal_or_not_be_there(field, value):
    assert passes([rule(field, "equals", value)])
    assert not passes([rule(field, "not_equals", value)])
    assert passes([rule(field, "exists")])
    assert not passes([rule(field, "not_exists")])
    if field != "operation":
        assert not passes([rule(field, "equals", value)], UNKNOWN)
        assert passes([rule(field, "not_equals", value)], UNKNOWN)
        assert not passes([rule(field, "exists")], UNKNOWN)
        assert passes([rule(field, "not_exists")], UNKNOWN)


def test_every_field_was_tried():
    tried = {"reasoning_tokens", *(mark.args[1][n][0] for mark in _marks() for n in range(len(mark.args[1])))}
    assert tried >= {*TEXTS, *NUMBERS}


def _marks():
    return test_every_field_can_be_equal_or_not_be_there.pytestmark


@pytest.mark.parametrize(
    ("operator", "value", "holds"),
    [
        ("contains", "gpt", True),
        ("contains", "GPT", False),
        ("contains", "claude", False),
        ("not_contains", "claude", True),
        ("not_contains", "gpt", False),
        ("starts_with", "openai/", True),
        ("starts_with", "gpt", False),
        ("ends_with", "-2025", True),
        ("ends_with", "gpt-5", True),
        ("ends_with", "openai", False),
        ("regex", r"gpt-\d(-\d{4})?$", True),
        ("regex", r"^gpt", False),
    ],
)
def test_the_operators_of_text(operator, value, holds):
    assert passes([rule("model", operator, value)]) is holds


@pytest.mark.parametrize(
    ("operator", "value", "holds"),
    [
        ("gt", 99, True),
        ("gt", 100, False),
        ("gte", 100, True),
        ("gte", 101, False),
        ("lt", 101, True),
        ("lt", 100, False),
        ("lte", 100, True),
        ("lte", 99.5, False),
    ],
)
def test_the_operators_of_numbers(operator, value, holds):
    assert passes([rule("prompt_tokens", operator, value)]) is holds
    assert not passes([rule("prompt_tokens", operator, value)], UNKNOWN)


def test_a_cost_is_compared_to_the_last_digit():
    assert passes([rule("total_cost", "gt", "0.000106")])
    assert not passes([rule("total_cost", "gt", "0.000106000000000001")])


YES, NO = rule("provider", "equals", "Azure"), rule("provider", "equals", "Groq")


@pytest.mark.parametrize(
    ("groups", "holds"),
    [
        ([], True),
        ([("and", YES, YES)], True),
        ([("and", YES, NO)], False),
        ([("or", NO, YES)], True),
        ([("or", NO, NO)], False),
        ([("or", NO, YES), ("and", YES)], True),
        ([("or", NO, YES), ("and", NO)], False),
    ],
)
def test_a_group_is_all_or_one_and_every_group_has_to_hold(groups, holds):
    written = {"groups": [{"logic": logic, "rules": list(rules)} for logic, *rules in groups]}
    assert passes(written) is holds
    assert passes({**written, "enabled": True}) is holds
    assert passes({**written, "enabled": False})


def test_all_of_a_list_have_to_hold_and_so_have_those_of_a_group_without_logic():
    assert passes([YES, YES])
    assert not passes([YES, NO])
    assert not passes({"groups": [{"rules": [YES, NO]}]})
    assert passes([])


def test_json_text_is_read_as_what_it_says():
    written = {"groups": [{"logic": "or", "rules": [NO, YES]}]}
    assert Filters.of(json.dumps(written)) == Filters.of(written)
    assert Filters.of(json.dumps([YES])) == Filters.of([YES])
    assert Filters.of(Filters.of([YES])) == Filters.of([YES])


@pytest.mark.parametrize(
    ("written", "words"),
    [
        ("{", "filters cannot be '{'. It is not valid JSON:"),
        (7, "filters cannot be 7. Give an object with enabled and groups."),
        ({"rules": [YES]}, "filters cannot have 'rules'. It has enabled, groups."),
        ({"enabled": True}, "filters has no groups."),
        ({"enabled": "yes", "groups": []}, "filters.enabled cannot be 'yes'. Give true or false."),
        ({"groups": {"rules": []}}, "filters.groups cannot be {'rules': []}. Give a list."),
        ({"groups": [7]}, "filters.groups[0] cannot be 7. Give an object with logic and rules."),
        ({"groups": [{}]}, "filters.groups[0] has no rules."),
        ({"groups": [{"rules": []}]}, "filters.groups[0].rules cannot be []. Give at least one"),
        ({"groups": [{"rules": [YES], "logic": "xor"}]}, "filters.groups[0].logic cannot be 'xor'. Give \"and\" or"),
        ([YES, 7], "filters.groups[0].rules[1] cannot be 7. Give an object with field and operator and value."),
        ([{"operator": "exists"}], "filters.groups[0].rules[0] has no field."),
        ([{"field": "model"}], "filters.groups[0].rules[0] has no operator."),
        ([{**YES, "val": 1}], "rules[0] cannot have 'val'. Did you mean 'value'? It has field, operator, value."),
        (
            [rule("user", "equals", "u")],
            "rules[0].field cannot be 'user'. Did you mean 'user_id'? The fields are model",
        ),
        ([rule("input", "contains", "x")], "Filters cannot use prompts and completions."),
        ([rule("tag:", "equals", "x")], "rules[0].field cannot be 'tag:'."),
        ([rule(["model"], "equals", "x")], "rules[0].field cannot be ['model']."),
        ([rule("model", "gt", 3)], "rules[0].operator cannot be 'gt'. model takes equals, not_equals, contains,"),
        ([rule("total_cost", "contains", 3)], "total_cost takes equals, not_equals, gt, lt, gte, lte, exists,"),
        ([rule("model", "start_with", "x")], "Did you mean 'starts_with'?"),
        ([rule("model", 7, "x")], "rules[0].operator cannot be 7."),
        ([rule("model", "equals")], "rules[0].value cannot be None. model is text: give a text"),
        ([rule("user_id", "equals", 42)], 'rules[0].value cannot be 42. user_id is text: give a text such as "42".'),
        ([rule("model", "equals", "")], "rules[0].value cannot be ''."),
        ([rule("model", "exists", "x")], "rules[0].value cannot be 'x'. exists takes no value."),
        ([rule("total_cost", "gt", "much")], "rules[0].value cannot be 'much'. total_cost is a number"),
        ([rule("total_cost", "gt", True)], "rules[0].value cannot be True. total_cost is a number"),
        ([rule("total_cost", "gt", float("nan"))], "rules[0].value cannot be nan. total_cost is a number"),
        ([rule("total_cost", "gt", "Infinity")], "rules[0].value cannot be 'Infinity'."),
        ([rule("total_cost", "gt")], "rules[0].value cannot be None. total_cost is a number"),
        ([rule("model", "regex", "(a+)+$")], "rules[0].value cannot be '(a+)+$'. Some texts would take it too long"),
        ([rule("model", "regex", "(")], "rules[0].value cannot be '('. It is not a valid regular expression"),
        ([YES] * 1001, "filters has more than 1000 rules."),
    ],
)
def test_what_cannot_work_is_named_with_what_was_seen_and_the_cure(written, words):
    with pytest.raises(ConfigurationError) as raised:
        Destination("otlp", filters=written)
    assert words in str(raised.value)


RULES = st.one_of(
    st.builds(
        rule, st.sampled_from([*TEXTS, "tag:feature"]), st.sampled_from(OF_TEXT[:4] + OF_TEXT[5:7]), st.text(min_size=1)
    ),
    st.builds(rule, st.sampled_from([*NUMBERS]), st.sampled_from(OF_NUMBER[:6]), st.integers() | st.floats(-1e9, 1e9)),
    st.builds(rule, st.sampled_from([*TEXTS, *NUMBERS, "metadata:x"]), st.sampled_from(["exists", "not_exists"])),
)


@given(calls(), st.lists(RULES, max_size=4))
def test_any_filter_says_of_any_call_whether_it_passes_and_and_is_no_more_than_or(call, rules):
    alone = [passes([each], call) for each in rules]
    assert passes(rules, call) is all(alone)
    if rules:
        assert passes({"groups": [{"logic": "or", "rules": rules}]}, call) is any(alone)


@given(calls(), RULES)
def test_a_negation_says_the_opposite(call, one):
    opposite = {"equals": "not_equals", "contains": "not_contains", "exists": "not_exists"}.get(one["operator"])
    if opposite:
        assert passes([one], call) is not passes([{**one, "operator": opposite}], call)
