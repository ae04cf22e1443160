"""The page about destinations does what it says: each example is run, and what arrives is looked at."""

import json
import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, fields
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

import spancast
from spancast.destinations import discover
from spancast.destinations.fields import NAMES
from spancast.destinations.filters import OF_NUMBER, OF_TEXT
from spancast.semconv import names
from spancast.settings.resolve import resolve
from spancast.testing import Simulator
from spancast_exporters.console import Console
from spancast_exporters.jsonl import Jsonl
from tests.story.test_policies import said, sent, value, wire
from tests.support.platform import Platform
from tests.test_docs import ROOT, blocks

KEY = "sk-or-v1-simulator"
PAGE = (ROOT / "docs" / "destinations.md").read_text()
_, *SECTIONS = re.split(r"^## ", PAGE, flags=re.MULTILINE)
EXAMPLES = {
    f"{section.splitlines()[0]} {number}".removesuffix(" 0"): program
    for section in SECTIONS
    for number, program in enumerate(blocks(section, "python"))
}
HEAD = blocks(PAGE, "python")[0]


@dataclass
class Arrived:
    """What an example sent to the one platform, and to the other."""

    platform: Platform
    archive: Platform
    told: Callable[[], str]
    """Returns what was written to standard error since it was asked last."""

    @property
    def spans(self) -> list[dict[str, Any]]:
        return [said(span) for span in sent(self.platform)]

    @property
    def archived(self) -> list[dict[str, Any]]:
        return [said(span) for span in sent(self.archive)]


def a_part(arrived: Arrived) -> None:
    sessions = [span[names.SESSION] for span in arrived.spans]
    assert 0 < len(sessions) < 40
    assert all(sessions.count(session) == 2 for session in sessions)


def of_some_kind(arrived: Arrived) -> None:
    assert [span[names.REQUEST_MODEL] for span in arrived.spans] == ["anthropic/claude-haiku-4.5"]
    assert "spancast.tag.feature" not in arrived.spans[0]


def of_a_list(arrived: Arrived) -> None:
    assert [span[names.USER] for span in arrived.spans] == ["u_42"]


def with_some_keys(arrived: Arrived) -> None:
    assert [span[names.KEY_HASH] for span in arrived.spans] == [sha256(KEY.encode()).hexdigest()]
    assert arrived.archived == []


def without_words(arrived: Arrived) -> None:
    (private,), (whole,) = arrived.spans, arrived.archived
    assert "Ada" in whole[names.INPUT_MESSAGES]
    assert set(whole) - set(private) == {names.INPUT_MESSAGES, names.OUTPUT_MESSAGES}


def gone_through(arrived: Arrived) -> None:
    (span,) = arrived.spans
    assert json.loads(span[names.INPUT_MESSAGES])[0]["parts"][0]["content"] == "Write to [address]"
    assert b"ada@example.com" not in wire(arrived.platform)


def with_labels(arrived: Arrived) -> None:
    (span,) = arrived.spans
    assert {key: said for key, said in span.items() if key.startswith("spancast.metadata.")} == {
        "spancast.metadata.team": "search",
        "spancast.metadata.region": "eu",
        "spancast.metadata.order": "o_1",
    }
    (received,) = arrived.platform.received
    assert b"production" in wire(arrived.platform)
    assert received.path == "/v1/traces"


def several(arrived: Arrived) -> None:
    assert len(arrived.spans) == 1


def on_file_and_console(arrived: Arrived) -> None:
    (in_file,), (on_console,) = (shown(form) for form in ("json", "text"))
    assert re.fullmatch(in_file, Path("calls.jsonl").read_text().strip())
    assert re.fullmatch(on_console, arrived.told().strip())


def shown(form: str) -> list[str]:
    """Return as patterns the lines that the page shows, each in a block of its own: broken, and with gaps."""
    joint = {"json": "", "text": " "}[form]
    lines = [joint.join(block.splitlines()) for block in blocks(PAGE, form)]
    return [".+?".join(map(re.escape, line.split("…"))) for line in lines]


