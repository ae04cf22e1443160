"""Which directory the commands read where the one that the settings name cannot be used."""

import sys
import tempfile

import pytest

from spancast.base import homes
from spancast.delivery.journal.journal import Journal
from tests.bookkeeping.records import call

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="symbolic links need a privilege there")

COMMANDS = [
    *(["ledger", *words.split()] for words in ("path", "check", "rebuild", "prune --older-than 1d --yes")),
    ["deliver"],
    ["costs"],
]
every_command = pytest.mark.parametrize("command", COMMANDS, ids=" ".join)


@pytest.fixture
def replacement(home, tmp_path, monkeypatch):
    """Return the directory that replaces a home that is a symbolic link."""
    (tmp_path / "elsewhere").mkdir()
    home.symlink_to(tmp_path / "elsewhere")
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    found = homes.choose(home).path
    assert found is not None
    assert found.parent == tmp_path
    return found


@every_command
def test_a_replacement_is_reported(command, spancast, home, replacement):
    journal = Journal(replacement)
    journal.append(call(user="u"))
    journal.close()

    status, printed, complaint = spancast(*command)

    assert status == 0
    assert f"{home} is a symbolic link; name the directory itself. This is {replacement}, where" in complaint
    assert command != ["ledger", "path"] or printed == f"{replacement / 'ledger.db'}\n"


@every_command
def test_a_replacement_without_a_ledger_is_an_error(command, spancast, home, replacement):
    status, printed, complaint = spancast(*command)

    assert (status, printed) == (1, "")
    assert complaint.startswith(f"spancast: {home} is a symbolic link")


@pytest.mark.parametrize("deed", ["check", "rebuild", "prune --older-than 1d --yes"])
def test_a_home_that_is_not_there_is_a_usage_error(deed, spancast, tmp_path):
    status, printed, complaint = spancast("ledger", *deed.split(), "--home", tmp_path / "nowhere")

    assert (status, printed) == (2, "")
    assert "There is no directory" in complaint
