"""The ledger as a program reads it."""

import hashlib
import hmac
import threading
from contextlib import closing
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

import spancast
from spancast.attribution import rules
from spancast.attribution.rules import Rules
from spancast.bookkeeping import upkeep
from spancast.bookkeeping.book import Book
from spancast.bookkeeping.rollups import DAY
from spancast.delivery.journal.journal import Journal
from spancast.errors import ConfigurationError, SpancastError
from tests.bookkeeping.records import call, output
from tests.support.features import Feature

DAY_1 = 20_700
SECOND = 10**9


@pytest.fixture
def home(tmp_path):
    journal = Journal(tmp_path)
    for user, cost, day in (("u_1", "0.00042", 0), ("u_2", "1.5", 0), ("u_1", "0.00008", 1)):
        started = (DAY_1 + day) * DAY
        journal.append(call(user=user, cost=Decimal(cost), started_at=started, duration=2 * SECOND, tags={"f": user}))
    journal.close()
    return tmp_path


def test_who_spent_what(home):
    with spancast.ledger(home) as ledger:
        report = ledger.costs(by=["user"])
        assert [(row.group["user"], row.calls, row.cost) for row in report] == [
            ("u_2", 1, Decimal("1.5")),
            ("u_1", 2, Decimal("0.0005")),
        ]
        assert (len(report), report.total.cost) == (2, Decimal("1.5005"))
        first = ledger.costs(by=["user"], top=1)
        assert (first.rows, first.total) == (report.rows[:1], report.total)


