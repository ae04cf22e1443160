"""What looks like a secret is removed, and to look for it in words that hold none costs next to nothing."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spancast.base.scrub import _NAMED, _SECRETS, REMOVED, may_hold_secrets, names_secret, without_secrets, without_word


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=5), st.from_regex(_SECRETS, fullmatch=True), st.text(max_size=5))
def test_whatever_is_a_secret_is_removed_from_whatever_is_around_it(before: str, secret: str, after: str) -> None:
    assert REMOVED in without_secrets(f"{before} {secret} {after}")


@given(st.text(max_size=40))
def test_a_text_is_changed_only_by_what_is_removed(text: str) -> None:
    assert without_secrets(text) == _SECRETS.sub(REMOVED, text)


def test_a_long_text_takes_time_in_proportion() -> None:
    text = "-eyJaaaaaaaaaa" * 50_000
    assert without_secrets(text) == text


@pytest.mark.parametrize(
    ("word", "text", "kept"),
    [
        ("7", "17 of 7 and id_7: 7.", "17 of [removed] and id_[removed]: [removed]."),
        ("server", "server_error at Server", "server_error at [removed]"),
        ("u_42", "no_u_42 U_42 xu_42 u_421", "no_[removed] [removed] xu_42 u_421"),
        ("ada@example.com", "for ada%40example.com, Ada@Example.com", "for [removed], [removed]"),
        ("josé", r'{"user": "jos\u00e9"} jos%C3%A9 JOSÉ', '{"user": "[removed]"} [removed] [removed]'),
    ],
)
def test_a_word_is_removed_however_it_is_written(word: str, text: str, kept: str) -> None:
    assert without_word(text, word) == kept


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
    ("text", "kept"),
    [
        ('{"password": "correct horse battery"} is wrong', f'{{"{REMOVED} is wrong'),
        ("password = 'correct horse battery' is wrong", f"{REMOVED} is wrong"),
        (r'password: "correct \"horse\" battery" is wrong', f"{REMOVED} is wrong"),
        (r'"{\"password\": \"correct horse\"} is wrong"', rf'"{{\"{REMOVED} is wrong"'),
        ('password="correct horse', f"{REMOVED} horse"),
        ("password: 'tis wrong", f"{REMOVED} wrong"),
        ("passwd=hunter2 is wrong", f"{REMOVED} is wrong"),
        ("secret=hunter2 is wrong", f"{REMOVED} is wrong"),
        ("CLIENTSECRET: hunter2 is wrong", f"{REMOVED} is wrong"),
        ("AWS_SECRET_ACCESS_KEY=wJalrXUtnFEMI/K7MDENG", f"AWS_SECRET_{REMOVED}"),
        ("aws_access_key_id = x, private-key = y", f"aws_access_key_id = x, {REMOVED}"),
        ("Authorization: Basic dXNlcjpodW50ZXIy, then", f"{REMOVED} then"),
        ("{'proxy-authorization': 'Basic dXNlcjpodW50ZXIy'}", f"{{'proxy-{REMOVED}"),
        ("got gsk_0123456789abcdefghijklmnop, wanted none", f"got {REMOVED}, wanted none"),
        ("got xai-0123456789abcdefghijklmnop, wanted none", f"got {REMOVED}, wanted none"),
    ],
)
def test_a_secret_is_removed_whole_and_nothing_else(text: str, kept: str) -> None:
    assert without_secrets(text) == kept


@pytest.mark.parametrize(
    "text",
    [
        "A basic understanding of secret santa",
        "Basic authentication is required",
        "Authorization: Basic authentication is required",
        "no authorization: this is a basic plan",
        "tokens: 5, max_tokens=9, secrets: 2",
        "x-ai/grok-4, xai-grok-4-fast-reasoning-latest",
        "gsk_of_old, the secret of passwords, a key: C minor",
        "primary_key=7 and the access keys: none",
    ],
)
def test_ordinary_words_stay(text: str) -> None:
    assert without_secrets(text) == text


@settings(max_examples=300, deadline=None)
@given(st.from_regex(_SECRETS, fullmatch=True) | st.from_regex(_NAMED, fullmatch=True))
def test_whatever_is_a_secret_or_the_name_of_one_has_a_mark_in_it(written: str) -> None:
    assert may_hold_secrets(written)


@pytest.mark.parametrize(
    "part",
    [
        'token="',
        "token='",
        'token=\\"',
        'token="\\',
        "password: ",
        "authorization: basic ",
        "authorization=\t",
        "gsk_",
        "xai-",
    ],
)
def test_no_text_takes_longer_than_its_length(part: str) -> None:
    # Time that grew with the square of the length would exceed the timeout of a test; a regex counts no steps.
    without_secrets(part * 20_000)


@pytest.mark.parametrize(
    "name", ["api_key", "X-API-Key", "refresh_token", "PASSWORD", "aws_secret_access_key", "secret"]
)
def test_a_name_tells_that_a_secret_follows(name: str) -> None:
    assert names_secret(name)


@pytest.mark.parametrize("name", ["", "tokens", "max_tokens", "keys", "tokenizer", "secretary", "x" * 10_000])
def test_a_name_tells_that_none_does(name: str) -> None:
    assert not names_secret(name)
