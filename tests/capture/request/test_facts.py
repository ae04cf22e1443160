"""What a request of any dialect asks for."""

import json
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spancast.capture.request import facts
from spancast.capture.request.facts import app_facts, form_facts, form_fields, request_facts
from spancast.records.call import Call, Parameters

NOTHING = {
    "request_model": None,
    "request_models": (),
    "streamed": False,
    "user": None,
    "session": None,
    "linked": False,
    "parameters": None,
}
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=6,
)
NAMES = st.sampled_from(facts._Request.__struct_fields__)


def asked(**members: Any) -> dict[str, Any]:
    return request_facts(json.dumps(members).encode())


def parameters(**members: Any) -> Parameters | None:
    return asked(**members)["parameters"]


def test_a_body_that_is_not_in_memory_or_no_object_says_nothing() -> None:
    for body in (None, b"", b"[]", b"null", b"<xml/>", b"\xff"):
        assert request_facts(body) == {}


def test_an_empty_request_asks_for_nothing() -> None:
    assert asked() == NOTHING


def test_whom_it_asks_and_for_whom() -> None:
    facts = asked(model="openai/gpt-5:free", models=["a/b", 3, "c/d"], user="u_42", session_id="s_7", stream=True)
    assert facts == {
        **NOTHING,
        "request_model": "openai/gpt-5:free",
        "request_models": ("a/b", "c/d"),
        "user": "u_42",
        "session": "s_7",
        "streamed": True,
    }


def test_what_messages_fall_back_on_are_models_too() -> None:
    fallbacks = [{"model": "a/b", "max_tokens": 9}, "c/d", {"model": 7}]
    assert asked(fallbacks=fallbacks)["request_models"] == ("a/b",)
    assert asked(fallbacks=fallbacks, models=["e/f"])["request_models"] == ("e/f",)
    assert asked(fallbacks="a/b")["request_models"] == ()


def test_the_user_of_messages_is_in_its_metadata() -> None:
    assert asked(metadata={"user_id": "u_42"})["user"] == "u_42"
    assert asked(user="u_1", metadata={"user_id": "u_42"})["user"] == "u_1"


@pytest.mark.parametrize(("account", "user"), [("acc-1", "acc-1"), ("", "dev-1")])
def test_claude_codes_user_is_taken_apart(account: str, user: str) -> None:
    told = json.dumps({"device_id": "dev-1", "account_uuid": account, "session_id": "s-1"})
    facts = asked(metadata={"user_id": told, "team": "blue"})
    assert (facts["user"], facts["session"]) == (user, "s-1")
    assert facts["metadata"] == {"team": "blue", "device_id": "dev-1"}
    assert asked(session_id="s-2", metadata={"user_id": told})["session"] == "s-2"


@pytest.mark.parametrize("told", ["{", "{}", '{"session_id":"s-1"}', '{"account_uuid":7}', "[1]"])
def test_a_user_that_only_looks_like_claude_codes_stays_whole(told: str) -> None:
    assert asked(metadata={"user_id": told})["user"] == told
    assert asked(metadata="u_42")["user"] is None


@pytest.mark.parametrize(
    ("stream", "streamed"), [(True, True), ("true", True), (False, False), (1, False), ("yes", False)]
)
def test_a_stream_is_asked_for_by_true_alone(stream: Any, *, streamed: bool) -> None:
    assert asked(stream=stream)["streamed"] is streamed


@pytest.mark.parametrize(
    ("trace", "linked"),
    [
        ({"trace_id": "t_1"}, True),
        ({"parent_span_id": "p_1"}, True),
        ({"trace_name": "checkout"}, False),
        ({"trace_id": 7}, False),
        ("t_1", False),
    ],
)
def test_a_request_that_names_a_trace_is_linked_to_it(trace: Any, *, linked: bool) -> None:
    assert asked(trace=trace)["linked"] is linked