def test_any_filter_and_any_dimension(home):
    second = datetime.fromtimestamp((DAY_1 + 1) * DAY // SECOND, UTC)
    with spancast.ledger(str(home)) as ledger:
        assert [row.group for row in ledger.costs(by=["day", "tag:f"], since=second)] == [
            {"day": second.date().isoformat(), "tag:f": "u_1"}
        ]
        assert [row.user for row in ledger.calls(until=second.replace(tzinfo=None))] == ["u_1", "u_2"]
        assert [row.user for row in ledger.calls(limit=1)] == ["u_1"]
        (row,) = ledger.latency()
        assert row.calls == 3
        assert row.p50 == pytest.approx(2 * SECOND, rel=0.022)


def test_it_sees_what_was_written_since(home):
    with spancast.ledger(home) as ledger:
        assert ledger.costs().total.calls == 3
        journal = Journal(home)
        journal.append(call())
        assert ledger.costs().total.calls == 4
        journal.close()


def test_who_asks_keeps_the_file_open_beside_other_processes(home):
    book = Book(home)  # as a program has it that makes calls
    book.apply("w-1", 1, [call()])
    with spancast.ledger(home) as ledger:
        assert ledger.costs().total.calls == 4
    elsewhere = """
import sys, spancast
with spancast.ledger(sys.argv[1]) as ledger:
    print(ledger.costs().total.calls)
"""
    assert output(elsewhere, home) == "4\n"
    book.apply("w-1", 2, [call()])
    assert output(elsewhere, home) == "5\n"
    book.close()
    with closing(Book(home)) as book:
        assert upkeep.check(book) == []


def test_it_may_be_used_from_any_thread(home):
    with spancast.ledger(home) as ledger:
        found = []
        threads = [threading.Thread(target=lambda: found.append(ledger.costs().total.calls)) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert found == [3] * 4


def test_what_is_unknown_is_refused_with_a_cure(home):
    with spancast.ledger(home) as ledger, pytest.raises(ConfigurationError, match="Give any of user, session"):
        ledger.costs(by=["users"])


def test_a_file_that_is_no_ledger_is_an_error_that_says_so(tmp_path):
    (tmp_path / "ledger.db").mkdir()
    with spancast.ledger(tmp_path) as ledger, pytest.raises(SpancastError, match="cannot be used"):
        ledger.costs()


def test_where_nothing_was_written_nothing_was_spent(tmp_path):
    with spancast.ledger(tmp_path) as ledger:
        assert ledger.costs().total.calls == 0
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("written", [True, False], ids=["written", "nothing yet"])
def test_what_is_given_wrongly_is_refused_with_a_cure(home, tmp_path, written):
    with pytest.raises(ConfigurationError, match="Name a directory"):
        spancast.ledger(home / "none")
    (tmp_path / "new").mkdir()
    with spancast.ledger(home if written else tmp_path / "new") as ledger:
        with pytest.raises(ConfigurationError, match=r"Give a list, such as \['user'\]"):
            ledger.costs(by="user")
        for chosen, words in WRONG:
            with pytest.raises(ConfigurationError) as raised:
                ledger.costs(**chosen)
            assert words in str(raised.value)
        with pytest.raises(TypeError, match="'usr'"):
            ledger.costs(usr="u_1")


WRONG = [
    ({"since": 7}, "since cannot be 7. Give a datetime.datetime, a datetime.date, or text. Write 30m, 24h"),
    ({"until": "ever"}, "until cannot be 'ever'. Give a datetime.datetime"),
    ({"user": ""}, "user cannot be ''. It is empty."),
    ({"outcome": "fine"}, "outcome cannot be 'fine'. Give one of completed, error"),
    ({"tags": "f"}, "tags cannot be 'f'. Give a mapping"),
    ({"tags": {"f": ""}}, "tags['f'] cannot be ''."),
    ({"key": "web"}, "key cannot be 'web'. Give the key's SHA-256"),
    ({"key": "sk-or-v1-" + "0" * 64}, "key cannot be the key itself. Give"),
    ({"since": "today", "until": "yesterday"}, "since ("),
    ({"by": {"user"}}, "by cannot be {'user'}. Give a list, such as ['user']."),
    ({"by": [1]}, "by cannot be 1. Give any of user"),
    ({"by": None}, "by cannot be None. Give a list"),
]


@pytest.mark.parametrize("home", [5, "nowhere"])
def test_a_home_that_cannot_be_is_refused_with_a_cure(home):
    with pytest.raises(ConfigurationError, match=f"home cannot be {home!r}. Name a directory"):
        spancast.ledger(home)


def test_a_user_is_meant_by_name_where_the_settings_have_pseudonyms_written(tmp_path, monkeypatch):
    pseudonym = hmac.new(b"a key", b"u_42", hashlib.sha256).hexdigest()
    write(tmp_path, call(user=pseudonym), call(user="another"))
    monkeypatch.setenv("SPANCAST_USER_HASH", "hmac:a key")
    with spancast.ledger(tmp_path) as ledger:
        assert [ledger.costs(user=user).total.calls for user in ("u_42", pseudonym, "u_43")] == [1, 1, 0]


def test_a_user_is_meant_by_name_where_this_program_has_pseudonyms_written(tmp_path, monkeypatch):
    monkeypatch.setattr(rules, "_current", Rules(hash_key=b"a key"))
    write(tmp_path, call(user=str(rules.pseudonym("u_42", b"a key"))))
    with spancast.ledger(tmp_path) as ledger:
        assert [row.user for row in ledger.calls(user="u_42")] == [rules.pseudonym("u_42", b"a key")]


def test_who_and_what_is_meant_is_said_as_to_attribute(tmp_path):
    write(tmp_path, call(user="42", session="search", tags={"f": "search"}), call(user="\N{SNOWMAN}" * 512))
    with spancast.ledger(tmp_path) as ledger:
        found = ledger.costs(user=42, session=Feature.SEARCH, tags={"f": Feature.SEARCH}, app=None)
        assert (found.total.calls, ledger.costs(user="\N{SNOWMAN}" * 600).total.calls) == (1, 1)


def test_a_key_is_meant_by_its_beginning_or_its_name(tmp_path, monkeypatch):
    keys = ["ab12" + "0" * 60, "ab34" + "0" * 60, "cd56" + "0" * 60]
    write(tmp_path, *(call(user=key[:4], key_hash=key) for key in keys))
    monkeypatch.setenv("SPANCAST_KEYS", f"web={keys[2]}")
    with spancast.ledger(tmp_path) as ledger:
        found = [[row.user for row in ledger.calls(key=key)] for key in (keys[0], "ab1", "web", "ef")]
        assert found == [["ab12"], ["ab12"], ["cd56"], []]
        with pytest.raises(ConfigurationError, match=f"The key ab may be any of {keys[0]}, {keys[1]}. Write more"):
            ledger.costs(key="ab")


def test_times_are_said_as_on_the_command_line_or_as_python_has_them(tmp_path):
    now = datetime.now(UTC)
    times = {"old": now - timedelta(days=3), "new": now - timedelta(minutes=5)}
    write(tmp_path, *(call(user=user, started_at=int(at.timestamp()) * SECOND) for user, at in times.items()))
    day = (now - timedelta(days=2)).date()
    with spancast.ledger(tmp_path) as ledger:
        for since in ("24h", day.isoformat(), day, now - timedelta(days=2)):
            assert [row.user for row in ledger.calls(since=since)] == ["new"]
            assert [row.user for row in ledger.calls(until=since)] == ["old"]


def write(home, *calls):
    journal = Journal(home)
    for each in calls:
        journal.append(each)
    journal.close()
