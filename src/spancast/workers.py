"""The background workers of a process: couriers, lookups of late costs, pruning.

With a key of its own (`backfill_key`) one process at a time looks up the costs of all calls in the ledger; `spancast
deliver` does so too. With the callers' keys each process looks up the costs of its own calls, as long as it lives.

Couriers and lookups import HTTP and TLS, so they are imported when they are built: a program that needs neither starts
without.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from spancast.bookkeeping.book import Book
from spancast.bookkeeping.late_costs.estimate import can_be_estimated
from spancast.bookkeeping.pruner import Pruner
from spancast.capture.generations import generation_facts
from spancast.capture.http_request import HttpRequest
from spancast.capture.request.endpoint import server_and_key
from spancast.contract import Exporter, Sink
from spancast.delivery.outbox.outbox import Outbox
from spancast.delivery.worker import Worker
from spancast.destinations import discover
from spancast.destinations.destination import Destination
from spancast.errors import ConfigurationError
from spancast.records.call import Call
from spancast.records.late import JOBS, LateFacts, cost_comes_soon, cost_may_come
from spancast.settings.settings import Settings
from spancast.spans.cache import to_span

if TYPE_CHECKING:
    from spancast.delivery.courier.courier import Courier

Append = Callable[[LateFacts], None]
"""Appends to the journal what a lookup has found."""


@dataclass(frozen=True, slots=True)
class Unserved:
    """A destination that this process cannot serve."""

    name: str
    exporter: str
    """The name of its exporter."""
    error: ConfigurationError


def couriers(
    settings: Settings, destinations: Sequence[Destination], outbox: Outbox
) -> tuple[list["Courier"], list[Unserved]]:
    """Return a courier for each destination that can be served, and the other destinations."""
    served: list[Courier] = []
    unserved: list[Unserved] = []
    for destination in destinations:
        try:
            exporter = discover.exporter(destination)
        except ConfigurationError as error:
            unserved.append(Unserved(destination.name, discover.exporter_name(destination), error))
        else:
            served.append(_courier(destination, exporter, outbox, settings))
    return served, unserved


def _courier(destination: Destination, exporter: Exporter | Sink, outbox: Outbox, settings: Settings) -> "Courier":
    from spancast.delivery.courier.courier import Courier  # noqa: PLC0415 - see above

    return Courier(destination, exporter, outbox, to_span, settings.home, expects=expects_cost(settings))


def ledger_workers(settings: Settings, book: Book, append: Append, *, looks_up_costs: bool = True) -> list[Worker]:
    """Return the workers that prune the ledger and, if `looks_up_costs`, find the costs that its calls lack."""
    workers: list[Worker] = []
    if settings.ledger_retention is not None:
        workers.append(Pruner(book, settings.ledger_retention))
    if looks_up_costs and settings.backfill_key is not None:
        from spancast.bookkeeping.late_costs.backfill import Backfill  # noqa: PLC0415 - see above
        from spancast.bookkeeping.late_costs.ledger_queue import LedgerQueue  # noqa: PLC0415 - see above

        queue = LedgerQueue(book, settings.backfill_key)
        workers.append(Backfill(queue, generation_facts, append, settings.home / "lookups.lock"))
    if looks_up_costs and settings.estimate:
        from spancast.bookkeeping.late_costs.estimator import Estimator  # noqa: PLC0415 - see above

        workers.append(Estimator(book, settings.home, append))
    return workers


def uses_caller_keys(settings: Settings) -> bool:
    """Return whether each process looks up its own calls' costs; a `backfill_key` covers these too."""
    return settings.backfill == "caller-key" and settings.backfill_key is None


class CallerKeyLookups:
    """Looks up the costs of this process's calls, each with the key that made the call."""

    def __init__(self, book: Book, append: Append) -> None:
        from spancast.bookkeeping.late_costs.backfill import Backfill  # noqa: PLC0415 - see above
        from spancast.bookkeeping.late_costs.ledger_queue import give_up  # noqa: PLC0415 - see above
        from spancast.bookkeeping.late_costs.process_queue import ProcessQueue  # noqa: PLC0415 - see above

        self._queue = ProcessQueue(partial(give_up, book))
        self.worker: Worker = Backfill(self._queue, generation_facts, append)

    def callback(self, request: HttpRequest) -> Callable[[Call], None] | None:
        """Return what to call with the finished call of a request; `None` if its cost cannot be looked up."""
        found = server_and_key(request.scheme, request.host, request.port, request.path, request.headers)
        if found is None:
            return None
        server, key = found
        return partial(self._queue.offer, server=server, key=key)


def expects_cost(settings: Settings) -> Callable[[Call], bool]:
    """Return a predicate: whether the cost of a call may still arrive, under these settings."""

    def expected(call: Call) -> bool:
        if settings.estimate and call.cost is None and can_be_estimated(call):
            return True
        if call.operation in JOBS or not cost_may_come(call):
            return cost_comes_soon(call)
        return settings.backfill_key is not None or (uses_caller_keys(settings) and call.outcome != "killed")

    return expected
