"""What is written where, and what wins; a value that cannot work says so."""

import math
import os
import sys
import tempfile
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from spancast import Destination
from spancast.base import guard
from spancast.errors import ConfigurationError
from spancast.settings.resolve import resolve
from spancast.settings.table import SETTINGS
from tests.support.features import Feature


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(guard, "_last_logged", {})


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


@pytest.mark.parametrize("spoilt", ["[tool", "# tool.spancast\nx = \n", "[tool.spancast-other]\nx = \n"])
def test_somebody_elses_broken_pyproject_is_no_matter_of_ours(spoilt: str, tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text(spoilt)

    assert resolve({}).destinations == ()


@pytest.mark.parametrize(
    "spoilt",
    [
        "[tool.spancast]\nhosts = [\n",
        "[tool]\nx = \\\n[tool.spancast]\n",
        '[tool.spancast]\nuser_hash = "hmac:k"\n[tool.other]\nx = \n',
        " [ tool . spancast.destinations.otlp ]\nprivacy = true\nx = \n",
        "tool.spancast.durability = \n",
    ],
)
def test_a_broken_pyproject_with_a_table_of_ours_is_an_error_with_its_line(spoilt: str, tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text(spoilt)

    with pytest.raises(
        ConfigurationError, match=r"pyproject.toml is not valid TOML: .*at (line \d|end of document).*Correct it:"
    ):
        resolve({})


@pytest.mark.parametrize("written", ["[[tool.spancast]]\nuser_hash = 'hmac:k'\n", "tool.spancast = 3\n"])
def test_what_is_no_table_of_ours_is_an_error(written: str, tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text(written)

    with pytest.raises(ConfigurationError, match=r"tool\.spancast in pyproject\.toml .*Write a table") as raised:
        resolve({})
    assert "hmac:k" not in str(raised.value)


def test_a_broken_file_of_ours_is_an_error_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "spancast.toml").write_text('hosts = ["a"]\ndurability = \n')

    with pytest.raises(
        ConfigurationError, match=r"spancast.toml is not valid TOML: .*at line 2.*Correct it or move it away\."
    ):
        resolve({})


def test_a_file_of_ours_that_cannot_be_read_is_told_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "spancast.toml").mkdir()

    assert [resolve({}).durability for _ in range(3)] == ["process"] * 3
    (told,) = [record.getMessage() for record in caplog.records]
    assert told == f"{tmp_path / 'spancast.toml'} cannot be read, and is ignored: Is a directory."


@pytest.mark.parametrize("nothing", ["", " ", ",", ",,", " , ,\t"])
@pytest.mark.parametrize("variable", [setting.variable for setting in SETTINGS])
def test_a_variable_that_says_nothing_is_as_one_that_is_not_set(
    variable: str, nothing: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "spancast.toml").write_text('hosts = ["of-the-file"]\ndestinations = ["otlp"]\nhome = "there"\n')
    unset = resolve({})
    monkeypatch.setenv(variable, nothing)

    found = resolve({})

    assert found.destinations[0].name == "otlp"
    assert replace(found, destinations=()) == replace(unset, destinations=())


def test_a_destination_knows_which_setting_names_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "spancast.toml").write_text('destinations = [{exporter = "otlp"}]\n')
    assert [each.where for each in resolve({}).destinations] == ["destinations in spancast.toml"]
    monkeypatch.setenv("SPANCAST_DESTINATIONS", "otlp")
    assert [each.where for each in resolve({}).destinations] == ["SPANCAST_DESTINATIONS"]
    assert [each.where for each in resolve({"destinations": [Destination("otlp")]}).destinations] == ["destinations"]


def test_opentelemetrys_own_switch_is_honoured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_SDK_DISABLED", "true")

    assert not resolve({}).enabled


