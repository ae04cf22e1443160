"""Events that differ in a piece of text alone."""

import json
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spancast.capture.body.text_events import TextEvents
from tests.support.answers import USAGE


def event(text: str, *, finish: str | None = None, ascii_only: bool = True, **further: Any) -> bytes:
    choice = {"index": 0, "delta": {"role": "assistant", "content": text}, "finish_reason": finish}
    written = json.dumps(
        {"id": "gen-1", "choices": [choice], **further}, separators=(",", ":"), ensure_ascii=ascii_only
    )
    return b"data: %s\n\n" % written.encode()


def learned(*texts: str) -> TextEvents:
    alike = TextEvents()
    alike.learn(b"".join(map(event, texts)))
    return alike


TEXTS = st.text(st.characters(codec="utf-8"), max_size=20) | st.sampled_from(
    ['"', "\\", '\\"', '"},"', "\n\ndata: [DONE]"]
)


@given(st.lists(TEXTS, min_size=1, max_size=8), st.booleans())
def test_whatever_the_texts_are_the_events_are_counted(texts: list[str], ascii_only: bool) -> None:
    block = b"".join(event(text, ascii_only=ascii_only) for text in texts)
    found = learned("the ", "them ").count(block)
    assert found == len(texts) or (found == 0 and block.count(b"\\") > 2 * len(texts))


@pytest.mark.parametrize(
    "other",
    [
        event("", finish="stop"),
        event("", usage=USAGE),
        event("a", error={"message": "no"}),
        event("a")[:-2],
        b"data: [DONE]\n\n",
        b": OPENROUTER PROCESSING\n\n",
        event("a").replace(b'"content"', b'"tool_calls":[{"id":"c"}],"content"'),
        event("a").replace(b"gen-1", b"gen-2"),
    ],
)
@pytest.mark.parametrize("at", [0, 3, 6])
def test_a_block_with_anything_else_in_it_is_none(other: bytes, at: int) -> None:
    events = [event(str(number)) for number in range(6)]
    assert learned("a", "b").count(b"".join([*events[:at], other, *events[at:]])) == 0


@pytest.mark.parametrize("texts", [(), ("a",), ("a", "a"), ('"', "a")])
def test_events_that_tell_nothing_teach_nothing_false(texts: tuple[str, ...]) -> None:
    assert learned(*texts).count(event("c") + event("", finish="stop")) == 0


@pytest.mark.parametrize("texts", [("日", "本"), ("x\n", "y\n"), ("\\a", "\\b")])
def test_events_teach_whatever_their_texts_are(texts: tuple[str, ...]) -> None:
    assert learned(*texts).count(event("c") + event("d")) == 2


def test_texts_full_of_escapes_cost_no_time_to_speak_of() -> None:
    block = b"".join(event("\\" * 2000) for _ in range(250))
    began = time.process_time()
    assert learned("a", "b").count(block) == 0
    assert time.process_time() - began < 0.05


def test_nothing_is_known_of_events_that_are_never_alike() -> None:
    alike = TextEvents()
    for number in range(20):
        alike.learn(event("a", created=number) + event("b", created=number + 1))
    assert alike.count(event("c", created=9)) == 0