def placed(arrived: Arrived) -> None:
    spans = sent(arrived.platform)
    assert [span.name for span in spans] == ["search", "rank", "search", "sum up"]
    assert {span.trace_id.hex() for span in spans} == {sha256(b"run-1").hexdigest()[:32]}
    assert [span.parent_span_id for span in spans] == [b"", spans[0].span_id, b"", spans[2].span_id]
    assert {value(each.value) for span in spans for each in span.attributes if each.key.endswith("trace_name")} == {
        "checkout"
    }
    assert arrived.spans[1]["spancast.metadata.shard"] == "7"


CHECKS: dict[str, Callable[[Arrived], None]] = {
    "A part of the calls": a_part,
    "Calls of some kind": of_some_kind,
    "Calls of some kind 1": of_a_list,
    "Calls made with some keys": with_some_keys,
    "Without words": without_words,
    "With words that were gone through": gone_through,
    "With labels": with_labels,
    "Several of one kind": several,
    "A file, or the console": on_file_and_console,
    "What a request says of its place": placed,
}


@pytest.fixture
def arrived(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Arrived]:
    monkeypatch.chdir(tmp_path)
    with ExitStack() as stack:
        openrouter = stack.enter_context(Simulator(seed=9))
        platform, archive = (stack.enter_context(Platform().open()) for _ in range(2))
        found = Arrived(platform, archive, lambda: capsys.readouterr().err)
        stack.callback(spancast.stop, 0.0)
        for variable, said_by in {
            "SPANCAST_HOME": str(tmp_path / "home"),
            "SPANCAST_HOSTS": openrouter.address,
            "OPENROUTER_BASE_URL": openrouter.base_url,
            "OPENROUTER_API_KEY": KEY,
            "OTEL_EXPORTER_OTLP_ENDPOINT": found.platform.url,
            "ARCHIVE_URL": found.archive.url,
        }.items():
            monkeypatch.setenv(variable, said_by)
        yield found


def test_every_example_is_looked_at() -> None:
    assert CHECKS.keys() == EXAMPLES.keys()


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_does_what_the_page_says(name: str, arrived: Arrived) -> None:
    exec(compile(HEAD + EXAMPLES[name], f"docs/destinations.md: {name}", "exec"), {})
    CHECKS[name](arrived)


def test_a_file_and_variables_say_the_same(arrived: Arrived, monkeypatch: pytest.MonkeyPatch) -> None:
    (table,), (exported,) = blocks(PAGE, "toml"), blocks(PAGE, "sh")
    Path("spancast.toml").write_text(table)
    by_file = [described(each) for each in resolve({}).destinations]
    Path("spancast.toml").unlink()
    for line in exported.splitlines():
        variable, _, text = line.removeprefix("export ").partition("=")
        monkeypatch.setenv(variable, text.strip("'"))
    assert [described(each) for each in resolve({}).destinations] == by_file
    assert [each["name"] for each in by_file] == ["otlp", "failures"]


@pytest.mark.parametrize(("exporter", "kind", "value"), [("jsonl", Jsonl, "calls.jsonl"), ("console", Console, "json")])
def test_the_variables_of_a_file_and_of_the_console_do_what_the_page_says(
    exporter: str, kind: type[Jsonl | Console], value: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (row,) = re.findall(rf"^\| `{exporter}` \| `(\w+)` \| `(\w+)`, `(\w+)` \|", PAGE, re.MULTILINE)
    field, *variables = row
    assert [each.name for each in fields(kind)] == [field]
    monkeypatch.setenv("SPANCAST_DESTINATIONS", exporter)
    for variable in variables:
        monkeypatch.setenv(variable, value)
        (destination,) = resolve({}).destinations
        assert getattr(discover.exporter(destination), field) == value
        monkeypatch.delenv(variable)


def described(destination: spancast.Destination) -> dict[str, Any]:
    told = ("name", "exporter", "privacy", "sample_rate", "metadata", "filters", "key_hashes", "key_names")
    return {name: getattr(destination, name) for name in told}


def test_every_field_and_every_operator_of_a_filter_is_on_the_page() -> None:
    assert [name for name in {*NAMES, *OF_TEXT, *OF_NUMBER} if f"`{name}`" not in PAGE] == []