def test_every_parameter_is_taken_as_written() -> None:
    assert parameters(
        max_tokens=100,
        temperature=0.7,
        top_p=0.9,
        top_k=40,
        min_p=0.05,
        top_a=0.1,
        frequency_penalty=-0.5,
        presence_penalty=0.5,
        repetition_penalty=1.1,
        seed=-7,
        n=2,
        stop=["a", "b"],
        reasoning={"effort": "high"},
        verbosity="low",
        modalities=["text", "image"],
        response_format={"type": "json_schema", "json_schema": {"name": "x"}},
        dimensions=256,
        encoding_format="base64",
        service_tier="flex",
        tools=[{"type": "function"}, {"type": "openrouter:web_search"}],
        tool_choice={"type": "function", "function": {"name": "f"}},
        parallel_tool_calls=False,
        plugins=[{"id": "web"}, {"id": "file-parser", "pdf": {}}, {}],
        preset="mine",
        previous_response_id="resp_1",
    ) == Parameters(
        max_tokens=100,
        temperature=0.7,
        top_p=0.9,
        top_k=40,
        min_p=0.05,
        top_a=0.1,
        frequency_penalty=-0.5,
        presence_penalty=0.5,
        repetition_penalty=1.1,
        seed=-7,
        choice_count=2,
        stop=("a", "b"),
        reasoning_level="high",
        verbosity="low",
        modalities=("text", "image"),
        response_format="json_schema",
        dimensions=256,
        encoding_format="base64",
        service_tier="flex",
        tool_count=2,
        tool_choice="function",
        parallel_tool_calls=False,
        plugins=("web", "file-parser"),
        preset="mine",
        previous_response_id="resp_1",
    )


@pytest.mark.parametrize("name", ["max_tokens", "max_completion_tokens", "max_output_tokens"])
def test_the_longest_answer_has_a_name_in_every_dialect(name: str) -> None:
    assert parameters(**{name: 7}) == Parameters(max_tokens=7)


@pytest.mark.parametrize(
    ("members", "expected"),
    [
        ({"stop": "END"}, Parameters(stop=("END",))),
        ({"stop_sequences": ["END"]}, Parameters(stop=("END",))),
        ({"reasoning_effort": "low"}, Parameters(reasoning_level="low")),
        ({"response_format": "mp3"}, Parameters(response_format="mp3")),
        ({"tool_choice": "auto"}, Parameters(tool_choice="auto")),
        ({"temperature": 0}, Parameters(temperature=0.0)),
        ({"tools": []}, None),
        ({"stop": []}, None),
        ({"model": "@preset/mine"}, Parameters(preset="mine")),
        ({"model": "openai/gpt-5@preset/mine"}, Parameters(preset="mine")),
        ({"temperature": "hot", "seed": 0.5, "n": -1, "tools": "none", "plugins": "web", "stop": 7}, None),
        ({"tools": {"a": 1}, "reasoning": "high", "modalities": "text", "response_format": 7}, None),
    ],
)
def test_other_spellings(members: dict[str, Any], expected: Parameters | None) -> None:
    assert parameters(**members) == expected


@pytest.mark.parametrize(
    ("members", "expected"),
    [
        ({"text": {"format": {"type": "json_schema"}}}, Parameters(response_format="json_schema")),
        ({"text": {"format": None, "verbosity": "low"}}, Parameters(verbosity="low")),
        ({"text": "plain"}, None),
        ({"output_config": {"effort": "max", "task_budget": None}}, Parameters(reasoning_level="max")),
        ({"output_config": {"effort": "max"}, "reasoning": {"effort": "low"}}, Parameters(reasoning_level="low")),
        ({"output_config": {"effort": None}}, None),
        (
            {"output_config": {"format": {"type": "json_schema", "schema": {}}}},
            Parameters(response_format="json_schema"),
        ),
        (
            {"tool_choice": {"type": "auto", "disable_parallel_tool_use": True}},
            Parameters(tool_choice="auto", parallel_tool_calls=False),
        ),
        (
            {"tool_choice": {"type": "any", "disable_parallel_tool_use": False}},
            Parameters(tool_choice="any", parallel_tool_calls=True),
        ),
        ({"tool_choice": {"type": "any", "disable_parallel_tool_use": 1}}, Parameters(tool_choice="any")),
        (
            {"tool_choice": {"type": "any", "disable_parallel_tool_use": True}, "parallel_tool_calls": True},
            Parameters(tool_choice="any", parallel_tool_calls=True),
        ),
    ],
)
def test_what_stands_deeper_in_other_dialects(members: dict[str, Any], expected: Parameters | None) -> None:
    assert parameters(**members) == expected


def test_more_tools_than_are_ever_kept_are_counted() -> None:
    assert parameters(tools=[{"type": "function"}] * 200) == Parameters(tool_count=200)


