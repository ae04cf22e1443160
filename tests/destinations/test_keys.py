import os
import subprocess

import pytest

from spancast.capture.failure import key_hash
from spancast.destinations import keys
from spancast.destinations.destination import Destination
from spancast.errors import ConfigurationError

KEY = "sk-or-v1-0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
HASH = key_hash({"x-api-key": KEY}) or ""


def test_the_hash_is_that_of_the_call():
    assert keys.parse_hash("keys", f" {HASH.upper()}\n") == HASH


@pytest.mark.parametrize(
    ("written", "found"),
    [
        ({"web": HASH}, {"web": HASH}),
        (f"web={HASH.upper()}, batch = {'0' * 64},", {"web": HASH, "batch": "0" * 64}),
        ({}, {}),
    ],
)
def test_names_are_given_by_a_table_or_a_text(written, found):
    assert keys.parse_names("keys", written) == found


@pytest.mark.parametrize("written", [["web", HASH], ("web", HASH), {"web", HASH}, f"web,{HASH}"])
def test_keys_are_chosen_by_name_or_by_hash(written):
    assert set(keys.parse_keys("keys", written)) == {"web", HASH}


@pytest.mark.parametrize(
    "secret",
    [
        KEY,
        KEY.upper(),
        "sk-proj-AbCdEfGh12345678",
        "sk_live_AbCdEfGh12345678",
        f"Bearer {KEY}",
        "AbCdEfGh0123456789AbCdEfGh0123456789AbCd",
        HASH[:-1],
        HASH + "0",
    ],
)
@pytest.mark.parametrize(
    "give",
    [
        lambda secret: Destination("otlp", keys=[secret]),
        lambda secret: Destination("otlp", keys=secret),
        lambda secret: keys.parse_names("keys", {"web": secret}),
        lambda secret: keys.parse_names("keys", {secret: HASH}),
        lambda secret: keys.parse_names("SPANCAST_KEYS", f"web={secret}"),
    ],
)
def test_a_key_itself_is_refused_without_being_shown_and_the_cure_is(give, secret):
    with pytest.raises(ConfigurationError) as raised:
        give(secret)
    assert keys.HASH_COMMAND in str(raised.value)
    assert secret[7:20] not in str(raised.value)


@pytest.mark.parametrize("secret", ["k7fq2mzx9w", "abcd-1234-efgh", "AbCdEfGh", "hunter2hunter"])
@pytest.mark.parametrize(
    "give",
    [
        lambda secret: keys.parse_names("SPANCAST_KEYS", f"web={secret}"),
        lambda secret: keys.parse_names("SPANCAST_KEYS", f"{secret}=web"),
        lambda secret: Destination("otlp", keys=[secret]).with_key_names({"web": HASH}),
    ],
)
def test_nothing_is_shown_of_what_may_be_a_short_key_that_nothing_tells_from_a_name(give, secret):
    with pytest.raises(ConfigurationError) as raised:
        give(secret)
    assert secret[:4] not in str(raised.value)


def test_a_wrong_hash_is_told_by_the_number_where_its_name_cannot_be_shown():
    with pytest.raises(ConfigurationError, match=r"^SPANCAST_KEYS, number 2, cannot be a text of 5 characters"):
        keys.parse_names("SPANCAST_KEYS", f"web={HASH},k7fq2mzx9w=batch")


@pytest.mark.parametrize(
    ("give", "words"),
    [
        (lambda: keys.parse_keys("keys", []), "keys names no key"),
        (lambda: keys.parse_keys("keys", ""), "keys names no key"),
        (lambda: keys.parse_keys("keys", 7), "keys names no key"),
        (lambda: keys.parse_keys("keys", [7]), "keys cannot be a int"),
        (lambda: keys.parse_keys("keys", [""]), "neither the SHA-256 of an API key nor a name"),
        (lambda: keys.parse_names("keys", {"web": 7}), "keys 'web' cannot be a int"),
        (lambda: keys.parse_names("keys", {"web": "batch"}), "keys 'web' cannot be a text of 5 characters"),
        (lambda: keys.parse_names("keys", 7), "keys does not map names to keys"),
    ],
)
def test_what_is_no_key_is_told(give, words):
    with pytest.raises(ConfigurationError) as raised:
        give()
    assert words in str(raised.value)


def test_a_name_without_a_hash_is_told_with_the_names_that_have_one():
    with pytest.raises(ConfigurationError, match="keys of otlp names the key 'wbe', whose hash is unknown"):
        Destination("otlp", keys=["wbe"]).with_key_names({"web": HASH, "b": HASH})


def test_the_command_that_the_cure_gives_prints_the_hash():

    done = subprocess.run(
        keys.HASH_COMMAND,
        shell=True,
        env={**os.environ, "OPENROUTER_API_KEY": KEY},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split()[0] == HASH
