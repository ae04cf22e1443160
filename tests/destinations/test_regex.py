"""What could take long is refused; what is not refused does not."""

import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spancast.destinations.regex import MAX_CHARS, Regex
from spancast.errors import ConfigurationError

BUSY = 0.5
"""Seconds. What is allowed takes ten milliseconds; what is refused, ages of the universe."""


@pytest.mark.parametrize(
    ("pattern", "found", "not_found"),
    [
        ("^openai/.*-mini$", "openai/gpt-5-mini", "openai/gpt-5"),
        ("(?i)CLAUDE", "anthropic/claude-haiku-4.5", "openai/gpt-5"),
        (r"gpt-\d+(?:\.\d+)?", "openai/gpt-4.1", "openai/o3"),
        ("^(openai|anthropic|google)/", "google/gemini", "x-ai/grok"),
        (r"[a-z]+/[a-z0-9.-]+:free", "a/b-1:free", "a/b-1"),
        (r"(a)\1", "xaay", "aba"),
        (r"(a)?(?(1)b|c)", "ab", "xyz"),
        ("(?>a+)b", "aab", "aac"),
        (r"x{2}y{3,5}", "xxyyyy", "xyyy"),
        (r"(?<=s_)7(?!\d)", "s_7", "s_77"),
        ("(?:gpt|claude|gemini){1,2}x", "gptclaudex", "gpt"),
    ],
)
def test_an_expression_is_looked_for_anywhere(pattern, found, not_found):
    regex = Regex.of("value", pattern)
    assert regex.matches(found)
    assert not regex.matches(not_found)


@pytest.mark.parametrize(
    "pattern",
    [
        "(a+)+$",
        "(a*)*b",
        "(a|a)*$",
        "(?:ab|ab|a)*c",
        "(?i)(?:ab|AB)*c",
        "(a{1,20}){1,20}b",
        "a?" * 30 + "a" * 30,
        "(ab|a)(bc|c)" * 20 + "$",
        ".*.*.*.*=",
        "(?m)^.*.*.*=",
        r"(\w+\s?)*$",
        "((a{1,65535}){65535}){65535}",
    ],
)
def test_an_expression_that_a_text_could_keep_busy_is_refused(pattern):
    with pytest.raises(ConfigurationError, match="Some texts would take it too long"):
        Regex.of("value", pattern)


@pytest.mark.parametrize(
    ("pattern", "words"),
    [
        ("(", "It is not a valid regular expression: missing \\)"),
        ("a" * 257, "at most 256 characters"),
        ("", "at most 256 characters"),
        (7, "at most 256 characters"),
        (None, "at most 256 characters"),
        ("(" * 200 + ")" * 200, "at most 256 characters"),
        (r"\p{L}", "It is not a valid regular expression"),
    ],
)
def test_what_is_no_expression_is_refused(pattern, words):
    with pytest.raises(ConfigurationError, match=words):
        Regex.of("value", pattern)


def test_only_the_beginning_of_a_text_is_looked_at():
    regex = Regex.of("value", "b")
    assert regex.matches("a" * (MAX_CHARS - 1) + "b")
    assert not regex.matches("a" * MAX_CHARS + "b")


PIECES = st.sampled_from(
    [
        "a",
        "b",
        ".",
        "[ab]",
        "a*",
        "a+",
        "a?",
        ".*",
        "(a|b)",
        "(a|ab)",
        "(ab|ac)*",
        "(a+)?",
        "(a*)+",
        "a{2,5}",
        r"\1",
        "$",
    ]
)


@given(st.lists(PIECES, min_size=1, max_size=12).map("".join), st.booleans())
def test_whatever_is_not_refused_is_quick_on_texts_that_are_made_to_keep_it_busy(pattern, anchored):
    try:
        regex = Regex.of("value", f"^{pattern}c" if anchored else f"{pattern}c")
    except ConfigurationError:
        return
    began = time.thread_time()
    for text in ("a" * MAX_CHARS, "ab" * MAX_CHARS, "a" * 30 + "b", "aab" * MAX_CHARS):
        assert regex.matches(text) is (re.search(regex.pattern, text[:MAX_CHARS]) is not None)
    assert time.thread_time() - began < BUSY
