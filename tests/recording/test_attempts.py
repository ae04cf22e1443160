"""Which requests are one and the same, tried again."""

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from weakref import ref

import pytest
import tenacity

from spancast.recording.attempts import MAX_REMEMBERED, Attempts

BODY = b'{"model":"a/b"}'


def counted(count: str) -> dict[str, str]:
    return {"x-stainless-retry-count": count}


def named(name: str) -> dict[str, str]:
    return {"idempotency-key": name}


def test_a_request_that_names_neither_a_count_nor_a_key_is_linked_to_nothing() -> None:
    attempts = Attempts()
    assert attempts.link("one", {}, BODY) == {}
    assert attempts.link("two", {}, BODY) == {}


def test_a_counted_retry_is_linked_to_the_first_attempt() -> None:
    attempts = Attempts()
    assert attempts.link("one", counted("0"), BODY) == {}
    assert attempts.link("two", counted("1"), BODY) == {"attempt_of": "one", "retry": 1}
    assert attempts.link("three", counted("2"), BODY) == {"attempt_of": "one", "retry": 2}


def test_a_count_that_begins_anew_is_another_request() -> None:
    attempts = Attempts()
    for call_id in ("one", "two"):
        assert attempts.link(call_id, counted("0"), BODY) == {}
    assert attempts.link("three", counted("1"), BODY) == {"attempt_of": "two", "retry": 1}


@pytest.mark.parametrize("other", [b'{"model":"a/c"}', BODY + b" ", b"", None])
def test_another_body_is_another_request(other: bytes | None) -> None:
    attempts = Attempts()
    attempts.link("one", counted("0"), BODY)
    assert attempts.link("two", counted("1"), other) == {"attempt_of": None, "retry": 1}


def test_long_bodies_are_told_apart_by_their_ends_and_their_length() -> None:
    attempts = Attempts()
    attempts.link("one", counted("0"), b"a" * 10_000 + b"1")
    assert attempts.link("two", counted("1"), b"a" * 10_000 + b"2")["attempt_of"] is None
    assert attempts.link("three", counted("1"), b"a" * 10_001 + b"1")["attempt_of"] is None
    assert attempts.link("four", counted("1"), b"a" * 10_000 + b"1")["attempt_of"] == "one"


def test_a_body_that_is_not_in_memory_is_linked_by_its_place_alone() -> None:
    attempts = Attempts()
    attempts.link("one", counted("0"), None)
    assert attempts.link("two", counted("1"), None) == {"attempt_of": "one", "retry": 1}


def test_two_requests_of_one_idempotency_key_are_the_same_whatever_they_hold_and_wherever_they_are_made() -> None:
    attempts = Attempts()
    assert attempts.link("one", named("k_1"), BODY) == {}
    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(attempts.link, "two", named("k_1"), None).result() == {"attempt_of": "one", "retry": None}
    assert attempts.link("three", named("k_2"), BODY) == {}


def test_a_request_that_has_both_is_linked_by_its_key_and_numbered_by_its_count() -> None:
    attempts = Attempts()
    assert attempts.link("one", {**named("k_1"), **counted("0")}, BODY) == {}
    assert attempts.link("two", {**named("k_1"), **counted("1")}, None) == {"attempt_of": "one", "retry": 1}


def test_the_same_body_in_another_thread_is_another_request() -> None:
    attempts, begun, over = Attempts(), threading.Event(), threading.Event()

    def first() -> None:
        attempts.link("one", counted("0"), BODY)
        begun.set()
        over.wait(30)  # a thread that has ended may give its name to the next one

    with ThreadPoolExecutor(1) as pool:
        pool.submit(first)
        begun.wait(30)
        assert attempts.link("two", counted("1"), BODY) == {"attempt_of": None, "retry": 1}
        over.set()


def test_the_same_body_in_another_task_is_another_request() -> None:
    attempts = Attempts()

    async def both(number: int) -> list[object]:
        found = [attempts.link(f"{number}-0", counted("0"), BODY)]
        await asyncio.sleep(0)
        return [*found, attempts.link(f"{number}-1", counted("1"), BODY)]

    async def main() -> list[list[object]]:
        return list(await asyncio.gather(*(both(number) for number in range(5))))

    for number, (first, second) in enumerate(asyncio.run(main())):
        assert first == {}
        assert second == {"attempt_of": f"{number}-0", "retry": 1}


