import os
import signal
import subprocess
import sys
import time
from contextlib import closing, contextmanager

import pytest

from spancast.base import locks
from spancast.cli import main
from spancast.delivery.journal.journal import Journal
from spancast.delivery.outbox.outbox import Outbox
from tests.support.calls import a_call
from tests.support.generations import NOT_FOUND, OpenRouter, generation
from tests.support.platform import Platform, answer, partially
from tests.support.waiting import eventually

PATIENCE_SECONDS = 20.0
DAMAGED = b"SQLite format 3\0" + bytes(range(256)) * 50
"""What begins as a database does, and is none."""


@pytest.fixture
def platform():
    with Platform().open() as opened:
        yield opened


@pytest.fixture
def record(tmp_path):
    """Record calls as an application does; return their span ids."""
    with closing(Journal(tmp_path)) as journal:

        def put(count: int = 1, **facts) -> list[str]:
            calls = [a_call(**{"destinations": ("otlp",), **facts}) for _ in range(count)]
            for call in calls:
                journal.append(call)
            return [call.span_id for call in calls]

        yield put


@pytest.fixture
def deliver(tmp_path, monkeypatch, capsys):
    """Run the verb; return its exit status and what it said."""
    monkeypatch.setenv("SPANCAST_HOME", str(tmp_path))
    monkeypatch.setenv("SPANCAST_DESTINATIONS", "otlp")

    def run(*arguments: str) -> tuple[int, str, str]:
        status = main(["deliver", *arguments])
        said = capsys.readouterr()
        return status, said.out, said.err

    return run


def standing(home, name: str = "otlp"):
    with closing(Outbox(home)) as outbox:
        return next(standing for standing in outbox.standings() if standing.name == name)


def test_what_waits_in_the_journal_is_sent(record, deliver, platform, monkeypatch):
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", platform.url)
    ids = record(3)
    assert deliver()[0] == 0
    assert platform.taken == dict.fromkeys(ids, 1)


def test_the_home_can_be_given(record, deliver, platform, monkeypatch, tmp_path):
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", platform.url)
    monkeypatch.setenv("SPANCAST_HOME", str(tmp_path / "elsewhere"))
    record()
    assert deliver("--home", str(tmp_path))[0] == 0
    assert len(platform.taken) == 1


def test_nothing_to_send_is_no_failure_and_makes_nothing(deliver, tmp_path):
    assert deliver("--home", str(tmp_path / "absent"))[0] == 0
    assert not (tmp_path / "absent").exists()


def test_more_than_one_batch_is_sent(record, deliver, platform, monkeypatch):
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", platform.url)
    record(600)
    assert deliver()[0] == 0
    assert len(platform.taken) == 600


def test_what_a_platform_does_not_take_in_time_is_left_waiting_and_told(record, deliver, platform, monkeypatch):
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", platform.url)
    platform.answers = [answer(503)]
    record()
    status, said, _ = deliver("--timeout", "0.3")
    assert (status, "HTTP 503" in said) == (1, True)


@pytest.mark.parametrize("verb", ["deliver", "replay otlp --since 1d"])
@pytest.mark.parametrize("wrong", ["nan", "inf", "-1", "1e9", "soon", "-inf"])
def test_a_timeout_that_is_no_time_is_misuse(verb, wrong, capsys):
    with pytest.raises(SystemExit) as stopped:
        main([*verb.split(), f"--timeout={wrong}"])
    assert stopped.value.code == 2
    assert f"'{wrong}' is not a time. Write seconds, from 0 to 86400." in capsys.readouterr().err


def test_it_tries_again_while_there_is_time(record, deliver, platform, monkeypatch):
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", platform.url)
    platform.answers = [answer(503), answer()]
    record()
    assert deliver()[0] == 0


def test_it_does_not_sit_out_a_wait_that_is_longer_than_its_time(record, deliver, platform, monkeypatch):
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", platform.url)
    platform.answers = [answer(429, {"retry-after": "3000"})]
    record()
    began = time.monotonic()
    assert deliver()[0] == 1
    assert time.monotonic() - began < 5


def test_a_refused_credential_is_told(record, deliver, platform, monkeypatch):
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", platform.url)
    platform.answers = [answer(401)]
    record()
    status, said, _ = deliver()
    assert (status, "parked: HTTP 401" in said) == (1, True)


def test_dead_calls_are_nothing_that_could_be_sent(record, deliver, platform, monkeypatch, tmp_path):
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", platform.url)
    platform.answers = [answer(400)]
    record()
    assert deliver()[0] == 0
    assert standing(tmp_path).dead == 1