@pytest.mark.parametrize(
    ("variable", "seen", "words"),
    [
        ("SPANCAST_DURABILITY", "forever", "Give one of process, power, memory."),
        ("SPANCAST_DELIVERY", "mail", "Give one of process, external."),
        ("SPANCAST_ENABLED", "perhaps", "Give true or false."),
        ("SPANCAST_BACKFILL", "always", "Give one of off, caller-key."),
        ("SPANCAST_ESTIMATE", "perhaps", "Give true or false."),
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
        (lambda: Destination("otlp", late_cost="wait"), "Give one of hold, update, omit."),  # type: ignore[arg-type]
        (lambda: Destination(""), "exporter cannot be ''."),
        (lambda: Destination(42), "exporter cannot be 42."),  # type: ignore[arg-type]
        (lambda: Destination("otlp", privacy="no"), "privacy cannot be 'no'. Give True"),  # type: ignore[arg-type]
        (lambda: Destination("otlp", name="  "), "name cannot be '  '. Give a text"),
        (lambda: Destination("otlp", name="a,b"), "name cannot be 'a,b'. Give a text"),
        (lambda: Destination("otlp", environment=7), "environment cannot be 7."),  # type: ignore[arg-type]
        (lambda: Destination("otlp", metadata={"a": []}), "metadata cannot be {'a': []}. Give names and texts"),  # type: ignore[dict-item]
        (lambda: Destination("otlp", metadata=[("a", "b")]), "metadata cannot be [('a', 'b')]."),  # type: ignore[arg-type]
        (lambda: Destination("otlp", redact="textwrap"), "redact cannot be 'textwrap'. Give a function"),
        (lambda: Destination("otlp", redact=7), "redact cannot be 7."),  # type: ignore[arg-type]
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

    with pytest.raises(ConfigurationError, match="'durabilty', which does not exist"):
        resolve({})


@pytest.mark.parametrize("key", ["sk-or-v1-canary two", "sk-or-v1-canary\u00fc", "sk-or-v1-canary\n\x00"])
def test_a_key_that_is_none_is_told_without_it(key: str) -> None:
    with pytest.raises(ConfigurationError, match="backfill_key= is not an API key") as raised:
        resolve({"backfill_key": key})

    assert "canary" not in str(raised.value)


def test_a_key_is_not_printed_with_the_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPANCAST_BACKFILL_KEY", " sk-or-v1-canary\n")

    found = resolve({})

    assert found.backfill_key == "sk-or-v1-canary"
    assert "canary" not in repr(found)


def redact(text: str) -> str:
    return text.upper()


@pytest.mark.parametrize(
    ("arguments", "mode", "event"),
    [
        ({}, "no_content", False),
        ({"capture_content": True}, "span_only", False),
        ({"capture_content": False}, "no_content", False),
        ({"capture_content": "EVENT_ONLY"}, "event_only", True),
        ({"capture_content": "span_and_event"}, "span_and_event", True),
        ({"capture_content": "span_and_event", "emit_event": False}, "span_and_event", False),
        ({"emit_event": True}, "no_content", True),
    ],
)
def test_words_for_the_event_make_one_unless_that_is_denied(
    arguments: dict[str, object], mode: str, event: bool
) -> None:
    found = resolve(arguments)

    assert (found.capture_content, found.emit_event) == (mode, event)


@pytest.mark.parametrize(
    ("content", "emit", "mode", "event"),
    [
        ("", "", "no_content", False),
        ("SPAN_ONLY", "", "span_only", False),
        ("event_only", "", "event_only", True),
        ("SPAN_AND_EVENT", "false", "span_and_event", False),
        ("NO_CONTENT", "true", "no_content", True),
        ("true", "", "span_only", False),
        ("everything", "", "no_content", False),
    ],
)
def test_the_conventions_own_variables_are_honoured(
    content: str, emit: str, mode: str, event: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT", content)
    monkeypatch.setenv("OTEL_INSTRUMENTATION_GENAI_EMIT_EVENT", emit)

    found = resolve({})

    assert (found.capture_content, found.emit_event) == (mode, event)
    assert resolve({"capture_content": False, "emit_event": False}).capture_content == "no_content"


def test_a_redactor_is_a_function_or_the_name_of_one(monkeypatch: pytest.MonkeyPatch) -> None:
    assert resolve({}).redact is None
    assert resolve({"redact": redact}).redact is redact
    monkeypatch.setenv("SPANCAST_REDACT", "textwrap:dedent")
    found = resolve({}).redact
    assert found is not None
    assert found("  Hello") == "Hello"


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"capture_content": "always"}, "Give true, false, or one of no_content, span_only, event_only,"),
        ({"redact": "textwrap"}, 'Give a function, or "module:function"'),
        ({"redact": "textwrap:nothing"}, "names 'textwrap:nothing', which cannot be imported"),
        ({"redact": "no_such_module:f"}, '. Give a function, or "module:function"'),
        ({"redact": "textwrap:__doc__"}, 'Give a function, or "module:function"'),
        ({"redact": 3}, 'Give a function, or "module:function"'),
        ({"metrics": "newest"}, "Give one of latest, 1.44, off."),
        ({"user_metrics": "perhaps"}, "Give true or false."),
        ({"emit_event": "perhaps"}, "Give true or false."),
    ],
)
def test_a_wrong_wish_for_words_or_metrics_is_told(wrong: dict[str, object], words: str) -> None:
    with pytest.raises(ConfigurationError) as raised:
        resolve(wrong)

    assert words in str(raised.value)


