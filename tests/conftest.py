"""Faults of ours are raised in tests, no test leaves a key anywhere, and none sees what belongs to whoever runs it."""

import gc
import itertools
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
import trustme
from hypothesis import settings

from spancast.base import guard
from tests.support import canaries

# Generated examples have no deadline: the machine may be busy with something else. They are the same each time, so that
# a commit passes or fails whenever it is tested; `make test-all` looks for new ones.
settings.register_profile("spancast", deadline=None, derandomize=True)
settings.register_profile("searching", deadline=None)
settings.load_profile("spancast")


def pytest_collection_finish() -> None:
    """Let no garbage collection look at what the tests are: it is nearly all there is, and it lasts."""
    gc.freeze()


@pytest.fixture(autouse=True)
def _strict(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guard, "strict", True)


@pytest.fixture(scope="session")
def _states(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Return folders yet to be made; pytest would look through all that there are for the number of the next."""
    folder = tmp_path_factory.mktemp("states")
    return (folder / str(number) for number in itertools.count())


@pytest.fixture(scope="session")
def _authority(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return an authority for clients to trust: to read all the world's takes each of them a twentieth of a second."""
    file = tmp_path_factory.mktemp("trusted") / "authority.pem"
    trustme.CA().cert_pem.write_to_path(file)
    return file


@pytest.fixture(autouse=True)
def _bare_environment(monkeypatch: pytest.MonkeyPatch, _states: Iterator[Path], _authority: Path) -> None:
    for name in os.environ:
        if name.startswith(("SPANCAST_", "OTEL_", "OPENROUTER_", "OPENAI_")) and name != "SPANCAST_SHARED":
            monkeypatch.delenv(name)
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    state = next(_states)
    state.mkdir()
    monkeypatch.setenv("XDG_STATE_HOME", str(state))
    monkeypatch.setenv("SSL_CERT_FILE", str(_authority))


@pytest.fixture(autouse=True)
def _no_key_is_kept_or_sent(request: pytest.FixtureRequest) -> Iterator[None]:
    """Look for the keys that OpenRouter is called with in every byte that a test's homes keep and its platforms get."""
    canaries.sent.clear()
    yield
    folder = request.node.funcargs.get("tmp_path")
    assert (canaries.kept(folder) if folder is not None else set()) == set()
    assert canaries.sent == set()
