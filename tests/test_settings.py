"""What is written where, and what wins; a value that cannot work says so."""

from collections.abc import Callable
from pathlib import Path

import pytest

from spancast import Destination
from spancast.errors import ConfigurationError
from spancast.settings import resolve


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_without_anything_the_defaults_hold(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))

    found = resolve({})

    assert (found.destinations, found.hosts, found.durability, found.delivery) == ((), (), "process", "process")
    assert found.home == tmp_path / "spancast"
    assert found.enabled


def test_arguments_win_over_variables_over_files_over_defaults(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "spancast.toml").write_text('durability = "power"\nhosts = ["file"]\nhome = "of-the-file"\n')
    monkeypatch.setenv("SPANCAST_HOSTS", "variable, other:81")
    monkeypatch.setenv("SPANCAST_HOME", "of-the-variable")

    found = resolve({"home": tmp_path / "of-the-argument"})

    assert found.durability == "power"
    assert found.hosts == ("variable", "other:81")
    assert found.home == tmp_path / "of-the-argument"


def test_the_table_of_pyproject_is_read(tmp_path: Path) -> None:
    table = '[tool.spancast]\ndestinations = ["otlp", {exporter = "otlp", name = "b"}]\n'
    (tmp_path / "pyproject.toml").write_text(table)

    assert [destination.name for destination in resolve({}).destinations] == ["otlp", "b"]


def test_somebody_elses_broken_pyproject_is_no_matter_of_ours(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text("[tool")

    assert resolve({}).destinations == ()


def test_an_empty_variable_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPANCAST_DURABILITY", "")

    assert resolve({}).durability == "process"


def test_opentelemetrys_own_switch_is_honoured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_SDK_DISABLED", "true")

    assert not resolve({}).enabled


@pytest.mark.parametrize(
    ("variable", "seen", "words"),
    [
        ("SPANCAST_DURABILITY", "forever", "Give one of process, power, memory."),
        ("SPANCAST_DELIVERY", "mail", "Give one of process, external."),
        ("SPANCAST_ENABLED", "perhaps", "Give true or false."),
        ("SPANCAST_HOSTS", "a host", 'Give "host", "host:port" or a URL prefix'),
        ("SPANCAST_DESTINATIONS", "otlp,otlp", "two destinations called 'otlp'. Give each its own name=."),
    ],
)
def test_a_wrong_variable_is_named_with_what_was_seen_and_the_cure(
    variable: str, seen: str, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, seen)

    with pytest.raises(ConfigurationError) as raised:
        resolve({})

    assert variable in str(raised.value)
    assert words in str(raised.value)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: Destination("otlp", sample_rate=2), "sample_rate cannot be 2. Give a number from 0.0"),
        (lambda: Destination("otlp", sample_rate=True), "sample_rate cannot be True."),
        (lambda: Destination("otlp", endpoint="localhost:4318"), "endpoint cannot be 'localhost:4318'. Give a URL"),
        (lambda: Destination("otlp", spans="some"), "Give one of llm, genai, trace, all."),  # type: ignore[arg-type]
        (lambda: Destination(""), "exporter cannot be ''."),
        (lambda: Destination(42), "exporter cannot be 42."),  # type: ignore[arg-type]
        (lambda: Destination("otlp", filters={"model": "x"}), "filters={'model': 'x'} is not in this version"),
        (lambda: resolve({"destinations": 3}), "destinations= cannot be 3."),
        (lambda: resolve({"home": 3}), "home= cannot be 3."),
        (lambda: resolve({"hosts": [1]}), "hosts= cannot be 1."),
    ],
)
def test_a_wrong_argument_is_named_with_what_was_seen_and_the_cure(make: Callable[[], object], words: str) -> None:
    with pytest.raises(ConfigurationError) as raised:
        make()

    assert words in str(raised.value)


def test_a_setting_that_is_none_is_refused(tmp_path: Path) -> None:
    (tmp_path / "spancast.toml").write_text('durabilty = "power"\n')

    with pytest.raises(ConfigurationError, match="'durabilty', which is none"):
        resolve({})
