"""A fault of ours is counted, logged once a minute, and stays ours."""

import logging
import threading
import time
from collections import Counter
from collections.abc import Iterator

import pytest

from spancast.base import guard

SITE = "a site of the tests"


@pytest.fixture(autouse=True)
def _as_in_an_application(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guard, "strict", False)
    monkeypatch.setattr(guard, "_last_logged", {})
    monkeypatch.setattr(guard, "faults", Counter())


def fail() -> None:
    with guard.quietly(SITE):
        raise LookupError("no such thing")


def test_a_fault_is_kept_from_the_caller_and_counted(caplog: pytest.LogCaptureFixture) -> None:
    fail()
    fail()
    assert guard.faults == {SITE: 2}
    (told,) = caplog.records
    assert (told.levelno, told.name, told.exc_info) == (logging.WARNING, "spancast", None)
    said = told.getMessage()
    assert said.startswith(
        f"{SITE} failed; the application is not affected. LookupError: no such thing (in tests.base.test_"
    )


def test_the_traceback_is_for_whoever_asks_for_it(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG, "spancast"):
        fail()
        fail()
    told, traced = caplog.records
    assert (told.levelno, traced.levelno) == (logging.WARNING, logging.DEBUG)
    assert traced.getMessage().startswith("Traceback (most recent call last):")
    assert "in fail" in traced.getMessage()


def test_what_two_sites_run_into_is_told_by_the_first(caplog: pytest.LogCaptureFixture) -> None:
    for site in ("one", "two", "one"):
        with guard.quietly(site):
            fail_anywhere()
    assert guard.faults == {"one": 2, "two": 1}
    assert [record.getMessage().partition(" ")[0] for record in caplog.records] == ["one"]
    with guard.quietly("two"):
        raise LookupError("another thing")
    assert [record.getMessage().partition(" ")[0] for record in caplog.records] == ["one", "two"]


def fail_anywhere() -> None:
    raise LookupError("no such thing")


class MuteError(Exception):
    """An exception that cannot say what it is."""

    def __str__(self) -> str:
        raise ValueError


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (ValueError("a\nb\t c"), "ValueError: a b c"),
        (ValueError("x" * 5000), f"ValueError: {'x' * guard.MAX_MESSAGE_CHARS}"),
        (MuteError(), "MuteError: ?"),
        (ValueError("Bearer sk-or-v1-0123456789abcdef is wrong"), "ValueError: [removed] is wrong"),
    ],
    ids=["lines", "long", "mute", "secret"],
)
def test_an_exception_is_one_line_that_ends_and_has_no_secret(
    caplog: pytest.LogCaptureFixture, error: Exception, said: str
) -> None:
    with caplog.at_level(logging.DEBUG, "spancast"), guard.quietly(SITE):
        raise error
    assert said in caplog.records[0].getMessage()
    assert "\n" not in caplog.records[0].getMessage()
    assert "sk-or" not in caplog.text


def test_what_was_logged_long_ago_is_forgotten() -> None:
    for number in range(100):
        guard._last_logged[f"site {number}"] = time.monotonic() - guard.QUIET_SECONDS - 1
    guard.warn(SITE, "now")
    assert list(guard._last_logged) == [SITE]


def test_what_works_is_not_a_fault(caplog: pytest.LogCaptureFixture) -> None:
    with guard.quietly(SITE):
        pass
    assert (dict(guard.faults), caplog.records) == ({}, [])


def test_each_site_is_logged_once_a_minute(caplog: pytest.LogCaptureFixture) -> None:
    for _ in range(3):
        guard.warn("one", "%s", 1)
        guard.warn("two", "%s", 2)
    assert [record.getMessage() for record in caplog.records] == ["1", "2"]


def test_a_site_is_logged_again_when_its_minute_is_over(caplog: pytest.LogCaptureFixture) -> None:
    guard._last_logged[SITE] = time.monotonic() - guard.QUIET_SECONDS - 1
    guard._last_logged["another"] = time.monotonic() - guard.QUIET_SECONDS + 30
    guard.warn(SITE, "again")
    guard.warn("another", "too early")
    assert [record.getMessage() for record in caplog.records] == ["again"]


@pytest.mark.parametrize("raised", [KeyboardInterrupt, SystemExit, GeneratorExit])
def test_what_is_no_fault_of_ours_passes(raised: type[BaseException]) -> None:
    with pytest.raises(raised), guard.quietly(SITE):
        raise raised
    assert dict(guard.faults) == {}


def test_under_our_own_tests_a_fault_is_raised(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guard, "strict", True)
    with pytest.raises(LookupError, match="no such thing"):
        fail()


class Failing(logging.Handler):
    """A handler of an application that fails."""

    def emit(self, record: logging.LogRecord) -> None:
        raise OSError(f"There is no room for {record.getMessage()}")


class Talking(logging.Handler):
    """A handler that runs into a fault of ours itself, as one does that sends its records through a hooked client."""

    def __init__(self) -> None:
        super().__init__()
        self.heard: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.heard.append(record.getMessage())
        guard.warn("inside the handler", "a fault within the log of a fault")
        fail()


@pytest.fixture
def handler(request: pytest.FixtureRequest) -> Iterator[logging.Handler]:
    one: logging.Handler = request.param()
    logging.getLogger("spancast").addHandler(one)
    yield one
    logging.getLogger("spancast").removeHandler(one)


@pytest.mark.parametrize("handler", [Failing], indirect=True)
def test_a_log_handler_that_fails_is_counted_and_outlived(handler: Failing) -> None:
    fail()
    assert guard.faults == {SITE: 1, "log": 1}
    guard.warn("another", "The log is not given up.")
    assert guard.faults["log"] == 2


@pytest.mark.parametrize("handler", [Talking], indirect=True)
def test_a_fault_within_the_log_of_a_fault_is_counted_and_not_logged(handler: Talking) -> None:
    guard.warn("outside", "a fault")
    assert handler.heard == ["a fault"]
    assert guard.faults == {SITE: 1}


def test_threads_log_at_once(caplog: pytest.LogCaptureFixture) -> None:
    together = threading.Barrier(4)

    def tell(number: int) -> None:
        together.wait()
        guard.warn(f"site {number}", "%s", number)

    threads = [threading.Thread(target=tell, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(record.getMessage() for record in caplog.records) == ["0", "1", "2", "3"]


def test_no_count_is_lost_between_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    class Slow(Counter[str]):
        def __getitem__(self, key: str) -> int:
            found = super().__getitem__(key)
            time.sleep(0)  # lets another thread in between what is read and what is written
            return found

    monkeypatch.setattr(guard, "faults", Slow())
    threads = [threading.Thread(target=lambda: [guard.count(SITE) for _ in range(200)]) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert dict(guard.faults) == {SITE: 1600}


def test_no_secret_is_logged_once_a_minute(caplog: pytest.LogCaptureFixture) -> None:
    key = "sk-or-v1-" + "a1" * 32
    assert guard.warn(SITE, "%s of %d: %s", key, 2, LookupError(f"https://u:word@h and {key}"))
    (told,) = caplog.records
    assert told.getMessage() == "[removed] of 2: https://[removed]@h and [removed]"