@pytest.mark.parametrize("count", ["", "-1", "1.5", "one", "²", "\uff11", " 1", "9" * 5000, "1" * 10])
def test_a_count_that_is_none_links_nothing_and_raises_nothing(count: str) -> None:
    attempts = Attempts()
    assert attempts.link("one", counted(count), BODY) == {}


class Request:
    """As a client library's own object of a request."""


def test_the_very_same_object_that_is_sent_again_after_a_failure_is_a_retry() -> None:
    attempts, request = Attempts(), Request()
    assert attempts.link("one", {}, BODY, request) == {}
    attempts.failed("one")
    assert attempts.link("two", {}, BODY, request) == {"attempt_of": "one", "retry": 1}
    attempts.failed("two")
    attempts.failed("two")
    assert attempts.link("three", {}, BODY, request) == {"attempt_of": "one", "retry": 2}
    assert attempts.link("four", {}, BODY, request) == {}
    attempts.failed("four")
    assert attempts.link("five", {}, BODY, request) == {"attempt_of": "four", "retry": 1}


def test_an_object_that_is_sent_again_though_it_was_answered_is_another_call() -> None:
    attempts, request = Attempts(), Request()
    attempts.link("one", {}, BODY, request)
    assert attempts.link("two", {}, BODY, request) == {}, "The first is still under way."
    attempts.failed("one")
    assert attempts.link("three", {}, BODY, request) == {}, "The failure is that of the one before the last."


def test_an_equal_object_is_another_request_and_none_is_kept_alive() -> None:
    attempts, requests = Attempts(), [Request() for _ in range(100)]
    for number, request in enumerate(requests):
        assert attempts.link(str(number), {}, BODY, request) == {}
        attempts.failed(str(number))
    gone = [ref(request) for request in requests]
    del request, requests
    assert [each() for each in gone] == [None] * 100
    assert (attempts._sent, attempts._under_way) == ({}, {})
    assert attempts.link("later", {}, BODY, Request()) == {}


class RefusedError(Exception):
    """As a client library's exception, which names its request."""

    def __init__(self, request: object) -> None:
        super().__init__("refused")
        self.request = request


def raised(request: object) -> Exception:
    """Return what a library makes of such an exception."""
    try:
        try:
            raise RefusedError(request)  # noqa: TRY301 - as a library does
        except RefusedError:
            raise ValueError("The library's own words.")  # noqa: B904 - as a library does
    except ValueError as error:
        return error


def test_an_equal_object_that_is_sent_while_the_failure_is_handled_is_a_retry() -> None:
    attempts, requests = Attempts(), [Request() for _ in range(5)]
    attempts.link("one", {}, BODY, requests[0])
    attempts.failed("one")
    try:
        raise raised(requests[0])
    except ValueError:
        assert attempts.link("two", {}, BODY, requests[1]) == {"attempt_of": "one", "retry": 1}
        attempts.failed("two")
        assert attempts.link("other", {}, b"{}", requests[2]) == {}, "It asks something else."
        assert attempts.link("three", {}, BODY, requests[3]) == {"attempt_of": "one", "retry": 2}
        assert attempts.link("four", {}, BODY, requests[4]) == {}, "The last one has not failed."


def test_an_equal_object_that_is_sent_when_all_is_handled_is_another_call() -> None:
    attempts, requests = Attempts(), [Request() for _ in range(3)]
    attempts.link("one", {}, BODY, requests[0])
    attempts.failed("one")
    assert attempts.link("two", {}, BODY, requests[1]) == {}
    try:
        raise raised(Request())
    except ValueError:
        assert attempts.link("three", {}, BODY, requests[2]) == {}, "It is the failure of something else."


