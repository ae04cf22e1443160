"""What went wrong, without secrets."""

import json
from hashlib import sha256
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spancast.capture.failure import MAX_MESSAGE, exception_facts, failure_facts, key_hash, safe_excerpt, secrets_of

KEY = "sk-or-v1-0123456789abcdef0123456789abcdef"
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
)


def test_openrouters_stable_type_comes_first() -> None:
    error = {"code": 429, "message": "Slow down", "metadata": {"error_type": "rate_limit_exceeded"}}
    assert failure_facts(error) == {"error_type": "rate_limit_exceeded", "error_message": "Slow down"}


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        ({"error_type": "provider_overloaded", "http_status": 503, "message": "Busy"}, "provider_overloaded"),
        ({"code": 402, "message": "No credits"}, "402"),
        ({"code": "invalid_prompt", "message": "What?"}, "invalid_prompt"),
        ({"type": "overloaded_error", "message": "Overloaded"}, "overloaded_error"),
        ({"message": "Expected temperature to be at most 2"}, "400"),
        ("Something failed", "400"),
        (None, "400"),
        ({}, "400"),
        ([], "400"),
        ({"code": -1}, "400"),
        ({"code": 10**6}, "400"),
        ({"code": True}, "400"),
        ({"code": {"a": 1}, "metadata": "text", "type": ""}, "400"),
    ],
)
def test_then_its_code_then_its_type_then_the_status(error: Any, expected: str) -> None:
    assert failure_facts(error, 400)["error_type"] == expected


def test_without_a_status_the_type_of_an_error_that_says_nothing_is_error() -> None:
    assert failure_facts({}) == {"error_type": "error"}


def test_the_provider_and_what_failed_before_are_kept_and_its_own_words_are_not() -> None:
    error = {
        "code": 400,
        "message": "Provider returned error",
        "metadata": {
            "raw": "your prompt was: my secret diary",
            "provider_name": "Azure",
            "previous_errors": [{"code": 429, "message": "x"}, {"code": "timeout"}, {"message": "no code"}, "odd"],
        },
    }
    facts = failure_facts(error)
    assert facts["error_provider"] == "Azure"
    assert facts["previous_errors"] == ("429", "timeout", "error", "error")
    assert "diary" not in repr(facts)


def test_an_error_may_be_its_message() -> None:
    assert failure_facts("No such thing") == {"error_type": "error", "error_message": "No such thing"}


@given(JSON, st.none() | st.integers(100, 599))
def test_the_type_of_an_error_is_never_unknown(error: Any, status: int | None) -> None:
    assert failure_facts(error, status)["error_type"]


def test_an_exception_is_known_by_its_public_name() -> None:
    assert exception_facts(TimeoutError(KEY)) == {"error_type": "TimeoutError"}
    assert exception_facts(json.JSONDecodeError(KEY, "", 0)) == {"error_type": "json.decoder.JSONDecodeError"}


@pytest.mark.parametrize(
    "secret",
    [
        KEY,
        "sk-proj-0123456789",
        "pk-lf-0123-4567",
        "Bearer abc",
        "bearer  eyJhbGciOi.x.y",
        "api_key=hunter2",
        "API-Key: hunter2",
        "apikey = hunter2",
        "token: hunter2",
        "password=hunter2",
    ],
)
def test_what_looks_like_a_secret_is_removed(secret: str) -> None:
    stated = safe_excerpt(f"No auth for ({secret} ) here")
    assert "[removed]" in stated
    assert not any(word in stated for word in ("hunter2", "0123", "eyJ", "abc"))
    assert stated.startswith("No auth for (")
    assert stated.endswith(") here")


def test_a_long_message_costs_no_more_than_its_beginning() -> None:
    assert safe_excerpt("-eyJaaaaaaaaaa" * 10**6) == ("-eyJaaaaaaaaaa" * 10)[:MAX_MESSAGE]


def test_a_secret_that_ends_far_behind_what_is_kept_is_removed() -> None:
    long = "x" * 8000
    assert safe_excerpt(f"No such key {long}", (long,)) == "No such key [removed]"


def test_what_authenticates_to_a_gateway_is_a_secret() -> None:
    headers = {
        "cf-aig-authorization": "Bearer gateway-1234",
        "cookie": "last_model=openai/gpt-4o-mini",
        "x-title": "mine",
    }
    assert secrets_of(headers) == ("gateway-1234",)


def test_the_requests_own_secrets_are_removed_whatever_they_look_like() -> None:
    assert safe_excerpt("Got correct-horse, wanted none", ("correct-horse",)) == "Got [removed], wanted none"


def test_of_two_secrets_of_which_one_begins_with_the_other_nothing_is_left() -> None:
    assert safe_excerpt("key horse-battery-staple", ("horse-battery", "horse-battery-staple")) == "key [removed]"


def test_a_secret_across_the_cut_does_not_survive_in_half() -> None:
    stated = safe_excerpt("x" * (MAX_MESSAGE - 10) + " " + KEY, (KEY,))
    assert stated == "x" * (MAX_MESSAGE - 10) + " [removed]"


def test_a_message_is_cut() -> None:
    assert safe_excerpt("x" * 10_000) == "x" * MAX_MESSAGE


@given(st.text(max_size=300), st.text(max_size=300))
def test_a_key_survives_in_no_message(before: str, behind: str) -> None:
    stated = safe_excerpt(before + KEY + behind, (KEY,))
    assert KEY not in stated
    assert len(stated) <= MAX_MESSAGE


@pytest.mark.parametrize(
    "headers",
    [
        {"authorization": f"Bearer {KEY}"},
        {"x-api-key": KEY},
        {"api-key": KEY},
        {"proxy-authorization": f"Basic {KEY}"},
    ],
)
def test_credentials_are_the_long_words_of_the_headers_that_carry_them(headers: dict[str, str]) -> None:
    assert secrets_of(headers) == (KEY,)


def test_other_headers_and_short_words_are_no_credentials() -> None:
    assert secrets_of({"content-type": "application/json", "authorization": "Bearer none"}) == ()


@pytest.mark.parametrize(
    "headers",
    [
        {"authorization": f"Bearer {KEY}"},
        {"authorization": f"Bearer {KEY}, Bearer {KEY}"},
        {"authorization": f"bearer {KEY},bearer {KEY}"},
        {"x-api-key": KEY, "proxy-authorization": "Basic dXNlcjpodW50ZXIy"},
        {"authorization": "Bearer none", "api-key": KEY},
    ],
)
def test_a_key_is_known_by_its_hash(headers: dict[str, str]) -> None:
    assert key_hash(headers) == sha256(KEY.encode()).hexdigest()
    assert KEY in secrets_of(headers)


@pytest.mark.parametrize("headers", [{}, {"proxy-authorization": "Basic dXNlcjpodW50ZXIy"}])
def test_what_a_proxy_is_told_is_no_key(headers: dict[str, str]) -> None:
    assert key_hash(headers) is None
