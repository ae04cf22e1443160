"""Faults of ours are raised in tests, and no test sees the settings, or the state, of whoever runs it."""

import os

import pytest
from hypothesis import settings

from spancast import guard

# Generated examples have no deadline: the machine may be busy with something else.
settings.register_profile("spancast", deadline=None)
settings.load_profile("spancast")


@pytest.fixture(autouse=True)
def _strict(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guard, "strict", True)


@pytest.fixture(autouse=True)
def _bare_environment(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    for name in os.environ:
        if name.startswith(("SPANCAST_", "OTEL_", "OPENROUTER_", "OPENAI_")) and name != "SPANCAST_SHARED":
            monkeypatch.delenv(name)
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path_factory.mktemp("state")))
