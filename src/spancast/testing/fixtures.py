"""The fixtures that pytest finds by entry point if Spancast is installed.

Pytest imports this module in every test run, so it must cost next to nothing until a fixture is used.
"""

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from spancast.testing.simulator import Simulator


@pytest.fixture
def openrouter() -> "Iterator[Simulator]":
    """Run an OpenRouter on this machine for the length of one test; see `spancast.testing.Simulator`."""
    from spancast.testing.simulator import Simulator  # noqa: PLC0415 - see the module's docstring

    with Simulator() as simulator:
        yield simulator
