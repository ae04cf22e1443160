"""What a request says in `trace` and `metadata`, and how little of it a record holds at most."""

from hashlib import sha256
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spancast.base.bounded import TRUNCATED
from spancast.broadcast import hierarchy
from spancast.capture.request.trace_fields import LONGEST, MOST, ROOM, trace_facts
from spancast.records.call import Call
from tests.capture.request.test_facts import JSON, asked

KEY = "sk-or-v1-0123456789abcdef0123456789abcdef"


def metadata(trace: Any = None, said: Any = None) -> dict[str, str]:
    return trace_facts(trace, said).get("metadata", {})


def test_the_keys_that_have_a_meaning_are_facts_and_the_others_are_metadata() -> None:
    assert asked(
        trace={
            "trace_id": "run-1",
            "parent_span_id": "00f067aa0ba902b7",
            "trace_name": "checkout",
            "span_name": "search",
            "generation_name": "rank",
            "environment": "staging",
            "release": "7.1",
            "feature": "a",
        },
        metadata={"team": "blue"},
    ) == {
        **asked(),
        "linked": True,
        "request_trace_id": "run-1",
        "request_parent_span_id": "00f067aa0ba902b7",
        "trace_name": "checkout",
        "span_name": "search",
        "generation_name": "rank",
        "environment": "staging",
        "release": "7.1",
        "metadata": {"feature": "a", "team": "blue"},
    }


@pytest.mark.parametrize("nothing", [None, "t", 7, [], {}, {"trace_name": ""}, {"a": None}, {"environment": ""}])
def test_what_says_nothing_is_no_fact(nothing: Any) -> None:
    assert trace_facts(nothing, None) == {}


def test_a_key_that_has_a_meaning_and_no_text_is_metadata() -> None:
    assert trace_facts({"environment": 3, "trace_name": ["a"]}, None) == {
        "metadata": {"environment": "3", "trace_name": '["a"]'}
    }


def test_the_trace_wins_over_the_metadata_of_the_request() -> None:
    assert metadata({"team": "blue"}, {"team": "red", "a": "b"}) == {"team": "blue", "a": "b"}


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("a", "a"),
        ("", ""),
        (7, "7"),
        (True, "true"),
        (False, "false"),
        (0, "0"),
        ({"a": [1, "b"]}, '{"a":[1,"b"]}'),
        ({"a": {"b": {"c": 1}}}, '{"a":{"b":{"c":1}}}'),
        ({"a": {"b": {"c": {}}}}, f'{{"a":{{"b":{{"c":"{TRUNCATED}"}}}}}}'),
        ("\ud800", "?"),
        ("a.b", "a.b"),
    ],
)
def test_a_value_is_text_and_what_is_nested_is_json_of_three_levels(value: Any, text: str) -> None:
    assert metadata({"key": value}) == {"key": text}


def test_what_is_too_long_is_cut_and_marked() -> None:
    (kept,) = metadata({"key": "ü" * 5000}).values()
    assert kept.endswith(TRUNCATED)
    assert LONGEST - 2 < len(kept.encode()) <= LONGEST
    name = trace_facts({"trace_name": "n" * 300}, None)["trace_name"]
    assert name == "n" * (256 - len(TRUNCATED)) + TRUNCATED


def test_what_is_too_much_is_counted() -> None:
    many = metadata({f"key_{number}": "x" for number in range(100)})
    assert len(many) == MOST + 1
    assert many[TRUNCATED] == "36 more"
    large = metadata({f"key_{number}": "x" * 500 for number in range(100)})
    assert [key for key in large if key != TRUNCATED] == [f"key_{number}" for number in range(len(large) - 1)]
    assert large[TRUNCATED] == f"{101 - len(large)} more"


def test_a_long_id_is_kept_as_what_it_stands_for() -> None:
    long = "t" * 1000
    facts = trace_facts({"trace_id": long, "parent_span_id": long}, None)
    digest = sha256(long.encode()).hexdigest()
    assert facts == {"request_trace_id": digest[:32], "request_parent_span_id": digest[:16]}
    short = trace_facts({"trace_id": "t" * 100}, None)
    assert hierarchy.trace_id(Call(call_id="0", operation="chat", started_at=0, **facts)) == digest[:32]
    assert (
        hierarchy.trace_id(Call(call_id="0", operation="chat", started_at=0, **short))
        == (sha256(b"t" * 100).hexdigest()[:32])
    )


@pytest.mark.parametrize(
    "written",
    [
        {"trace": {"note": f"with {KEY}"}},
        {"trace": {"deep": {"a": [{"b": KEY}]}}},
        {"trace": {"trace_name": KEY, "generation_name": f"call {KEY}"}},
        {"trace": {"trace_id": KEY}},
        {"trace": {"x" * 199 + " " + KEY: "x"}},
        {"trace": {"long": "x" * (LONGEST - 20) + " " + KEY}},
        {"metadata": {"api_key": "0123456789abcdef"}},
        {"metadata": {"password": {"is": "0123456789abcdef"}}},
    ],
)
def test_no_secret_is_kept(written: dict[str, Any]) -> None:
    facts = asked(**written)
    assert "0123456789" not in str(facts)
    assert "[removed]" in str(facts)


@given(JSON, JSON)
def test_whatever_is_said_stays_small_and_can_be_kept(trace: Any, said: Any) -> None:
    facts = trace_facts(trace, said)
    call = Call(call_id="0", operation="chat", started_at=0, **facts)
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(call), type=Call) == call


@given(
    st.dictionaries(
        st.text(max_size=400) | st.sampled_from(["trace_id", "trace_name", "release", "span_name"]),
        st.text(max_size=3000) | st.lists(st.text(max_size=300)),
        max_size=80,
    )
)
def test_all_of_it_together_has_so_many_bytes_at_most(trace: dict[str, Any]) -> None:
    facts = trace_facts(trace, None)
    kept = [*facts.pop("metadata", {}).items(), *facts.items()]
    assert sum(len(key.encode()) + len(value.encode()) for key, value in kept) <= ROOM + 7 * len(
        "request_parent_span_id"
    )
    assert len(kept) <= MOST + 1 + 7