def test_a_body_that_only_pythons_reader_takes_says_the_same() -> None:
    body = b'{"model":"a/b","tools":[{},{}],"temperature":0.5,"x":"\\ud800","y":NaN}'
    facts = request_facts(body)
    assert facts["request_model"] == "a/b"
    assert facts["parameters"] == Parameters(tool_count=2, temperature=0.5)


def test_a_prompt_nested_beyond_all_measure_is_no_request() -> None:
    assert request_facts(b'{"model":"a/b","messages":' + b"[" * 100_000) == {}


@given(st.dictionaries(NAMES, JSON, max_size=8))
def test_no_request_raises_and_every_fact_is_a_field_of_a_call(members: dict[str, Any]) -> None:
    for found in (asked(**members), form_facts(members)):
        Call(call_id="0", operation="chat", started_at=0, **found)


@given(st.binary(max_size=64), st.sampled_from(["", "application/json", "multipart/form-data; boundary=x"]))
def test_no_bytes_raise(body: bytes, content_type: str) -> None:
    request_facts(body, content_type)


def form(fields: dict[str, str], files: dict[str, Any]) -> tuple[bytes, str]:
    """Return a form as a real client writes it."""
    request = httpx.Request("POST", "http://openrouter.ai", data=fields, files=files)
    return request.read(), request.headers["content-type"]


SOUND = ("sound.wav", b'RIFF--model\r\n\r\nname="model"\r\n\r\nnone\r\n', "audio/wav")


def test_a_form_asks_as_json_does() -> None:
    fields = {
        "model": "openai/whisper-1",
        "temperature": "0.2",
        "response_format": "json",
        "user": "u_42",
        "stream": "true",
    }
    body, content_type = form(fields, {"file": SOUND})
    expected = {
        **NOTHING,
        "request_model": "openai/whisper-1",
        "user": "u_42",
        "streamed": True,
        "parameters": Parameters(temperature=0.2, response_format="json"),
    }
    assert request_facts(body, content_type) == expected
    assert form_facts(fields) == expected


def test_the_fields_of_a_form_that_are_files_or_long_are_not_read() -> None:
    body, content_type = form({"model": "a/b", "prompt": "x" * 5000, "größe": "groß"}, {"file": SOUND})
    assert form_fields(body, content_type) == {"model": "a/b", "größe": "groß"}


@pytest.mark.parametrize("temperature", ["warm", "NaN", "1E999999999999", ""])
def test_what_is_no_number_in_a_form_is_unknown(temperature: str) -> None:
    assert form_facts({"model": "a/b", "temperature": temperature})["parameters"] is None


def test_a_form_has_its_trace_and_its_metadata_as_json() -> None:
    fields = {
        "model": "a/b",
        "trace": '{"trace_name":"chat","environment":"live","k":"v"}',
        "metadata": '{"team":"blue"}',
    }
    facts = form_facts(fields)
    assert (facts["trace_name"], facts["environment"]) == ("chat", "live")
    assert facts["metadata"] == {"k": "v", "team": "blue"}
    assert "trace_name" not in form_facts({"model": "a/b", "trace": "[" * 10**5})


@pytest.mark.parametrize(
    "content_type", ["multipart/form-data", "multipart/form-data; boundary=other", "Multipart/Form-Data;"]
)
def test_a_form_without_its_boundary_says_nothing(content_type: str) -> None:
    body, _ = form({"model": "a/b"}, {"file": SOUND})
    assert request_facts(body, content_type) == NOTHING


def test_a_boundary_may_be_quoted() -> None:
    body = b'--a b\r\nContent-Disposition: form-data; name="model"\r\n\r\nx/y\r\n--a b--\r\n'
    assert form_fields(body, 'multipart/form-data; charset=utf-8; Boundary="a b"') == {"model": "x/y"}


def test_the_application_introduces_itself_by_headers() -> None:
    headers = {
        "http-referer": "https://shop.example",
        "x-openrouter-title": "Shop",
        "x-openrouter-categories": "a, b,,",
    }
    assert app_facts(headers) == {
        "app_url": "https://shop.example",
        "app_title": "Shop",
        "app_categories": ("a", "b"),
    }
    assert app_facts({"x-title": "Shop"})["app_title"] == "Shop"
    assert app_facts({}) == {}
