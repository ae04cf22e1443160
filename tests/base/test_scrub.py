"""What looks like a secret is removed, and to look for it in words that hold none costs next to nothing."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spancast.base.scrub import _SECRETS, REMOVED, names_secret, without_secrets


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=5), st.from_regex(_SECRETS, fullmatch=True), st.text(max_size=5))
def test_whatever_is_a_secret_is_removed_from_whatever_is_around_it(before: str, secret: str, after: str) -> None:
    assert REMOVED in without_secrets(f"{before} {secret} {after}")


@given(st.text(max_size=40))
def test_a_text_is_changed_only_by_what_is_removed(text: str) -> None:
    assert without_secrets(text) == _SECRETS.sub(REMOVED, text)


def test_secrets_that_are_known_are_removed_the_longest_first() -> None:
    assert without_secrets("a horse-battery-staple", ["horse", "horse-battery"]) == f"a {REMOVED}-staple"


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("OPENROUTER_API_KEY=abc def", f"OPENROUTER_{REMOVED} def"),
        ("Authorization: Bearer abc, then", f"Authorization: {REMOVED} then"),
        ('{"access_token": "abc", "x": 1}', f'{{"access_{REMOVED} "x": 1}}'),
        ("Token:\n\nThe next line", "Token:\n\nThe next line"),
        ("-----BEGIN PRIVATE KEY-----\\nMIIE\\n-----END", f"-----BEGIN {REMOVED}-----END"),
    ],
)
def test_what_stands_beside_a_secret_stays(text: str, kept: str) -> None:
    assert without_secrets(text) == kept


@pytest.mark.parametrize(
    "name", ["api_key", "X-API-Key", "refresh_token", "PASSWORD", "aws_secret_access_key", "secret"]
)
def test_a_name_tells_that_a_secret_follows(name: str) -> None:
    assert names_secret(name)


@pytest.mark.parametrize("name", ["", "tokens", "max_tokens", "keys", "tokenizer", "secretary", "x" * 10_000])
def test_a_name_tells_that_none_does(name: str) -> None:
    assert not names_secret(name)
