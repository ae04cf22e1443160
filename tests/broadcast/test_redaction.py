"""What a redactor is shown, what becomes of what it returns, and that its faults cost nothing but the content."""

import json
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from spancast.broadcast.redaction import FAILED, FIRST_LIMIT_SECONDS, LIMIT_SECONDS, TOO_SLOW, Redactor
from spancast.errors import ConfigurationError
from spancast.semconv import names
from spancast.spans.attributes import content_attributes
from tests.support.shapes import check_messages
from tests.support.spans import WORDS
from tests.support.waiting import eventually

CONTENT = content_attributes(WORDS)
HELLO = {"input.value": "Hello"}


def upper(text: str) -> str:
    return text.upper()


def redactor(redact: Callable[[str], Any] | str) -> Redactor:
    """Return one that has been used once, so that it has no more time than any other text."""
    made = Redactor("platform", redact)
    made.redacted({"input.value": "warm"})
    return made


def test_it_is_given_every_text_and_its_answers_are_what_is_sent():
    seen: list[str] = []

    def redact(text: str) -> str:
        seen.append(text)
        return text.replace("Paris", "[city]")

    content, withheld = redactor(redact).redacted(CONTENT)
    assert withheld is None
    assert content.keys() == CONTENT.keys()
    for name, written in content.items():
        assert json.loads(str(written)) == json.loads(str(CONTENT[name]).replace("Paris", "[city]"))
    assert {"You are terse.", "What is the weather in Paris?", "A tool knows.", "Tells the weather."} <= set(seen)


def test_what_names_and_does_not_speak_it_is_not_shown():
    content, _ = redactor(upper).redacted(CONTENT)
    asked = json.loads(str(content[names.INPUT_MESSAGES]))
    assert [message["role"] for message in asked] == ["user", "assistant", "tool"]
    assert asked[1]["parts"][0] == {
        "type": "tool_call",
        "id": "call_0",
        "name": "get_place",
        "arguments": {"name": "PARIS"},
    }
    assert asked[2]["parts"][0]["response"] == {"lat": 48.9, "lon": 2.3}
    (tool,) = json.loads(str(content[names.TOOL_DEFINITIONS]))
    assert (tool["type"], tool["name"], tool["description"]) == ("function", "get_weather", "TELLS THE WEATHER.")


@pytest.mark.parametrize(
    ("written", "sent"),
    [
        ("plain words", "PLAIN WORDS"),
        ("42", "42"),
        ('"quoted"', '"QUOTED"'),
        ('{"role":"user","content":["a",1,null]}', '{"role":"USER","content":["A",1,null]}'),
        ("[" * 100_000, "[" * 100_000),
        ("{oops", "{OOPS"),
        (["a", "b"], '["A","B"]'),
        ("ß\u00fc", "SSÜ"),
    ],
)
def test_words_of_other_libraries_are_shown_whole_or_text_by_text(written, sent):
    assert redactor(upper).redacted({"input.value": written}) == ({"input.value": sent}, None)


def test_what_is_taken_away_is_left_out_in_the_shape_of_the_conventions():
    assert redactor(lambda _: None).redacted(HELLO) == ({}, None)

    content, withheld = redactor(lambda _: None).redacted(CONTENT)
    assert withheld is None
    asked = json.loads(str(content[names.INPUT_MESSAGES]))
    check_messages(asked)
    assert asked == [
        {"role": "user", "parts": []},
        {
            "role": "assistant",
            "parts": [{"type": "tool_call", "id": "call_0", "name": "get_place", "arguments": {"name": None}}],
        },
        {"role": "tool", "parts": asked[2]["parts"]},
    ]
    (tool,) = json.loads(str(content[names.TOOL_DEFINITIONS]))
    assert (tool["type"], tool["name"]) == ("function", "get_weather")
    assert "description" not in tool


def test_an_empty_text_is_a_text():
    assert redactor(lambda _: "").redacted(HELLO) == ({"input.value": ""}, None)


def test_what_utf_8_cannot_hold_is_mended():
    assert redactor(lambda _: "\ud800").redacted(HELLO) == ({"input.value": "?"}, None)


