from hypothesis import given
from hypothesis import strategies as st

from spancast.delivery.http import backoff


@given(failures=st.integers(1, 10_000))
def test_a_wait_is_never_longer_than_the_cap(failures):
    assert 0.0 <= backoff.wait(failures) <= backoff.CAP_SECONDS


def test_waits_grow_with_the_failures_up_to_the_cap():
    longest = [max(backoff.wait(failures) for _ in range(300)) for failures in (1, 3, 5, 20)]
    assert longest == sorted(longest)
    assert longest[0] <= backoff.BASE_SECONDS < longest[1]
    assert longest[-1] > backoff.CAP_SECONDS / 2


def test_waits_are_spread_over_the_whole_range_so_that_many_do_not_return_at_once():
    waits = [backoff.wait(20) for _ in range(1000)]
    assert min(waits) < backoff.CAP_SECONDS * 0.1
    assert max(waits) > backoff.CAP_SECONDS * 0.9


@given(after=st.floats(0.0, 3600.0))
def test_no_process_returns_sooner_than_the_platform_asked(after):
    assert after <= backoff.retry_after(after) <= after + backoff.BASE_SECONDS


@given(after=st.floats(3600.0, 1e300) | st.just(float("inf")))
def test_nobody_waits_longer_than_an_hour_because_a_platform_asked(after):
    assert backoff.retry_after(after) <= backoff.MAX_RETRY_AFTER_SECONDS + backoff.BASE_SECONDS
