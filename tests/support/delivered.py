"""Spans on their way through the real courier, to whatever listens."""

import time
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from spancast.contract import Span
from spancast.delivery import discover
from spancast.delivery.accounts import Standing
from spancast.delivery.courier import Courier
from spancast.delivery.outbox import Outbox
from spancast.destination import Destination
from tests.support.calls import a_call

PATIENCE = 20.0


def deliver(home: Path, spans: Sequence[Span], exporter: str, **settings: Any) -> Standing:
    """Bring spans, ours and the application's, to a destination; return how it stands then."""
    destination = Destination(exporter, name="platform", **settings)
    by_call = {a_call().call_id: span for span in spans}
    waiting = [a_call(call_id=call_id) for call_id in by_call]
    with closing(Outbox(home)) as outbox:
        outbox.apply("writer-000001.seg", len(waiting), waiting)
        made = discover.exporter(destination)
        with closing(Courier(destination, made, outbox, lambda call, _: by_call[call.call_id], home)) as courier:
            until = time.monotonic() + PATIENCE
            while courier.deliver_once(until).more and time.monotonic() < until:
                pass
        (standing,) = outbox.standings()
    return standing
