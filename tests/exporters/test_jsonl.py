import errno
import json
import os
import resource
import stat
import subprocess
import sys
from dataclasses import replace
from decimal import Decimal
from multiprocessing.pool import ThreadPool
from pathlib import Path

import pytest

from spancast.contract import Delivered, Retry, Sink
from spancast.destinations import discover
from spancast.destinations.destination import Destination
from spancast.destinations.discover import Unconfigured
from spancast.errors import ConfigurationError
from spancast_exporters.jsonl import Jsonl
from tests.support.delivered import deliver
from tests.support.spans import WORDS, a_trace, of_application, of_call

UNKNOWN = dict.fromkeys(("cost", "cost_source", "upstream_cost", "upstream_input_cost", "upstream_output_cost"))


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch):
    monkeypatch.delenv("SPANCAST_JSONL_PATH", raising=False)


def lines(path):
    return [json.loads(line, parse_float=Decimal) for line in path.read_text("utf-8").split("\n") if line]


@pytest.fixture
def written(tmp_path):
    """Return the line of a span that came through the courier."""

    def write(span):
        path = tmp_path / "calls.jsonl"
        assert deliver(tmp_path, [span], "jsonl", path=str(path)).delivered == 1
        (found,) = lines(path)
        return found

    return write


def test_it_is_a_sink():
    assert isinstance(discover.exporter(Destination("jsonl", path="x")), Sink)


def test_the_variable_says_where_and_a_missing_one_is_named(monkeypatch, tmp_path):
    with pytest.raises(Unconfigured, match=r"SPANCAST_JSONL_PATH.*calls\.jsonl"):
        discover.exporter(Destination("jsonl"))
    monkeypatch.setenv("SPANCAST_JSONL_PATH", str(tmp_path / "x.jsonl"))
    assert discover.exporter(Destination("jsonl")) == Jsonl(path=str(tmp_path / "x.jsonl"))


@pytest.mark.parametrize("path", [" ", "a\0b"])
def test_what_is_no_file_is_refused(path):
    with pytest.raises(ConfigurationError, match="path cannot be"):
        discover.exporter(Destination("jsonl", path=path))


def test_a_trace_is_a_line_a_span(tmp_path):
    path = tmp_path / "made" / "calls.jsonl"
    assert deliver(tmp_path, a_trace(), "jsonl", path=str(path)).delivered == 4
    found = lines(path)
    assert [each["span_id"] for each in found] == [span.span_id for span in a_trace()]
    assert [each["kind"] for each in found] == ["agent", "llm", "tool", "llm"]
    assert (found[2]["error_type"], found[2]["error_message"]) == ("TimeoutError", "no answer")


def test_a_call_says_what_it_was_and_cost_to_the_last_digit(written):
    found = written(of_call())
    assert {
        name: found[name] for name in ("model", "provider", "input_tokens", "cached_tokens", "user", "session")
    } == {
        "model": "openai/gpt-5-mini-2025-08-07",
        "provider": "Azure",
        "input_tokens": 1200,
        "cached_tokens": 1000,
        "user": "u_42",
        "session": "s_7",
    }
    costs = (found["cost_usd"], found["input_cost_usd"], found["output_cost_usd"])
    assert costs == ("0.000106000000000001", "0.0001", "0.000006000000000001")
    assert (found["tags"], found["metadata"]["team"]) == ({"feature": "search"}, "blue")


def test_a_cost_that_is_not_known_is_not_told(written):
    found = written(of_call(**UNKNOWN))
    assert not [name for name in (*found, *found["attributes"]) if "cost" in name]


def test_a_call_for_nothing_costs_nothing(written):
    assert written(of_call(**{**UNKNOWN, "cost": Decimal(0)}))["cost_usd"] == "0"


def test_words_are_there_where_they_are_given(written):
    assert "What is the weather in Paris?" in written(of_call(WORDS))["content"]["gen_ai.input.messages"]


def test_of_what_a_span_has_none_there_is_no_member(written):
    found = written(replace(of_application("work"), attributes={}, tags={}, metadata={}, content={}))
    assert not found.keys() & {"attributes", "tags", "metadata", "content"}


def test_without_words_there_are_none(written):
    assert "content" not in written(of_call())


