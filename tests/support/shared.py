"""Where the recordings and receivers lie, and the mark that skips loudly where they do not."""

import os
from pathlib import Path

import pytest

SHARED = Path(os.environ.get("SPANCAST_SHARED", Path(__file__).parents[3] / "shared"))
"""The folder beside the checkout that holds recordings, receivers and facts."""

needs_shared = pytest.mark.skipif(
    not SHARED.is_dir(), reason=f"{SHARED} is absent: recordings and receivers are not checked."
)
