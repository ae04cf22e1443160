"""Which calls are meant: the same arguments for every reading verb."""

import hashlib
import hmac
import json

import pytest

from tests.bookkeeping.records import call

ONE = {
    "user": "u",
    "session": "s",
    "request_model": "asked",
    "response_model": "answered",
    "provider": "Azure",
    "operation": "chat",
    "resource": {"service.name": "shop"},
    "key_hash": "ab12",
    "outcome": "error",
    "error_type": "503",
    "tags": {"feature": "search"},
}
OTHER = {
    "user": "v",
    "session": "t",
    "request_model": "asked too",
    "response_model": "answered too",
    "provider": "OpenAI",
    "operation": "embeddings",
    "resource": {"service.name": "mill"},
    "key_hash": "cd34",
    "outcome": "completed",
    "tags": {"feature": "chat"},
}
FILTERS = [
    ("--user", "u"),
    ("--session", "s"),
    ("--model", "answered"),
    ("--model", "asked"),
    ("--requested-model", "asked"),
    ("--requested_model", "asked"),
    ("--provider", "Azure"),
    ("--operation", "chat"),
    ("--app", "shop"),
    ("--key", "ab12"),
    ("--error-type", "503"),
    ("--error_type", "503"),
    ("--outcome", "error"),
    ("--tag", "feature=search"),
]


@pytest.mark.parametrize("asked", FILTERS, ids="=".join)
def test_a_filter_leaves_what_is_asked_for_in_every_verb(spancast, written, asked):
    written(call(**ONE), call(**OTHER))
    (row,) = json.loads(spancast("costs", "--json", *asked)[1])["rows"]
    assert (row["user"], row["calls"]) == ("u", 1)
    assert [json.loads(line)["user"] for line in spancast("calls", "--json", *asked)[1].splitlines()] == ["u"]


def test_a_requested_model_is_not_the_one_that_answered(spancast, written):
    written(call(**ONE))
    assert spancast("costs", "--requested-model", "answered")[1] == "No calls match.\n"


@pytest.mark.parametrize("verb", [["costs", "--user"], ["calls", "--user"], ["user"]])
def test_a_user_whose_pseudonym_is_written_is_found_by_name_and_by_pseudonym(spancast, written, monkeypatch, verb):
    pseudonym = hmac.new(b"a key", "Jürgen".encode(), hashlib.sha256).hexdigest()
    written(call(user=pseudonym), call(user="another"))
    monkeypatch.setenv("SPANCAST_USER_HASH", "hmac:a key")
    for named in ("Jürgen", pseudonym):
        printed = spancast(*verb, named, "--json")[1]
        assert (pseudonym in printed, "another" in printed) == (True, False)
    monkeypatch.delenv("SPANCAST_USER_HASH")
    assert pseudonym not in spancast(*verb, "Jürgen", "--json")[1]


@pytest.mark.parametrize(
    ("since", "until", "found"), [("0001-01-01", "9999-12-31", 1), ("9999-12-30", "9999-12-31", 0)]
)
def test_times_beyond_all_calls_are_no_fault(spancast, written, since, until, found):
    written(call(user="u"))
    status, printed, _ = spancast("costs", "--json", "--since", since, "--until", until)
    assert (status, json.loads(printed)["total"]["calls"]) == (0, found)


@pytest.mark.parametrize("report", ["costs", "calls", "tail"])
def test_times_between_which_no_call_can_be_are_misuse(spancast, written, report):
    written(call(user="u"))
    status, printed, complaint = spancast(report, "--since", "today", "--until", "yesterday")
    assert (status, printed) == (2, "")
    assert "so that no call can match" in complaint


@pytest.mark.parametrize("option", ["--user", "--session", "--model", "--provider", "--app", "--error-type"])
def test_what_the_terminal_could_not_encode_is_looked_for_as_the_ledger_has_it(spancast, written, option):
    written(call(user="?", session="?", request_model="?", provider="?", error_type="?",
                 resource={"service.name": "?"}))  # fmt: skip
    status, printed, _ = spancast("costs", "--json", option, "\udcff")
    assert (status, json.loads(printed)["total"]["calls"]) == (0, 1)


def test_a_value_that_is_empty_is_misuse(spancast, home):
    status, printed, complaint = spancast("costs", "--user", "")
    assert (status, printed) == (2, "")
    assert "'' is empty." in complaint


KEYS = ["ab12" + "0" * 60, "ab34" + "0" * 60, "cd56" + "0" * 60]


@pytest.fixture
def of_keys(written):
    written(*(call(user=key[:4], key_hash=key, duration=5) for key in KEYS))


@pytest.mark.parametrize("given", ["ab1", f"{KEYS[0][:23]}\N{HORIZONTAL ELLIPSIS}", KEYS[0]])
def test_a_key_is_meant_by_as_much_of_its_hash_as_a_table_shows(spancast, of_keys, home, given):
    assert [row["user"] for row in json.loads(spancast("costs", "--json", "--key", given)[1])["rows"]] == ["ab12"]
    assert json.loads(spancast("calls", "--json", "--key", given)[1])["user"] == "ab12"
    latency = json.loads(spancast("costs", "--show", "latency", "--by", "key", "--json", "--key", given)[1])
    assert [row["key"] for row in latency["rows"]] == KEYS[:1]
    assert spancast("ledger", "export", "--to", home / "a.csv", "--key", given)[2].startswith("1 call in")


def test_the_beginning_of_several_keys_is_refused_with_what_it_may_be(spancast, of_keys):
    for report in ("costs", "calls", "tail"):
        status, printed, complaint = spancast(report, "--key", "ab")
        assert (status, printed) == (2, "")
        assert complaint == f"spancast: The key ab may be any of {KEYS[0]}, {KEYS[1]}. Write more of it.\n"


def test_a_key_is_meant_by_its_name_in_the_settings(spancast, of_keys, monkeypatch):
    monkeypatch.setenv("SPANCAST_KEYS", f"web={KEYS[2]}")
    assert [row["user"] for row in json.loads(spancast("costs", "--json", "--key", "web")[1])["rows"]] == ["cd56"]


def test_the_hash_of_a_key_may_be_in_capitals(spancast, of_keys):
    for given in (KEYS[0].upper(), "AB1"):
        assert [row["user"] for row in json.loads(spancast("costs", "--json", "--key", given)[1])["rows"]] == ["ab12"]


@pytest.mark.parametrize("report", ["costs", "calls", "tail"])
def test_what_is_no_key_is_refused_and_a_secret_is_not_repeated(spancast, of_keys, monkeypatch, report):
    status, printed, complaint = spancast(report, "--key", "web")
    assert (status, printed) == (2, "")
    assert complaint.startswith("spancast: key cannot be 'web'. Give the key's SHA-256")
    monkeypatch.setenv("SPANCAST_KEYS", f"batch={KEYS[2]}")
    assert "a name of the setting keys (batch)" in spancast(report, "--key", "web")[2]
    status, printed, complaint = spancast(report, "--key", "sk-or-v1-" + "0" * 64)
    assert (status, printed, "key cannot be the key itself" in complaint) == (2, "", True)
    assert "sk-or" not in complaint


def test_a_key_that_nobody_used_has_no_calls(spancast, of_keys):
    assert spancast("costs", "--key", "ef") == (0, "No calls match.\n", "")