def test_an_exception_that_refuses_to_name_its_request_is_none_of_ours() -> None:
    class UnsetError(Exception):
        @property
        def request(self) -> object:
            raise RuntimeError("The request was never set.")

    attempts, request = Attempts(), Request()
    try:
        raise UnsetError  # noqa: TRY301 - to be handled is what it is for
    except UnsetError:
        assert attempts.link("one", {}, BODY, request) == {}


def test_an_object_that_cannot_be_held_weakly_is_linked_to_nothing() -> None:
    attempts = Attempts()
    for call_id in ("one", "two"):
        assert attempts.link(call_id, {}, BODY, "request") == {}
        attempts.failed(call_id)


def test_what_a_request_says_itself_counts_more_than_its_object() -> None:
    attempts, request = Attempts(), Request()
    attempts.link("one", counted("0"), BODY, request)
    attempts.failed("one")
    assert attempts.link("two", counted("0"), BODY, request) == {}


def test_a_client_that_counts_its_tries_is_believed() -> None:
    attempts = Attempts()
    assert attempts.link("one", {}, BODY, resend_count=0) == {}
    assert attempts.link("two", {}, BODY, resend_count=1) == {"attempt_of": "one", "retry": 1}
    assert attempts.link("three", {}, BODY, resend_count=2) == {"attempt_of": "one", "retry": 2}
    assert attempts.link("four", {}, b"other", resend_count=1) == {"attempt_of": None, "retry": 1}


def test_an_equal_try_in_the_same_loop_is_a_retry_where_the_last_one_has_failed() -> None:
    attempts, tries = Attempts(), iter(range(4))
    found = []

    def ask() -> None:
        call_id = str(next(tries))
        found.append(attempts.link(call_id, counted("0"), BODY))
        attempts.link("other" + call_id, counted("0"), b"{}")
        if call_id != "2":
            attempts.failed(call_id)
            raise LookupError

    retrying = tenacity.Retrying(stop=tenacity.stop_after_attempt(4))
    retrying(ask)
    assert found == [{}, {"attempt_of": "0", "retry": 1}, {"attempt_of": "0", "retry": 2}]
    with pytest.raises(LookupError):
        ask()
    assert found[-1] == {}, "It is another loop, or none."


def test_the_same_by_objects_that_name_neither() -> None:
    attempts, tries = Attempts(), iter(range(3))
    found = []

    def ask() -> None:
        call_id = str(next(tries))
        found.append(attempts.link(call_id, {}, BODY, request := Request()))
        other = Request()
        found.append(attempts.link("other" + call_id, {}, b"{}", other))
        attempts.failed(call_id)
        del request
        raise LookupError

    with pytest.raises(LookupError):
        tenacity.Retrying(stop=tenacity.stop_after_attempt(3), reraise=True)(ask)
    assert found == [{}, {}, {"attempt_of": "0", "retry": 1}, {}, {"attempt_of": "0", "retry": 2}, {}]
    assert attempts.link("four", {}, BODY, Request()) == {}, "It is in no loop."


@pytest.mark.parametrize("headers", [counted("0"), {}], ids=["counted", "by objects"])
def test_an_equal_try_in_another_loop_is_another_call(headers: dict[str, str]) -> None:
    attempts, tries = Attempts(), iter(range(4))
    found = []

    def ask() -> None:
        call_id = str(next(tries))
        found.append(attempts.link(call_id, headers, BODY, request := Request()))
        attempts.failed(call_id)
        del request
        raise LookupError

    for _ in range(2):
        with pytest.raises(LookupError):
            tenacity.Retrying(stop=tenacity.stop_after_attempt(2), reraise=True)(ask)
    assert found == [{}, {"attempt_of": "0", "retry": 1}, {}, {"attempt_of": "2", "retry": 1}]


def test_no_more_first_attempts_are_remembered_than_ever_needed() -> None:
    attempts = Attempts()
    for number in range(MAX_REMEMBERED + 10):
        attempts.link(f"call-{number}", named(f"key-{number}"), BODY)
    assert len(attempts._first) == MAX_REMEMBERED
    assert attempts.link("again", named("key-0"), BODY) == {}
    assert attempts.link("again", named("key-20"), BODY)["attempt_of"] == "call-20"
