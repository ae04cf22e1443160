import json
import os
import sys
import time
from contextlib import closing
from importlib.metadata import PackageNotFoundError, version

import pytest

from spancast.bookkeeping.book import Book
from spancast.bookkeeping.late_costs.lookups import Lookups
from spancast.cli import doctor
from tests.bookkeeping.records import call
from tests.sdks.table import SDKS


def late_costs(spancast):
    findings = json.loads(spancast("doctor", "--json")[1])
    return [(finding["state"], finding["seen"]) for finding in findings if finding["what"] == "late costs"]


def book_a_cut_call(home):
    with closing(Book(home)) as book:
        book.apply("w-1.seg", 1, [call(outcome="closed", generation_id="gen-1", started_at=time.time_ns() - 10**10)])


def test_costs_that_could_be_asked_for_are_told_with_the_cure(home, spancast):
    book_a_cut_call(home)
    ((state, seen),) = late_costs(spancast)
    assert (state, seen) == (
        "note",
        "1 call of the last week without one. Set SPANCAST_BACKFILL_KEY to ask OpenRouter for them.",
    )


def test_costs_that_were_asked_for_in_vain_are_counted(home, spancast, monkeypatch):
    monkeypatch.setenv("SPANCAST_BACKFILL_KEY", "sk-or-v1-canary")
    book_a_cut_call(home)
    with closing(Book(home)) as book:
        lookups = Lookups(book, "key")
        lookups.given_up(lookups.due(1)[0], "not found")
    assert late_costs(spancast) == [("ok", "0 are asked for; 1 given up: not found")]
    assert "canary" not in spancast("doctor", "--json")[1]


def findings(spancast, *arguments):
    found = json.loads(spancast("doctor", "--json", *arguments)[1])
    return {finding["what"]: (finding["state"], finding["seen"]) for finding in found}


def test_another_home_can_be_looked_at(home, spancast, tmp_path):
    book_a_cut_call(tmp_path / "other")
    assert findings(spancast)["ledger"][0] == "note"
    found = findings(spancast, "--home", tmp_path / "other")
    assert found["home"] == ("ok", str(tmp_path / "other"))
    assert found["ledger"] == ("ok", "1 call booked")


def test_every_client_is_listed_and_of_what_is_built_on_them_what_is_installed(home, spancast):
    found = findings(spancast)
    assert {"httpx", "httpx2", "aiohttp", "niquests", "urllib3", "requests", "openai", "openrouter"} <= set(found)
    listed = {name: seen for name, (_, seen) in found.items() if name in CHECKED}
    assert set(listed) == {name for name in CHECKED if installed(name)}
    for name, seen in listed.items():
        assert seen == f"{version(name)}, seen through the client it uses"


CHECKED = {sdk.distribution for sdk in SDKS}


def test_what_is_listed_is_what_the_page_of_the_clients_lists():
    assert set(doctor._ON_THEM) == CHECKED


def installed(name):
    try:
        return bool(version(name))
    except PackageNotFoundError:
        return False


def test_a_destination_that_cannot_be_is_told_with_the_setting_that_names_it(home, spancast, monkeypatch):
    monkeypatch.setenv("SPANCAST_DESTINATIONS", "nonesuch")
    state, seen = findings(spancast)["destination nonesuch"]
    assert state == "wrong"
    assert seen.startswith("No exporter is called 'nonesuch', which SPANCAST_DESTINATIONS names. Known: ")


def test_a_host_with_a_key_in_its_query_is_told_without_it(home, spancast, monkeypatch):
    monkeypatch.setenv("SPANCAST_HOSTS", "https://gw/llm?api_key=hunter2")
    (state, seen) = findings(spancast)["settings"]
    assert (state, "hunter2" in seen) == ("wrong", False)
    assert seen.startswith("SPANCAST_HOSTS has a host with a query or a fragment")


def test_where_every_cost_is_known_there_is_nothing_to_tell(home, spancast):
    with closing(Book(home)) as book:
        book.apply("w-1.seg", 1, [call()])
    assert late_costs(spancast) == []


def test_a_folder_in_place_of_the_ledger_is_one_line_with_the_cure(home, spancast):
    (home / "ledger.db").mkdir(parents=True)
    status, printed, complaint = spancast("doctor")
    (line,) = [line for line in printed.splitlines() if "ledger" in line]
    assert (status, complaint) == (1, "")
    assert line.startswith("WRONG  ledger")
    assert "Is a directory" in line
    assert "Move it away, or name another directory with --home" in line
    assert [path.name for path in home.iterdir()] == ["ledger.db"]


def test_a_folder_in_place_of_the_outbox_is_told_too(home, spancast):
    (home / "outbox.db").mkdir(parents=True)
    state, seen = findings(spancast)["outbox"]
    assert state == "wrong"
    assert seen.startswith(f"{home / 'outbox.db'} cannot be used: ")
    assert "Move it away" in seen


def test_what_is_no_ledger_is_told_and_left_as_it_is(home, spancast):
    home.mkdir()
    (home / "ledger.db").write_bytes(b"dear diary")
    status, printed, _ = spancast("doctor")
    assert status == 1
    assert "is no ledger: it begins with b'dear diary'" in printed
    assert [path.name for path in home.iterdir()] == ["ledger.db"]


@pytest.mark.skipif(sys.platform == "win32", reason="modes are POSIX's")
@pytest.mark.parametrize("mode", [0o777, 0o1777, 0o770])
def test_a_home_that_others_can_write_to_is_told_with_the_command_that_mends_it(home, spancast, mode):
    home.mkdir()
    home.chmod(mode)
    state, seen = findings(spancast)["home"]
    assert (state, seen.split(". ")[0]) == ("note", f"{home} can be written to by other users")
    assert seen.endswith(f"chmod 700 {home} mends it.")
    home.chmod(0o700)
    assert findings(spancast)["home"] == ("ok", str(home))


@pytest.mark.skipif(sys.platform == "win32", reason="there are no named pipes here")
def test_pipes_in_place_of_our_files_are_told_with_the_cure(home, spancast):
    home.mkdir()
    for name in ("ledger.db", "outbox.db"):
        os.mkfifo(home / name)
    found = findings(spancast)
    for what in ("ledger", "outbox"):
        state, seen = found[what]
        assert state == "wrong"
        assert "It is no regular file" in seen
        assert "Move it away" in seen