def test_only_its_owner_reads_it_and_a_file_that_is_there_keeps_its_mode(tmp_path):
    old = tmp_path / "old.jsonl"
    old.touch(0o640)
    old.chmod(0o640)
    for path, mode in ((tmp_path / "new" / "new.jsonl", 0o600), (old, 0o640)):
        assert Jsonl(path=path).write([of_call()]) == Delivered()
        assert stat.S_IMODE(path.stat().st_mode) == mode
    assert stat.S_IMODE((tmp_path / "new").stat().st_mode) == 0o700


def test_several_writers_do_not_mix_their_lines(tmp_path):
    path = tmp_path / "calls.jsonl"
    sent = [of_call(WORDS, span_id=f"{number:016x}") for number in range(1, 81)]
    with ThreadPool(4) as pool:
        assert set(pool.map(lambda span: Jsonl(path=path).write([span]), sent)) == {Delivered()}
    assert {each["span_id"] for each in lines(path)} == {span.span_id for span in sent}


def test_a_line_that_broke_off_spoils_no_other(tmp_path):
    path = tmp_path / "calls.jsonl"
    path.write_bytes(b'{"span_id": "brok')
    assert Jsonl(path=path).write([of_call(), of_call()]) == Delivered()
    first, *others = path.read_text("utf-8").splitlines()
    assert first == '{"span_id": "brok'
    assert [json.loads(each)["span_id"] for each in others] == [of_call().span_id] * 2


def test_what_a_full_disk_does_not_take_waits(tmp_path):
    # A limit of the process's own is met by the system as a full disk is: a short write, and then an error.
    code = (
        "import resource, signal, sys; signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))\n"
        "from spancast_exporters.jsonl import Jsonl\nfrom tests.support.spans import of_call\n"
        "print(Jsonl(path=sys.argv[1]).write([of_call()]))"
    )
    path = tmp_path / "calls.jsonl"
    said = subprocess.run(
        [sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=True, timeout=60
    ).stdout
    assert said.startswith("Retry(reason='OSError: File too large'")
    assert path.stat().st_size == 100
    assert Jsonl(path=path).write([of_call()]) == Delivered()
    assert json.loads(path.read_text("utf-8").splitlines()[-1])["span_id"] == of_call().span_id
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[0] != 100


def test_a_path_that_cannot_be_written_waits(tmp_path):
    standing = deliver(tmp_path, [of_call()], "jsonl", path=str(tmp_path))
    assert (standing.state, standing.waiting) == ("retrying", 1)
    assert Jsonl(path=tmp_path).write([of_call()]) == Retry(f"IsADirectoryError: {os.strerror(errno.EISDIR)}")


def test_hostile_values_stay_within_their_line(written):
    hostile = {"a\nb": "line\nbreak\u2028", "half": "\ud800", "nan": float("nan"), "huge": 10**5000, "deep": deep()}
    found = written(replace(of_application("wo\nrk\ud800"), attributes=hostile))
    assert (found["attributes"]["half"], found["attributes"]["nan"]) == ("?", "NaN")
    assert found["attributes"]["a\nb"] == "line\nbreak\u2028"


def deep():
    value: object = 1
    for _ in range(100_000):
        value = [value]
    return value


def test_a_file_that_can_be_written_is_well_and_stays_as_it_is(tmp_path):
    new, old = tmp_path / "new" / "calls.jsonl", tmp_path / "calls.jsonl"
    old.write_text("{}\n")
    assert [Jsonl(path=path).self_test() for path in (new, old, str(old))] == [None, None, None]
    assert (old.read_text(), list(tmp_path.iterdir())) == ("{}\n", [old])


def test_a_file_that_cannot_be_written_is_told_with_the_cure(tmp_path):
    file = tmp_path / "file"
    file.touch()
    assert "is a folder. Give a file in it; check SPANCAST_JSONL_PATH." in (Jsonl(path=tmp_path).self_test() or "")
    assert f"{file} is not a folder. Check" in (Jsonl(path=file / "calls.jsonl").self_test() or "")


@pytest.mark.skipif(not Path("/proc/self").is_dir(), reason="there is no /proc")
def test_a_folder_in_which_no_file_can_be_created_is_told():
    problem = Jsonl(path="/proc/calls.jsonl").self_test() or ""
    assert problem.startswith("No file can be created in /proc (")
    assert problem.endswith("Check SPANCAST_JSONL_PATH.")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_file_that_is_anothers_is_told(tmp_path):
    tmp_path.chmod(0o500)
    assert f"{tmp_path} is not writable" in (Jsonl(path=tmp_path / "calls.jsonl").self_test() or "")
