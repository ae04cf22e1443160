"""Without their content answers take a bounded amount of memory, however long they are."""

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.hooks.caller import KINDS, Kind
from tests.hooks.measure import MEGABYTE

ROOT = Path(__file__).parents[2]
KILOBYTE = 1024


@dataclass(frozen=True)
class Measured:
    bare: int
    """The bytes at the peak of the first length."""
    hooked: list[int]
    """Those of each length."""
    booked: list[list[str | None]]


def measured(kind: Kind, how: str, shape: str, *lengths: int) -> Measured:
    """Measure in a process of its own, in which nothing else allocates."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.hooks.measure", str(kind), how, shape, *map(str, lengths)],
        cwd=ROOT,
        check=True,
        stdout=subprocess.PIPE,
        text=True,
        timeout=100,
    )
    return Measured(**json.loads(done.stdout))


def check_bounded(seen: Measured) -> None:
    """Check that the longer answer takes no more than the shorter, and neither much more than a bare one."""
    short, long = seen.hooked
    assert seen.booked == [["completed", None]] * 2
    assert long - short < 16 * KILOBYTE
    assert long - seen.bare < 128 * KILOBYTE


def test_a_stream_of_two_hundred_thousand_words_takes_no_more_than_one_of_a_thousand() -> None:
    check_bounded(measured(KINDS[2], "events", "words", 1_000, 200_000))


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != KINDS[2]], ids=str)
def test_every_other_client_streams_in_bounded_memory(kind: Kind) -> None:
    check_bounded(measured(kind, "events", "words", 1_000, 10_000))


@pytest.mark.parametrize("shape", ["comments", "tool calls", "usages"])
def test_nothing_that_a_stream_says_over_and_over_adds_up(shape: str) -> None:
    check_bounded(measured(KINDS[2], "events", shape, 1_000, 3_000))


def test_an_event_without_an_end_is_let_go() -> None:
    seen = measured(KINDS[2], "events", "one line", 6_000, 18_000)
    assert seen.booked == [["error", "invalid_response"]] * 2
    assert seen.hooked[1] - seen.hooked[0] < MEGABYTE
    assert seen.hooked[1] - seen.bare < 16 * MEGABYTE


def test_a_plain_answer_of_a_hundred_megabytes_that_is_streamed_is_not_held() -> None:
    seen = measured(KINDS[2], "stream", "megabytes", 100)
    assert seen.booked == [["completed", None]]
    assert seen.hooked[0] - seen.bare < 16 * MEGABYTE


def test_a_plain_answer_of_a_hundred_megabytes_is_read_where_its_caller_holds_it() -> None:
    seen = measured(KINDS[2], "plain", "megabytes", 100)
    assert seen.booked == [["completed", None]]
    assert seen.hooked[0] - seen.bare < 16 * MEGABYTE