@pytest.mark.parametrize("host", ["x:99999999", "http://", "[::1", "a b", "", "ftp://x", "*", "*.x.com", "http://*/v1"])
def test_a_host_that_cannot_be_is_refused(host: str) -> None:
    with pytest.raises(ConfigurationError, match=r"^hosts= cannot be .* URL prefix"):
        resolve({"hosts": [host]})


@pytest.mark.parametrize("host", ["http://user:hunter2@h/x", "user:hunter2@h"])
def test_a_host_with_a_password_is_refused_and_not_shown(host: str) -> None:
    with pytest.raises(ConfigurationError, match=r"^hosts= has a host with a user or password\. Give") as raised:
        resolve({"hosts": host})
    assert "hunter2" not in str(raised.value)


@pytest.mark.parametrize("host", ["https://gw/llm?api_key=hunter2", "gw /llm?api_key=hunter2", "https://gw/#hunter2"])
def test_a_host_with_a_query_is_refused_and_not_shown(host: str) -> None:
    with pytest.raises(ConfigurationError, match=r"^hosts= has a host with a query or a fragment, which") as raised:
        resolve({"hosts": [host]})
    assert "hunter2" not in str(raised.value)


@pytest.mark.parametrize(
    ("name", "cure"),
    [("hosts", 'Give "host", "host:port" or a URL'), ("baggage_keys", "Give names of baggage entries")],
)
def test_what_is_no_list_is_told_what_would_be_one(name: str, cure: str) -> None:
    with pytest.raises(ConfigurationError, match=f"^{name}= cannot be 5. {cure}"):
        resolve({name: 5})


def test_a_home_that_no_file_system_can_hold_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="home"):
        resolve({"home": "a\0b"})


def test_whom_calls_are_for_may_be_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPANCAST_DEFAULT_USER", " nightly ")
    monkeypatch.setenv("SPANCAST_DEFAULT_TAGS", "team=blue, region=eu")
    monkeypatch.setenv("SPANCAST_BAGGAGE_KEYS", "tenant, app.plan")

    found = resolve({"default_session": "s_1"})

    assert (found.default_user, found.default_session) == ("nightly", "s_1")
    assert found.default_tags == {"team": "blue", "region": "eu"}
    assert found.baggage_keys == ("tenant", "app.plan")
    assert resolve({"default_tags": {"shard": 7}}).default_tags == {"shard": "7"}


