import pytest

from spancast.cli import main
from spancast.delivery.journal.journal import Journal


@pytest.fixture
def home(tmp_path, monkeypatch):
    """The home that the settings name; no program has written to it yet."""
    home = tmp_path / "home"
    monkeypatch.setenv("SPANCAST_HOME", str(home))
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("COLUMNS", raising=False)
    return home


@pytest.fixture
def written(home):
    """Write calls as a program does that has ended since."""

    def write(*calls):
        journal = Journal(home)
        for call in calls:
            journal.append(call)
        journal.close()

    return write


@pytest.fixture
def spancast(capsys):
    """Run the command; return its exit status and what it printed."""

    def run(*arguments):
        try:
            status = main([str(argument) for argument in arguments])
        except SystemExit as stopped:
            status = stopped.code
        printed = capsys.readouterr()
        return status, printed.out, printed.err

    return run