def test_ambiguous_calls_are_none_either_and_hide_none(record, deliver, platform, monkeypatch, tmp_path):
    monkeypatch.setenv("SPANCAST_DESTINATIONS", "honeycomb")
    monkeypatch.setenv("SPANCAST_DESTINATION_HONEYCOMB_ENDPOINT", platform.url)
    monkeypatch.setenv("HONEYCOMB_API_KEY", "k3y-0123456789")
    *_, bad = record(3, destinations=("honeycomb",))
    platform.answers = [partially(bad), answer(503)]
    assert deliver()[0] == 0
    assert standing(tmp_path, "honeycomb").reasons["ambiguous"] == 3
    record(3, destinations=("honeycomb",))
    assert deliver("--timeout", "0.2")[0] == 1
    assert standing(tmp_path, "honeycomb").waiting == 3


def test_a_destination_that_is_not_configured_here_is_told_and_no_failure(record, deliver, platform, monkeypatch):
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", platform.url)
    record(destinations=("elsewhere",))
    status, _, complaint = deliver()
    assert (status, "1 wait for elsewhere" in complaint) == (0, True)


def test_a_destination_that_cannot_work_stops_no_other(record, deliver, platform, monkeypatch, tmp_path):
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", platform.url)
    monkeypatch.setenv("SPANCAST_DESTINATIONS", "otpl,otlp")
    record(destinations=("otlp", "otpl"))
    status, _, complaint = deliver()
    assert (status, "Did you mean 'otlp'?" in complaint) == (1, True)
    wrong = standing(tmp_path, "otpl")
    assert (standing(tmp_path).delivered, wrong.state, wrong.exporter) == (1, "unconfigured", "otpl")


def test_what_only_waits_for_its_cost_is_no_failure(record, deliver, platform, monkeypatch, tmp_path):
    table = '{exporter = "otlp", endpoint = "%s", late_cost = "hold"}' % platform.url  # noqa: UP031 - TOML has braces
    (tmp_path / "spancast.toml").write_text(f"destinations = [{table}]")
    monkeypatch.delenv("SPANCAST_DESTINATIONS")
    monkeypatch.chdir(tmp_path)
    record(operation="video", response_id="job-1", status="pending", cost=None)
    began = time.monotonic()
    status, said, _ = deliver()
    assert (status, "1 cost expected" in said) == (0, True)
    assert time.monotonic() - began < 10
    assert platform.received == []


def test_a_cost_that_it_asks_for_is_sent_with_the_call(record, deliver, platform, monkeypatch, tmp_path):
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", platform.url)
    monkeypatch.setenv("SPANCAST_BACKFILL_KEY", "sk-or-v1-1")
    with OpenRouter(generation("0.00005")).open() as openrouter:
        monkeypatch.setenv("OPENROUTER_BASE_URL", openrouter.url)
        (span,) = record(outcome="closed", cost=None, generation_id="gen-1", started_at=time.time_ns() - 10**10)
        status, _, _ = deliver()
    assert (status, platform.taken[span]) == (0, 2)
    assert standing(tmp_path).reasons == {"sent again with its cost": 1}


def test_it_does_not_ask_for_longer_than_it_may_take(record, deliver, platform, monkeypatch):
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", platform.url)
    monkeypatch.setenv("SPANCAST_BACKFILL_KEY", "sk-or-v1-1")
    with OpenRouter(NOT_FOUND).open() as openrouter:
        monkeypatch.setenv("OPENROUTER_BASE_URL", openrouter.url)
        record(30, outcome="closed", cost=None, generation_id="gen-1", started_at=time.time_ns() - 10**10)
        began = time.monotonic()
        deliver("--timeout", "4")
        assert time.monotonic() - began < 8
        assert 1 <= len(openrouter.asked) <= 6


def test_a_damaged_outbox_is_set_aside_and_what_comes_is_sent(record, deliver, platform, monkeypatch, tmp_path):
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", platform.url)
    ids = record(2)
    (tmp_path / "outbox.db").write_bytes(DAMAGED)
    assert deliver()[0] == 0
    assert platform.taken == dict.fromkeys(ids, 1)
    assert len([*tmp_path.glob("outbox.db.damaged-*")]) == 1


def test_a_ledger_and_an_outbox_that_are_damaged_are_both_begun_anew(record, deliver, platform, monkeypatch, tmp_path):
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", platform.url)
    ids = record(2)
    for name in ("ledger.db", "outbox.db"):
        (tmp_path / name).write_bytes(DAMAGED)
    assert deliver()[0] == 0
    assert platform.taken == dict.fromkeys(ids, 1)


