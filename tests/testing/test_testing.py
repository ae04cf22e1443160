import ast
import doctest
from pathlib import Path

import pytest

from spancast import testing

PACKAGE = Path(testing.__file__).parent


def imported(file: Path) -> set[str]:
    """Return the modules that a file imports."""
    nodes = list(ast.walk(ast.parse(file.read_text())))
    plain = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    return plain | {node.module or "" for node in nodes if isinstance(node, ast.ImportFrom)}


def test_the_example_in_the_docstring_works():
    done = doctest.testmod(testing)
    assert done.attempted > 0
    assert done.failed == 0


def test_the_simulator_stands_alone():
    ours = {name for file in (PACKAGE / "simulator").rglob("*.py") for name in imported(file) if "spancast" in name}
    assert ours
    assert {name for name in ours if not name.startswith("spancast.testing.simulator")} == set()


def test_a_name_that_is_not_there_is_an_attribute_error():
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        _ = testing.nothing  # type: ignore[attr-defined]
