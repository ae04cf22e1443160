"""What goes over the wire, kept as files that a reader can read.

`WRITE_GOLDEN=1 pytest tests/exporters` writes them anew; what has changed is then for a reader to judge.
"""

import os
from pathlib import Path
from typing import Any

import msgspec

FOLDER = Path(__file__).parents[1] / "exporters" / "golden"


def check(name: str, seen: Any) -> None:
    """Assert that what is seen is what the file has. JSON in `msgspec.Raw` is compared as it is written."""
    path = FOLDER / f"{name}.json"
    written = msgspec.json.format(msgspec.json.encode(seen), indent=1).decode() + "\n"
    if os.environ.get("WRITE_GOLDEN") == "1":
        path.write_text(written, "utf-8")
    assert written == path.read_text("utf-8")
