"""What the headers of an answer state."""

import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spancast.capture.headers import header_facts


def test_what_no_header_states_is_left_out() -> None:
    assert header_facts({"content-type": "application/json", "date": "Mon, 10 Aug 2026 23:33:40 GMT"}) == {}


def test_the_generation_its_provider_and_the_request_are_named() -> None:
    headers = {
        "x-generation-id": "gen-img-1786572320-kjQhpPqI7jCgR4kQGMD4",
        "x-provider-name": "Google AI Studio",
        "request-id": "req-1786572320-abc",
    }
    assert header_facts(headers) == {
        "generation_id": "gen-img-1786572320-kjQhpPqI7jCgR4kQGMD4",
        "provider": "Google AI Studio",
        "request_id": "req-1786572320-abc",
    }


@pytest.mark.parametrize(("written", "expected"), [("HIT", True), ("miss ", False), ("BYPASS", None), ("", None)])
def test_the_cache_says_whether_it_answered(written: str, expected: bool | None) -> None:
    assert header_facts({"x-openrouter-cache-status": written}).get("cache_hit") is expected


@pytest.mark.parametrize(("written", "expected"), [("7", 7.0), (" 7 ", 7.0), ("0", 0.0)])
def test_seconds_to_wait(written: str, expected: float) -> None:
    assert header_facts({"retry-after": written}) == {"retry_after": expected}


def dates() -> list[str]:
    """Return a time a minute away in the three forms of RFC 9110 §5.6.7."""
    then = datetime.now(UTC) + timedelta(seconds=60)
    return [format_datetime(then, usegmt=True), then.strftime("%A, %d-%b-%y %H:%M:%S GMT"), then.strftime("%c")]


@pytest.mark.parametrize("form", range(3))
@pytest.mark.parametrize("zone", ["UTC", "Asia/Kolkata", "America/New_York"])
def test_a_time_to_wait_until_is_universal_wherever_the_machine_is(
    form: int, zone: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setenv("TZ", zone)
        time.tzset()
        waits = header_facts({"retry-after": dates()[form]})["retry_after"]
    time.tzset()
    assert 50 < waits <= 60


def test_a_time_that_has_passed_is_no_wait() -> None:
    assert header_facts({"retry-after": "Wed, 21 Oct 2015 07:28:00 GMT"}) == {"retry_after": 0.0}


@pytest.mark.parametrize(
    "written",
    ["soon", "-1", "1.5", "1e3", "", " ", "²", "9" * 400, "Wed, 99 Oct 2015 07:28:00 GMT", "Wed, 21 Oct 99999"],
)
def test_what_is_neither_is_unknown(written: str) -> None:
    assert header_facts({"retry-after": written}) == {}


@given(st.text(max_size=80))
def test_no_header_raises(written: str) -> None:
    names = ("x-generation-id", "x-provider-name", "request-id", "x-openrouter-cache-status", "retry-after")
    header_facts(dict.fromkeys(names, written))


@given(
    st.tuples(
        st.sampled_from(["Wed, ", "", "Wed "]),
        st.integers(-99, 10**9),
        st.sampled_from([" Oct ", " Nov ", "-Oct-"]),
        st.integers(-99, 10**9),
        st.sampled_from([" 07:28:00", " 99:99:99", "", " 7.28"]),
        st.sampled_from([" GMT", " +9999", " -0000", " +999999", ""]),
    )
)
def test_no_date_raises(parts: tuple[object, ...]) -> None:
    header_facts({"retry-after": "".join(map(str, parts))})


def test_a_time_to_wait_until_is_read_by_the_clock_of_who_says_it() -> None:
    then, now = "Mon, 10 Aug 2026 23:34:40 GMT", "Mon, 10 Aug 2026 23:33:40 GMT"
    assert header_facts({"retry-after": then, "date": now}) == {"retry_after": 60.0}
