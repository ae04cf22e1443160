"""Virtual environments for what cannot share the suite's: one a name, made when it is missing, kept for the next run.

They lie in folders that the repository ignores. To have the newest versions, delete the folder: `rm -rf .venv-beside`.
"""

import json
import os
import subprocess
import sys
import tomllib
import venv
from pathlib import Path

from spancast.base.locks import FileLock

ROOT = Path(__file__).parents[2]
OUTSIDE = dict(os.environ)
"""What whoever runs the suite has set, for pip, which needs whom to trust; tests see less, and trust nobody outside."""
MAKING = 900.0
"""Seconds that one environment may take to make, in this process or in another."""


def python_with(name: str, *requires: str, alone: bool = False, base: Path | None = None) -> Path:
    """Return the interpreter of an environment that has Spancast, as it lies here, beside `requires`.

    Args:
        name: its folder, of which the first part tells families apart: `beside/logfire` is `.venv-beside/logfire`.
        requires: what pip is asked for, such as `openai<3`. Another list makes the environment anew.
        alone: leave Spancast out, for a server whose needs are others than ours.
        base: make it of another interpreter than runs the tests.
    """
    family, _, own = name.partition("/")
    folder = ROOT / f".venv-{family}" / own
    python = folder / ("Scripts" if sys.platform == "win32" else "bin") / "python"
    folder.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(folder.with_name(f"{folder.name}.lock"))
    if not lock.acquire(timeout=MAKING):
        raise TimeoutError(f"{folder} has been in the making for {MAKING:.0f} seconds. Is its maker suspended?")
    try:
        made_of = _made_of(requires, alone=alone)
        if not _is_made(folder, made_of):
            _make(folder, python, requires if alone else ("--editable", str(ROOT), *requires), made_of, base)
    finally:
        lock.release()
    return python


def version_of(python: Path, distribution: str) -> str:
    """Return the version of a distribution in an environment."""
    script = "import sys; from importlib.metadata import version; print(version(sys.argv[1]))"
    return subprocess.run(
        [python, "-c", script, distribution], check=True, capture_output=True, text=True
    ).stdout.strip()


def _is_made(folder: Path, made_of: list[str]) -> bool:
    stamp = folder / "made.json"
    return stamp.exists() and json.loads(stamp.read_text("utf-8")) == made_of


def _make(folder: Path, python: Path, wanted: tuple[str, ...], made_of: list[str], base: Path | None) -> None:
    if base is None:
        venv.create(folder, with_pip=True, clear=True)
    else:
        subprocess.run([base, "-m", "venv", "--clear", folder], check=True, timeout=MAKING)
    install = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*install, *wanted], env=OUTSIDE, check=True, timeout=MAKING)
    (folder / "made.json").write_text(json.dumps(made_of), "utf-8")


def _made_of(requires: tuple[str, ...], *, alone: bool) -> list[str]:
    """Return what an environment is made of; Spancast itself is read where it lies, but its dependencies are not."""
    ours = [] if alone else tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["dependencies"]
    return [sys.version.split()[0], *requires, *ours]