def test_a_span_without_words_asks_nobody():
    assert Redactor("platform", refuse).redacted({}) == ({}, None)


def refuse(text: str) -> str:
    raise LookupError(text)


def leave(_text: str) -> str:
    raise SystemExit


@pytest.mark.parametrize("redact", [refuse, leave, lambda _: 7, lambda text: text.encode()])
def test_one_that_fails_withholds_the_words_and_tells_nobody_what_they_were(redact, caplog):
    assert Redactor("platform", redact).redacted(HELLO) == ({}, FAILED)
    assert "Hello" not in caplog.text
    assert caplog.text.count("content is withheld") <= 1


def test_one_that_fails_on_a_text_of_many_withholds_all_of_them():
    found = redactor(lambda text: refuse(text) if "terse" in text else text).redacted(CONTENT)
    assert found == ({}, FAILED)


@contextmanager
def hanging() -> Iterator[Callable[[str], str]]:
    """Give a redactor that hangs on one text, until the end of the block."""
    over = threading.Event()

    def redact(text: str) -> str:
        if text == "hang":
            over.wait(60)
        return text

    try:
        yield redact
    finally:
        over.set()


def test_one_that_hangs_is_given_up_and_until_it_comes_back_nothing_is_shown_to_it():
    with hanging() as redact:
        made = redactor(redact)
        began = time.monotonic()
        assert made.redacted({"input.value": "hang"}) == ({}, TOO_SLOW)
        assert time.monotonic() - began < 20 * LIMIT_SECONDS
        began = time.monotonic()
        assert made.redacted(HELLO) == ({}, TOO_SLOW)
        assert time.monotonic() - began < LIMIT_SECONDS
    eventually(lambda: made.redacted(HELLO) == (HELLO, None), 10)


def test_one_that_was_given_up_does_not_go_on_with_the_rest():
    seen: list[str] = []
    with hanging() as hang:
        made = redactor(lambda text: seen.append(text) or hang(text))
        assert made.redacted({"a": "hang", "b": "more"}) == ({}, TOO_SLOW)
    eventually(lambda: made.redacted(HELLO)[1] is None, 10)
    assert seen == ["warm", "hang", "Hello"]


def test_each_text_has_its_own_time_and_the_first_has_more():
    made = Redactor("platform", lambda text: time.sleep(0.02) or text)
    texts = {f"key_{number}": "text" for number in range(10)}
    assert made.redacted(texts) == (texts, None)
    slow_at_first = Redactor("platform", lambda text: time.sleep(0.3) or text)
    assert FIRST_LIMIT_SECONDS > 0.3 > LIMIT_SECONDS
    assert slow_at_first.redacted(HELLO) == (HELLO, None)
    assert slow_at_first.redacted(HELLO) == ({}, TOO_SLOW)


def test_it_runs_in_a_thread_of_its_own():
    threads: set[int] = set()
    redactor(lambda text: threads.add(threading.get_ident()) or text).redacted(HELLO)
    assert threading.get_ident() not in threads


@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")  # it has threads: that is what this is about
@pytest.mark.skipif(not hasattr(os, "fork"), reason="forks")
def test_a_forked_child_does_not_wait_for_what_hangs_in_its_parent():
    with hanging() as redact:
        made = redactor(redact)
        assert made.redacted({"input.value": "hang"}) == ({}, TOO_SLOW)
        child = os.fork()
        if child == 0:
            os._exit(0 if made.redacted(HELLO) == (HELLO, None) else 1)
        assert os.waitpid(child, 0)[1] == 0


def test_the_name_of_a_function_is_one():
    assert Redactor("platform", "textwrap:dedent").redacted({"input.value": "  a"}) == ({"input.value": "a"}, None)


@pytest.mark.parametrize("name", ["textwrap:nothing", "no_such_module:f", "textwrap:__doc__"])
def test_a_name_that_stands_for_no_function_is_told(name):
    with pytest.raises(ConfigurationError, match="redact of platform"):
        Redactor("platform", name)
