"""A virtual environment for each library, made when it is missing, so that no library shapes another's dependencies."""

import json
import subprocess
import sys
import venv
from pathlib import Path

from subjects import Subject

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / ".bench"
"""Not in the repository."""


def python_of(subject: Subject, *, fresh: bool = False) -> Path:
    """Return the interpreter of a subject's environment; what is there and made for the same needs is used again."""
    folder = FOLDER / subject.environment
    stamp, python = folder / "requires.json", folder / "bin" / "python"
    requires = [each.format(root=ROOT) for each in subject.requires]
    if not fresh and stamp.exists() and json.loads(stamp.read_text()) == requires:
        return python
    print(f"making {folder.relative_to(ROOT)}: {' '.join(subject.requires)}", file=sys.stderr)
    venv.create(folder, with_pip=True, clear=True)
    arguments = [part for each in requires for part in (("-e", each) if each == str(ROOT) else (each,))]
    subprocess.run(
        [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *arguments],
        check=True,
        stdout=sys.stderr,
    )
    stamp.write_text(json.dumps(requires))
    return python


def version_of(python: Path, distribution: str) -> str:
    """Return the version that is installed."""
    script = "import sys; from importlib.metadata import version; print(version(sys.argv[1]))"
    return subprocess.run(
        [python, "-c", script, distribution], check=True, capture_output=True, text=True
    ).stdout.strip()
