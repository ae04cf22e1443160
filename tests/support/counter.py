"""An outbox and a sink at hand, to see what a courier makes of records between the two."""

from collections.abc import Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from spancast.contract import Delivered, Span, Verdict
from spancast.delivery.courier.courier import Courier
from spancast.delivery.outbox.outbox import Outbox
from spancast.destinations.destination import Destination
from spancast.records.record import Record
from tests.support.calls import to_span

SEGMENT = "writer-000001.seg"


@dataclass
class Shelf:
    """A sink that keeps what it is given."""

    spans: list[Span] = field(default_factory=list)

    def write(self, spans: Sequence[Span]) -> Verdict:
        self.spans += spans
        return Delivered()

    @property
    def sent(self) -> list[bytes]:
        """The spans as a destination of OTLP has them."""
        return [span.otlp() for span in self.spans]


class Counter:
    """An outbox, and couriers that serve it."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self._open = ExitStack()
        self.outbox = self._open.enter_context(closing(Outbox(home)))

    def served(self, shelf: Shelf, destination: Destination, **how: Any) -> Courier:
        return self._open.enter_context(closing(Courier(destination, shelf, self.outbox, to_span, self.home, **how)))

    def put(self, *records: Record) -> None:
        self.outbox.apply(SEGMENT, self.outbox.committed_offset(SEGMENT) + len(records), records)

    def close(self) -> None:
        self._open.close()
