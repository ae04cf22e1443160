"""Spans on their way through the real courier, to whatever listens."""

from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx2

from spancast.base.deadline import Deadline
from spancast.contract import Exporter, Reply, Request, Sink, Span
from spancast.delivery.courier.courier import Courier
from spancast.delivery.outbox.accounts import Standing
from spancast.delivery.outbox.outbox import Outbox
from spancast.destinations import discover
from spancast.destinations.destination import Destination
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
            deadline = Deadline(PATIENCE)
            while courier.deliver_once(deadline).more and not deadline.expired:
                pass
        (standing,) = outbox.standings()
    return standing


def settled(home: Path, spans: Sequence[Span], exporter: Exporter) -> Standing:
    """Bring spans to a platform for as long as some wait, doubts included; return how the destination stands then."""
    destination = Destination(exporter, name="platform")
    by_call = {a_call().call_id: span for span in spans}
    with closing(Outbox(home)) as outbox:
        outbox.apply("writer-000001.seg", len(by_call), [a_call(call_id=call_id) for call_id in by_call])
        with closing(Courier(destination, exporter, outbox, lambda call, _: by_call[call.call_id], home)) as courier:
            deadline = Deadline(PATIENCE)
            while outbox.standings()[0].waiting and not deadline.expired:
                courier.deliver_once(deadline)
        return outbox.standings()[0]


def sent(request: Request) -> Reply:
    """Send a request as it is, to a server that is slower than a courier waits; return the answer."""
    headers = dict(request.headers)
    answer = httpx2.request(
        request.method, request.url, content=request.body, headers=headers, trust_env=False, timeout=PATIENCE
    )
    return Reply(answer.status_code, dict(answer.headers), answer.content)


def offered(home: Path, spans: Sequence[Span], exporter: Exporter | Sink) -> Standing:
    """Offer spans once; return how the destination stands then."""
    destination = Destination(exporter, name="platform")
    by_call = {a_call().call_id: span for span in spans}
    with closing(Outbox(home)) as outbox:
        outbox.apply("writer-000001.seg", len(by_call), [a_call(call_id=call_id) for call_id in by_call])
        with closing(Courier(destination, exporter, outbox, lambda call, _: by_call[call.call_id], home)) as courier:
            courier.deliver_once(Deadline(PATIENCE))
        return outbox.standings()[0]