def test_a_ledger_that_is_none_is_told_with_the_cure(record, deliver, tmp_path):
    record()
    (tmp_path / "ledger.db").write_bytes(b"no database at all")
    status, _, complaint = deliver()
    assert status == 1
    assert f"{tmp_path / 'ledger.db'} is not a ledger" in complaint
    assert "Move it away" in complaint


@pytest.mark.parametrize("name", ["ledger", "outbox"])
def test_a_process_that_stands_still_with_a_file_is_told(name, record, deliver, monkeypatch, tmp_path):
    monkeypatch.setattr(locks, "WAIT_SECONDS", 0.1)
    record()
    with locks.FileLock(tmp_path / f"{name}.lock"):
        status, _, complaint = deliver()
    assert status == 1
    assert complaint == (
        f"spancast: The ledger or the outbox in {tmp_path} cannot be used: {tmp_path / name}.lock has been locked by "
        "another process for 0.1 seconds. Is one suspended? Wait until it is done, or end it, and try again.\n"
    )


def put_in_place(home, name):
    """Put a damaged file where another is in use, as a copy does that was put back and is not whole."""
    for path in home.glob(f"{name}-*"):
        path.unlink()
    (home / "copy").write_bytes(DAMAGED)
    (home / "copy").replace(home / name)


@contextmanager
def deliver_forever(home, platform):
    """Run it, with little patience; give what it says so far. It ends well when it is told to."""
    program = "import sys; from spancast.base import locks; from spancast.cli import main; locks.WAIT_SECONDS = 0.1; "
    command = [sys.executable, "-c", program + "sys.exit(main())", "deliver", "--forever", "--home", str(home)]
    settings = {"SPANCAST_DESTINATIONS": "otlp", "OTEL_EXPORTER_OTLP_ENDPOINT": platform.url}
    with (
        (home / "said").open("wb") as said,
        subprocess.Popen(command, env={**os.environ, **settings}, stderr=said) as process,
    ):
        try:
            yield process, (home / "said").read_text
            process.send_signal(signal.SIGTERM)
            assert process.wait(PATIENCE_SECONDS) == 0, (home / "said").read_text()
        finally:
            process.kill()


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGTERM here")
def test_forever_outlasts_a_process_that_stands_still_with_the_ledger(record, platform, tmp_path):
    with deliver_forever(tmp_path, platform) as (process, said):
        first = record()
        eventually(lambda: set(first) <= set(platform.taken), by=process)
        with locks.FileLock(tmp_path / "ledger.lock"):
            second = record()
            eventually(lambda: "Records cannot be moved into the ledger" in said(), by=process, telling=said)
        eventually(lambda: set(second) <= set(platform.taken), by=process, telling=said)
    assert standing(tmp_path).waiting == 0


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGTERM here")
def test_forever_outlasts_a_file_that_is_damaged(record, platform, tmp_path):
    (tmp_path / "outbox.db").write_bytes(DAMAGED)
    with deliver_forever(tmp_path, platform) as (process, said):
        first = record()
        eventually(lambda: set(first) <= set(platform.taken), by=process, telling=said)
        put_in_place(tmp_path, "ledger.db")
        second = record()
        eventually(lambda: set(second) <= set(platform.taken), by=process, telling=said)
        assert "Traceback" not in said()
    assert len([*tmp_path.glob("*.db.damaged-*[0-9]")]) == 2


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGTERM here")
def test_forever_ends_when_told_also_where_nothing_can_be_moved(record, platform, tmp_path):
    with deliver_forever(tmp_path, platform) as (process, said):
        first = record()
        eventually(lambda: set(first) <= set(platform.taken), by=process)
        held = locks.FileLock(tmp_path / "ledger.lock")
        assert held.acquire(PATIENCE_SECONDS)
        record()
        eventually(lambda: "Records cannot be moved into the ledger" in said(), by=process, telling=said)
    held.release()


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGTERM here")
def test_forever_sends_what_comes_and_ends_when_told(record, platform, tmp_path):
    command = [sys.executable, "-m", "spancast", "deliver", "--forever", "--home", str(tmp_path)]
    settings = {"SPANCAST_DESTINATIONS": "otlp", "OTEL_EXPORTER_OTLP_ENDPOINT": platform.url}
    with subprocess.Popen(command, env={**os.environ, **settings}, stdout=subprocess.PIPE) as process:
        try:
            for _ in range(2):
                ids = record(2)
                eventually(lambda ids=ids: set(ids) <= set(platform.taken), by=process)
            process.send_signal(signal.SIGTERM)
            assert process.wait(PATIENCE_SECONDS) == 0
        finally:
            process.kill()
    assert standing(tmp_path).waiting == 0