def test_text_of_any_class_is_its_text() -> None:
    found = resolve(
        {
            "default_user": Feature.SEARCH,
            "default_tags": {Feature.SEARCH: Feature.SEARCH},
            "baggage_keys": [Feature.SEARCH],
            "destinations": [Destination("otlp", metadata={Feature.SEARCH: Feature.SEARCH})],
        }
    )

    (destination,) = found.destinations
    given = (found.default_user, *found.default_tags.items(), *found.baggage_keys, *destination.metadata.items())
    assert repr(given) == repr(("search", ("search", "search"), "search", ("search", "search")))


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"default_user": ""}, "default_user= cannot be ''."),
        ({"default_tags": "blue"}, "default_tags= cannot be 'blue'."),
        ({"default_tags": {"team": ["blue"]}}, "Give pairs"),
        ({"default_tags": {"": "x"}}, "default_tags= cannot be {'': 'x'}. Give pairs"),
        ({"baggage_keys": "ten ant"}, "Give names of baggage entries"),
        ({"forward_user": "perhaps"}, "Give true or false."),
    ],
)
def test_who_calls_are_for_cannot_be_just_anything(wrong: dict[str, object], words: str) -> None:
    with pytest.raises(ConfigurationError) as error:
        resolve(wrong)

    assert words in str(error.value)


