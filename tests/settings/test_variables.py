"""Variables that nearly have the name of a setting's."""

import pytest

import spancast
from spancast.base import guard
from spancast.settings import variables
from spancast.settings.table import SETTINGS


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("SPANCAST_USER_HSH", "SPANCAST_USER_HASH"),
        ("SPANCAST_DURABILTY", "SPANCAST_DURABILITY"),
        ("SPANCAST_DESTINATION", "SPANCAST_DESTINATIONS"),
    ],
)
def test_a_misspelt_variable_is_told_with_what_was_probably_meant(
    written: str, meant: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(written, "secret")
    assert list(variables.misspelt()) == [f"{written} is no setting, and is ignored. Did you mean {meant}?"]


def test_what_is_read_or_is_the_applications_own_is_not_told(monkeypatch: pytest.MonkeyPatch) -> None:
    for setting in SETTINGS:
        monkeypatch.setenv(setting.variable, "x")
    for variable in ("JSONL_PATH", "CONSOLE_FORMAT", "WEBHOOK_URL", "DESTINATION_OTLP_KEYS", "SHARED", "TEAM"):
        monkeypatch.setenv(f"SPANCAST_{variable}", "x")
    assert list(variables.misspelt()) == []


def test_start_logs_it_in_one_line_and_starts(
    tmp_path: object, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(guard, "_last_logged", {})
    monkeypatch.setenv("SPANCAST_USER_HSH", "hmac:secret")
    monkeypatch.setenv("SPANCAST_HOME", str(tmp_path))
    spancast.start()
    spancast.stop()
    assert [record.getMessage() for record in caplog.records] == [*variables.misspelt()]
    assert "secret" not in caplog.text
