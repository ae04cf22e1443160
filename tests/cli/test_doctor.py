import json
import os
import sys
import time
from contextlib import closing
from importlib.metadata import PackageNotFoundError, version

import pytest

from spancast.bookkeeping.book import Book
from spancast.bookkeeping.late_costs.ledger_queue import LedgerQueue
from spancast.cli import doctor
from tests.bookkeeping.records import call
from tests.sdks.table import SDKS
from tests.support.calls import a_call
from tests.support.platform import Platform, answer


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
        "1 call of the last week without one. Set SPANCAST_BACKFILL_KEY to look them up at OpenRouter.",
    )


def test_costs_that_were_asked_for_in_vain_are_counted(home, spancast, monkeypatch):
    monkeypatch.setenv("SPANCAST_BACKFILL_KEY", "sk-or-v1-canary")
    book_a_cut_call(home)
    with closing(Book(home)) as book:
        queue = LedgerQueue(book, "key")
        queue.give_up(queue.due(1)[0], "not found")
    assert late_costs(spancast) == [("ok", "0 are being looked up; 1 given up: not found")]
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
        assert seen == f"{version(name)}, recorded through the client it uses"


CHECKED = {sdk.distribution for sdk in SDKS}


def test_what_is_listed_is_what_the_page_of_the_clients_lists():
    assert set(doctor._LIBRARIES) == CHECKED


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
    assert "is not a ledger: it begins with b'dear diary'" in printed
    assert [path.name for path in home.iterdir()] == ["ledger.db"]


@pytest.mark.skipif(sys.platform == "win32", reason="modes are POSIX's")
@pytest.mark.parametrize("mode", [0o777, 0o1777, 0o770])
def test_a_home_that_others_can_write_to_is_told_with_the_command_that_mends_it(home, spancast, mode):
    home.mkdir()
    home.chmod(mode)
    state, seen = findings(spancast)["home"]
    assert (state, seen.split(". ")[0]) == ("note", f"{home} is writable by other users")
    assert seen.endswith(f"chmod 700 {home} fixes it.")
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
        assert "It is not a regular file" in seen
        assert "Move it away" in seen


def test_a_destination_that_refuses_the_credential_is_told_with_the_reason_and_the_cure(
    home, spancast, written, monkeypatch
):
    written(a_call(destinations=("otlp",)))
    monkeypatch.setenv("SPANCAST_DESTINATIONS", "otlp")
    with Platform(answer(401)).open() as platform:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", platform.url)
        spancast("deliver")
    status, printed, _ = spancast("doctor", "--json")
    (seen,) = [each for each in json.loads(printed) if each["what"] == "destination otlp"]
    assert (status, seen["state"]) == (1, "wrong")
    assert seen["seen"].startswith("parked, 1 waiting: ")
    assert "401" in seen["seen"]
    assert "`spancast check otlp` tests it." in seen["seen"]


def test_a_destination_that_cannot_be_reached_is_told_until_it_can(home, spancast, written, monkeypatch):
    written(a_call(destinations=("otlp",)))
    monkeypatch.setenv("SPANCAST_DESTINATIONS", "otlp")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1")
    spancast("deliver", "--timeout", "1")
    state, seen = findings(spancast)["destination otlp"]
    assert state == "wrong"
    assert seen.startswith("retrying, 1 waiting: ")
    assert "refused" in seen
    with Platform().open() as platform:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", platform.url)
        spancast("deliver")
    assert findings(spancast)["destination otlp"] == ("ok", "configured")


def test_calls_that_wait_for_a_destination_that_is_not_configured_are_told(home, spancast, written):
    written(a_call(destinations=("archive",)), a_call(destinations=("archive",)))
    spancast("destinations")
    state, seen = findings(spancast)["destination archive"]
    assert state == "wrong"
    assert seen.startswith("2 waiting for it, and it is not configured here. Name it in SPANCAST_DESTINATIONS")


def test_a_base_url_whose_calls_are_not_recorded_is_told_with_the_cure(home, spancast, monkeypatch):
    monkeypatch.setenv("OPENROUTER_BASE_URL", "http://user:word@gateway:8080/api/v1")
    monkeypatch.setenv("OPENAI_BASE_URL", "https://api.openai.com/v1")
    status, printed, _ = spancast("doctor", "--json")
    found = {each["what"]: each for each in json.loads(printed)}
    assert status == 0
    assert found["base URL"]["state"] == "note"
    assert found["base URL"]["seen"] == (
        "Calls to http://gateway:8080 (OPENROUTER_BASE_URL) are not recorded. "
        "If it passes them on to OpenRouter, set SPANCAST_HOSTS=gateway:8080."
    )
    monkeypatch.setenv("SPANCAST_HOSTS", "gateway:8080")
    assert "base URL" not in findings(spancast)


def test_a_misspelt_variable_is_told(home, spancast, monkeypatch):
    monkeypatch.setenv("SPANCAST_USER_HSH", "hmac:k")
    seen = "SPANCAST_USER_HSH is no setting, and is ignored. Did you mean SPANCAST_USER_HASH?"
    assert findings(spancast)["variable"] == ("wrong", seen)


def test_a_file_that_was_set_aside_is_told_again_with_what_can_be_done(home, spancast):
    home.mkdir()
    (home / "ledger.db.damaged-1").touch()
    state, seen = findings(spancast)["ledger"]
    assert state == "note"
    assert seen.startswith("No call has been booked yet.")
    assert "ledger.db.damaged-1 was damaged, and is kept; `sqlite3 ledger.db.damaged-1 .recover` may recover" in seen
