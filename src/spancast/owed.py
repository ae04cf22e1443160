"""The costs that come late: who asks for them, and who waits for them.

With a key of its own (`backfill_key`) one process at a time asks for the costs of all calls in the ledger, and so does
`spancast deliver`. With the callers' keys each process asks for the costs of its own calls, as long as it lives.

What asks brings HTTP, TLS and the like with it, and is imported where something is asked: a program that is watched and
asks nothing begins without.
"""

from collections.abc import Callable
from functools import partial

from spancast.bookkeeping.book import Book
from spancast.bookkeeping.late_costs.estimate import can_be_estimated
from spancast.capture.asking import server_and_key
from spancast.capture.generations import generation_facts
from spancast.capture.http_request import HttpRequest
from spancast.delivery.worker import Worker
from spancast.records.call import Call
from spancast.records.late import JOBS, Late, comes_soon, may_come
from spancast.settings.settings import Settings

Keep = Callable[[Late], None]
"""Puts what was found into the journal."""


def of_the_ledger(settings: Settings, book: Book, keep: Keep) -> list[Worker]:
    """Return who finds out what the calls in the ledger cost, by these settings."""
    workers: list[Worker] = []
    if settings.backfill_key is not None:
        from spancast.bookkeeping.late_costs.backfill import Backfill  # noqa: PLC0415 - see above
        from spancast.bookkeeping.late_costs.lookups import Lookups  # noqa: PLC0415 - see above

        docket = Lookups(book, settings.backfill_key)
        workers.append(Backfill(docket, generation_facts, keep, settings.home / "lookups.lock"))
    if settings.estimate:
        from spancast.bookkeeping.late_costs.estimator import Estimator  # noqa: PLC0415 - see above

        workers.append(Estimator(book, settings.home, keep))
    return workers


def asks_with_own_keys(settings: Settings) -> bool:
    """Whether each process asks for the costs of its own calls; a key that is given for all serves these too."""
    return settings.backfill == "caller-key" and settings.backfill_key is None


class OwnCalls:
    """Asks what the calls of this process cost, each with the key that made it."""

    def __init__(self, book: Book, keep: Keep) -> None:
        from spancast.bookkeeping.late_costs.backfill import Backfill  # noqa: PLC0415 - see above
        from spancast.bookkeeping.late_costs.callers import Callers  # noqa: PLC0415 - see above
        from spancast.bookkeeping.late_costs.lookups import give_up  # noqa: PLC0415 - see above

        self._callers = Callers(partial(give_up, book))
        self.worker: Worker = Backfill(self._callers, generation_facts, keep)

    def watch(self, request: HttpRequest) -> Callable[[Call], None] | None:
        """Return what is to be told of the finished call of a request; `None` when nothing could be asked."""
        asked = server_and_key(request.scheme, request.host, request.port, request.path, request.headers)
        if asked is None:
            return None
        server, key = asked
        return partial(self._callers.offer, server=server, key=key)


def expects(settings: Settings) -> Callable[[Call], bool]:
    """Return what says of a call whether its cost is on the way, by these settings."""

    def expected(call: Call) -> bool:
        if settings.estimate and call.cost is None and can_be_estimated(call):
            return True
        if call.operation in JOBS or not may_come(call):
            return comes_soon(call)
        return settings.backfill_key is not None or (asks_with_own_keys(settings) and call.outcome != "killed")

    return expected
