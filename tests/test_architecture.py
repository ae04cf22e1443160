"""Rules of the code's structure that the linters do not check."""

import ast
import functools
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
EXPORTERS = sorted((ROOT / "exporters" / "spancast_exporters").glob("*.py"))
SOURCES = sorted((ROOT / "src").rglob("*.py"))


@functools.cache
def imports(path: Path) -> frozenset[str]:
    """Return every module that a file imports, at its top or late."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return frozenset(found)


def test_the_contract_needs_no_sdk_and_no_http() -> None:
    heavy = {"opentelemetry", "httpx", "httpx2", "wrapt", "structlog"}

    assert not {name.split(".")[0] for name in imports(ROOT / "src" / "spancast" / "contract.py")} & heavy


def test_capture_knows_no_opentelemetry_and_does_no_io() -> None:
    foreign = {"opentelemetry", "socket", "httpx", "httpx2", "sqlite3", "pathlib", "os"}
    for path in (ROOT / "src" / "spancast" / "capture").rglob("*.py"):
        assert not {name.split(".")[0] for name in imports(path)} & foreign, path.name


def test_every_module_says_what_it_is_for() -> None:
    silent = []
    for path in [*SOURCES, *EXPORTERS]:
        tree = ast.parse(path.read_text())
        if not ast.get_docstring(tree):
            silent.append(str(path.relative_to(ROOT)))
    assert silent == []


PACKAGES = sorted((ROOT / "src" / "spancast").rglob("__init__.py"))
LISTED = re.compile(r"^ *- ((?:`[a-z0-9_]+`(?:, )?)+)  ", re.MULTILINE)


def listed_modules(docstring: str) -> set[str]:
    """Return the modules that begin the items of a docstring's list; none if it has no list."""
    return {name for item in LISTED.findall(docstring) for name in re.findall(r"[a-z0-9_]+", item)}


@pytest.mark.parametrize("package", PACKAGES, ids=lambda path: str(path.parent.relative_to(ROOT / "src")))
def test_a_package_that_lists_its_modules_lists_all_of_them(package: Path) -> None:
    modules = {path.stem for path in package.parent.glob("*.py")}
    folders = {path.parent.name for path in package.parent.glob("*/*.py")}

    docstring = ast.get_docstring(ast.parse(package.read_text())) or ""
    listed, modules = listed_modules(docstring), (modules | folders) - {"__init__", "__main__"}
    assert listed <= modules
    assert not listed or modules <= set(re.findall(r"`([a-z0-9_]+)`", docstring))


LOCKS_OF_THEIR_OWN = {
    "cache.py": "its lock is never waited for",
    "memory.py": "the journal, which is renewed in a child, makes another",
    "queue.py": "the journal makes another, too",
}
"""Modules whose locks need not be renewed in a forked child, and why."""


def test_a_lock_is_renewed_in_a_forked_child() -> None:
    locking = {
        path.name
        for path in (ROOT / "src" / "spancast").rglob("*.py")
        if "testing" not in path.parts and LOCK.search(path.read_text()) and "spancast.base.forks" not in imports(path)
    }

    assert locking - {"forks.py"} == LOCKS_OF_THEIR_OWN.keys()


LOCK = re.compile(r"\bthreading\.(R?Lock|Condition|Semaphore|BoundedSemaphore|Barrier)\(")


REASONED = re.compile(r"# (?:noqa: [A-Z0-9, ]+ - \S|type: ignore\[[a-z, -]+\]  # \S)")


@pytest.mark.parametrize("path", [*SOURCES, *EXPORTERS], ids=lambda path: str(path.relative_to(ROOT)))
def test_an_exception_to_a_rule_has_its_reason(path: Path) -> None:
    lines = path.read_text().splitlines()
    exceptions = [line for line in lines if "# noqa" in line or "# type: ignore" in line]

    assert [line for line in exceptions if not REASONED.search(line)] == []
