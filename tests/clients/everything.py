"""A pytest plugin for the suites of others: the hooks listen to every request, whatever its host, method and path.

The suites ask for anything but a model, so that everything is taken for a chat. A fault of ours is raised, and so fails
the test that meets it. What was heard is counted, by outcome, in the file that `SPANCAST_HEARD` names.
"""

import gc
import json
import os
from collections import Counter
from pathlib import Path

from spancast.base import guard
from spancast.capture.dialects.dialect import Dialect
from spancast.capture.dialects.table import dialect_of
from spancast.hooks.patching import Patches
from spancast.hooks.table import HOOKS
from spancast.recording.recorder import Recorder
from spancast.trace.tracing import Tracing


class Everywhere:
    """Routes on which every request is a call."""

    def watches(self, _host: str) -> bool:
        return True

    def dialect(self, *_request: object) -> Dialect | None:
        return dialect_of("POST", "/api/v1/chat/completions")


heard: Counter[str] = Counter()


def keep(record: object) -> None:
    heard[getattr(record, "outcome", None) or "opened"] += 1


def pytest_configure() -> None:
    guard.strict = True
    Patches(Recorder(Everywhere(), Tracing(), keep)).install(HOOKS)  # type: ignore[arg-type]  # it is all it asks


def pytest_unconfigure() -> None:
    gc.collect()
    Path(os.environ["SPANCAST_HEARD"]).write_text(json.dumps(heard), "utf-8")
