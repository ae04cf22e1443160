"""Faults of ours are raised in tests, no test leaves a key anywhere, and none sees what belongs to whoever runs it."""

import os
from collections.abc import Iterator

import pytest
from hypothesis import settings

from spancast import guard
from tests.support import canaries

# Generated examples have no deadline: the machine may be busy with something else. They are the same each time, so that
# a commit passes or fails whenever it is tested; `make test-all` looks for new ones.
settings.register_profile("spancast", deadline=None, derandomize=True)
settings.register_profile("searching", deadline=None)
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


@pytest.fixture(autouse=True)
def _no_key_is_kept_or_sent(request: pytest.FixtureRequest) -> Iterator[None]:
    """Look for the keys that OpenRouter is called with in every byte that a test's homes keep and its platforms get."""
    canaries.sent.clear()
    yield
    folder = request.node.funcargs.get("tmp_path")
    assert (canaries.kept(folder) if folder is not None else set()) == set()
    assert canaries.sent == set()
