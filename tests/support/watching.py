"""Spancast's hooks alone, with the Calls that come of them in a list."""

from collections.abc import Iterator
from contextlib import contextmanager

from spancast.capture.route import Routes
from spancast.hooks.patching import Patches
from spancast.hooks.table import HOOKS
from spancast.recording.recorder import Recorder
from spancast.records.call import Call
from spancast.records.late import LateFacts
from spancast.trace.tracing import Tracing


class Seen(list[Call]):
    """The finished Calls; those under way are in `opened`, and what was said behind them in `late`."""

    def __init__(self) -> None:
        super().__init__()
        self.opened: list[Call] = []
        self.late: list[LateFacts] = []

    def keep(self, record: Call | LateFacts) -> None:
        if isinstance(record, LateFacts):
            self.late.append(record)
        else:
            (self.opened if record.outcome is None else self).append(record)

    @property
    def only(self) -> Call:
        """The one call there is."""
        (call,) = self
        return call


@contextmanager
def watching(*hosts: str, tracing: Tracing | None = None) -> Iterator[Seen]:
    """Hook the clients for the length of the block."""
    seen = Seen()
    patches = Patches(Recorder(Routes(hosts), tracing or Tracing(), seen.keep))
    patches.install(HOOKS)
    try:
        yield seen
    finally:
        patches.remove()
