"""What the verbs that send have in common: the destination that is meant, its courier, and the time there is."""

import difflib
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TypeVar

from spancast.base.deadline import Deadline
from spancast.base.store import SetAsideError
from spancast.bookkeeping.trouble import told
from spancast.delivery.courier.courier import Courier
from spancast.delivery.outbox.accounts import Standing
from spancast.delivery.outbox.ack import AMBIGUOUS, Ack
from spancast.delivery.outbox.late_costs import COST_EXPECTED
from spancast.delivery.outbox.limits import Limits
from spancast.delivery.outbox.outbox import Outbox
from spancast.destinations import discover
from spancast.destinations.destination import Destination
from spancast.errors import ConfigurationError
from spancast.settings.settings import Settings

T = TypeVar("T")


def destination_called(name: str, inforce: Settings) -> Destination:
    """Return the destination of that name; raise `ConfigurationError` where none is configured."""
    names = [destination.name for destination in inforce.destinations]
    if name in names:
        return inforce.destinations[names.index(name)]
    near = difflib.get_close_matches(name, names, n=1)
    cure = f"Did you mean {near[0]!r}?" if near else f"Configured are {', '.join(names) or 'none'}."
    raise ConfigurationError(
        f"No destination is called {name!r} here. {cure} Name it in SPANCAST_DESTINATIONS, or in spancast.toml."
    )


def open_outbox(inforce: Settings) -> Outbox:
    """Return the outbox, with what need not be kept in it let go."""
    outbox = Outbox(inforce.home, Limits.of(inforce))
    while outbox.tend():
        pass
    return outbox


@contextmanager
def couriers(inforce: Settings, destinations: Sequence[Destination], outbox: Outbox) -> Iterator[list[Courier]]:
    """Give a courier for each destination that can be served; of the others say what they lack."""
    from spancast.owed import expects  # noqa: PLC0415 - the recorder comes with it; --help needs none
    from spancast.trace.span_cache import to_span  # noqa: PLC0415 - the SDK comes with it

    hired: list[Courier] = []
    for destination in destinations:
        try:
            exporter = discover.exporter(destination)
        except ConfigurationError as error:
            print(f"spancast: {error}", file=sys.stderr)
            outbox.lacks(destination.name, discover.exporter_name(destination), str(error))
            outbox.ack(destination.name, Ack(state="unconfigured", reason=str(error)))
        else:
            hired.append(Courier(destination, exporter, outbox, to_span, inforce.home, expects=expects(inforce)))
    try:
        yield hired
    finally:
        for courier in hired:
            courier.close()


def serve(courier: Courier, deadline: Deadline) -> None:
    """Do passes until nothing waits, nothing helps, or the next try would come too late."""
    while (left := deadline.left) > 0:
        done = courier.deliver_once(deadline)
        if not done.more:
            if done.wait is None or done.wait > left:
                return
            time.sleep(done.wait)


def despite_damage(home: Path, work: Callable[[], T]) -> T:
    """Do the work on a ledger and its outbox, and again where one was damaged and is set aside: a new one is begun.

    What else is wrong with them is told: `SpancastError`.
    """
    with told(home, also="the outbox"):
        for _ in range(2):  # both may be damaged
            with suppress(SetAsideError):
                return work()
        return work()


def could_be_sent(standing: Standing) -> int:
    """Return how many records wait neither for their cost, nor for the platform to say whether it has them."""
    return standing.waiting - sum(standing.waits.get(reason, 0) for reason in (COST_EXPECTED, AMBIGUOUS))
