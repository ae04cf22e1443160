import importlib.metadata
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from spancast.base.locks import FileLock
from spancast.cli import VERBS
from tests.bookkeeping.records import call, output, python

MAIN = "import sys; from spancast.cli import main; sys.exit(main())"

posix = pytest.mark.skipif(sys.platform == "win32", reason="signals are POSIX's")


def test_without_a_verb_the_table_of_verbs_is_shown(spancast):
    status, printed, _ = spancast()
    assert status == 0
    assert all(verb in printed and row.meaning in printed for verb, row in VERBS.items())


def test_the_version_is_the_installed_one(spancast):
    assert spancast("--version") == (0, f"spancast {importlib.metadata.version('spancast')}\n", "")


@pytest.mark.parametrize(("seen", "cure"), [("cost", "Did you mean 'costs'?"), ("xyz", "The verbs are run, costs")])
def test_an_unknown_verb_is_misuse_and_names_the_cure(spancast, seen, cure):
    status, printed, complaint = spancast(seen)
    assert (status, printed) == (2, "")
    assert f"There is no verb {seen!r}. {cure}" in complaint


def test_a_setting_that_cannot_work_is_misuse(spancast, home, monkeypatch):
    monkeypatch.setenv("SPANCAST_DELIVERY", "pigeon")
    status, _, complaint = spancast("costs")
    assert status == 2
    assert complaint.startswith("spancast: SPANCAST_DELIVERY cannot be 'pigeon'.")


def test_a_verb_imports_no_other(home):
    script = """
import subprocess
import sys
from pathlib import Path
import spancast.cli
verbs = [name for name, verb in spancast.cli.VERBS.items() if verb.module in sys.modules]
print(verbs, "sqlite3" in sys.modules)
"""
    assert output(script) == "[] False\n"


def test_a_ledger_that_is_no_ledger_is_reported_with_the_cure(spancast, home, written):
    written(call())
    (home / "ledger.db").write_bytes(b"no database, but long enough to be looked at" * 100)
    status, _, complaint = spancast("costs")
    assert status == 1
    assert f"{home / 'ledger.db'} is not a ledger" in complaint
    assert complaint.count("\n") == 1


def test_a_ledger_of_a_later_version_is_reported(spancast, home, written):
    written(call())
    spancast("costs")
    connection = sqlite3.connect(home / "ledger.db")
    connection.execute("PRAGMA user_version = 99")
    connection.close()
    status, _, complaint = spancast("costs")
    assert status == 1
    assert "Upgrade spancast" in complaint


@posix
def test_a_reader_that_goes_away_ends_the_command_quietly(home, written):
    written(*(call() for _ in range(5000)))
    with python(f"import sys; sys.argv += ['calls', '--json']; {MAIN}") as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        process.stdout = None
        assert (process.wait(timeout=60), process.stderr.read()) == (0, "")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full here")
@pytest.mark.parametrize("unbuffered", ["", "1"])
@pytest.mark.parametrize("verb", ["costs", "calls", "user u", "ledger check", "ledger path", "tail", "doctor"])
def test_an_output_that_is_full_is_not_taken_for_the_ledger(verb, unbuffered, home, written, monkeypatch):
    monkeypatch.setenv("PYTHONUNBUFFERED", unbuffered)
    written(*(call(user="u") for _ in range(300)))
    with Path("/dev/full").open("w") as full:
        command = [sys.executable, "-m", "spancast", *verb.split()]
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, check=False, timeout=60)
    cannot = "spancast: The standard output cannot be written: No space left on device.\n"
    assert (done.returncode, done.stderr) == (1, cannot)


@posix
def test_an_interrupt_ends_the_command_quietly(home, written):
    written(call())
    script = f"""
import sys, threading
import spancast.cli.support.ledger_access
from spancast.delivery.journal.drainer import Drainer
spancast.cli.support.ledger_access.PATIENCE_SECONDS = 60.0
original = Drainer.drain
def announced(*arguments, **known):
    print("draining", flush=True)
    return original(*arguments, **known)
Drainer.drain = announced
sys.argv += ['costs']
{MAIN}
"""
    with FileLock(home / "drainer.lock"), python(script) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "draining\n"
        process.send_signal(signal.SIGINT)
        printed, complaints = process.communicate(timeout=60)
    assert (process.returncode, printed, complaints) == (130, "", "")


def test_while_another_process_books_the_rest_is_shown(spancast, home, written, monkeypatch):
    monkeypatch.setattr("spancast.cli.support.ledger_access.PATIENCE_SECONDS", 0.0)
    written(call(user="booked"))
    spancast("costs")
    written(call(user="waiting"))
    with FileLock(home / "drainer.lock"):
        status, printed, complaint = spancast("costs")
    assert status == 0
    assert "booked" in printed
    assert complaint == "Another process is still booking; the newest calls may be missing.\n"