@pytest.mark.parametrize(("before", "after"), [("", ""), (" ", " "), ("", "\r"), ("\t", "\r\n")])
def test_what_stands_around_the_path_of_the_home_is_no_part_of_it(
    before: str, after: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written = f"{before}{tmp_path / 'my spans'}{after}"
    monkeypatch.setenv("SPANCAST_HOME", written)

    assert resolve({}).home == resolve({"home": written}).home == tmp_path / "my spans"


@pytest.mark.parametrize("written", [" \t", ""])
def test_blanks_are_no_home(written: str) -> None:
    with pytest.raises(ConfigurationError, match=r"home= cannot be .* Give the path of a directory"):
        resolve({"home": written})


@pytest.mark.parametrize("table", [("spancast.toml", ""), ("pyproject.toml", "[tool.spancast]\n")])
def test_a_file_may_begin_with_the_mark_of_its_encoding(
    table: tuple[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    name, head = table
    Path(name).write_text(f'{head}default_user = "ä"\n', encoding="utf-8-sig")

    assert resolve({}).default_user == "ä"


@pytest.mark.parametrize("written", ["hmac:a:secret key", "HMAC:a:secret key", " hmac:a:secret key\n"])
def test_the_key_of_pseudonyms_is_read_and_not_shown(written: str) -> None:
    found = resolve({"user_hash": written})

    assert found.user_hash == b"a:secret key"
    assert "secret" not in repr(found)


@pytest.mark.parametrize("written", ["sekret", "sha256:sekret", "hmac:", "hmac", 7])
def test_what_is_no_key_of_pseudonyms_is_not_shown_either(written: object) -> None:
    with pytest.raises(ConfigurationError) as error:
        resolve({"user_hash": written})

    assert "sekret" not in str(error.value)
    assert "Write hmac: and a key of your own" in str(error.value)


@pytest.mark.parametrize(
    ("written", "size"),
    [(5_000_000, 5_000_000), ("500MB", 500_000_000), ("2 gb", 2_000_000_000), ("1GiB", 2**30), ("2000000", 2_000_000)],
)
def test_the_room_for_destinations_is_bytes_or_what_people_write(written: object, size: int) -> None:
    assert resolve({"outbox_size": written}).outbox_size == size


@pytest.mark.parametrize(
    ("written", "seconds"),
    [
        ("12h", 43_200.0),
        ("30d", 2_592_000.0),
        ("90 s", 90.0),
        ("2w", 1_209_600.0),
        (60, 60.0),
        (timedelta(hours=1), 3600.0),
    ],
)
@pytest.mark.parametrize("name", ["outbox_age", "retention"])
def test_how_long_something_is_kept_is_seconds_or_what_people_write(name: str, written: object, seconds: float) -> None:
    assert getattr(resolve({name: written}), name) == seconds


@pytest.mark.parametrize(
    "wrong",
    [
        {"outbox_size": "1kB"},
        {"outbox_size": True},
        {"outbox_size": "much"},
        {"outbox_size": "-5GB"},
        {"outbox_age": "7 moons"},
        {"outbox_age": -1},
        {"retention": True},
        {"retention": math.nan},
        {"retention": math.inf},
        {"ledger_retention": math.inf},
        {"outbox_age": 10**400},
        {"outbox_age": "0d"},
        {"outbox_age": 0},
        {"outbox_age": "999999999w"},
        {"retention": ""},
        {"ledger_retention": "23h"},
        {"ledger_retention": 90},
        {"ledger_retention": "for ever"},
    ],
)
def test_what_is_no_size_and_no_time_is_told_with_the_cure(wrong: dict[str, object]) -> None:
    with pytest.raises(ConfigurationError, match="Give "):
        resolve(wrong)


def test_the_ledger_keeps_calls_for_ever_unless_days_are_named() -> None:
    assert resolve({}).ledger_retention is None
    assert resolve({"ledger_retention": "90d"}).ledger_retention == timedelta(days=90).total_seconds()
    assert resolve({"ledger_retention": timedelta(days=1)}).ledger_retention == timedelta(days=1).total_seconds()


NESTED = ["a = " + "[" * 100_000, "hosts" + ".a" * 3_000 + " = 1"]


@pytest.mark.parametrize("nested", NESTED, ids=["lists", "tables"])
def test_a_file_that_is_nested_without_end_is_told_as_any_other_that_is_no_toml(nested: str, tmp_path: Path) -> None:
    (tmp_path / "spancast.toml").write_text(nested)

    with pytest.raises(ConfigurationError, match=r"spancast.toml is not valid TOML: it is nested too deeply\. Correct"):
        resolve({})


def test_a_pyproject_that_is_nested_without_end_is_no_matter_of_ours(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text(NESTED[0])

    assert resolve({}).destinations == ()


@pytest.mark.skipif(sys.platform == "win32", reason="there are no named pipes here")
def test_a_pipe_in_place_of_a_file_keeps_nobody_waiting(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    for name in ("spancast.toml", "pyproject.toml"):
        os.mkfifo(tmp_path / name)

    assert resolve({}).durability == "process"
    (told,) = [record.getMessage() for record in caplog.records]
    assert told == f"{tmp_path / 'spancast.toml'} cannot be read, and is ignored: It is not a regular file."


@pytest.mark.skipif(sys.platform == "win32", reason="users have numbers and may lack an entry on POSIX")
def test_a_user_without_a_home_directory_has_one_for_temporary_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import pwd  # noqa: PLC0415 - POSIX only

    def no_entry(uid: int) -> pwd.struct_passwd:
        raise KeyError(uid)

    for variable in ("HOME", "XDG_STATE_HOME", "SPANCAST_HOME"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setattr(pwd, "getpwuid", no_entry)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    found = resolve({})
    assert found.home == tmp_path / f"spancast-{os.geteuid()}"
    assert found.instead_of is not None
    assert found.instead_of.endswith("is not an absolute path, since this user has no home directory")
    assert list(tmp_path.iterdir()) == []


class Awaited:
    async def __call__(self, text: str) -> str:
        return text


@pytest.mark.parametrize("function", [Awaited().__call__, Awaited()])
def test_a_redactor_that_would_have_to_be_awaited_is_refused(function: Callable[[str], str]) -> None:
    with pytest.raises(ConfigurationError, match="redact= is a coroutine function, which nobody would await"):
        resolve({"redact": function})
    with pytest.raises(ConfigurationError, match="redact is a coroutine function"):
        Destination("otlp", redact=function)
