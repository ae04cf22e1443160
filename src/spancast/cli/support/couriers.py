"""What the sending verbs share: finding a destination, building couriers, and sending until a deadline."""

import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TypeVar

from spancast.base.deadline import Deadline
from spancast.base.store import SetAsideError
from spancast.base.suggest import did_you_mean
from spancast.bookkeeping.trouble import ledger_errors
from spancast.delivery.courier.courier import Courier
from spancast.delivery.outbox.accounts import Standing
from spancast.delivery.outbox.ack import AMBIGUOUS
from spancast.delivery.outbox.late_costs import COST_EXPECTED
from spancast.delivery.outbox.limits import Limits
from spancast.delivery.outbox.outbox import Outbox
from spancast.destinations.destination import Destination
from spancast.errors import ConfigurationError
from spancast.settings.settings import Settings

T = TypeVar("T")


def destination_called(name: str, settings: Settings) -> Destination:
    """Return the destination of that name; raise `ConfigurationError` if none is configured."""
    names = [destination.name for destination in settings.destinations]
    if name in names:
        return settings.destinations[names.index(name)]
    cure = did_you_mean(name, names) or f"Configured are {', '.join(names) or 'none'}."
    raise ConfigurationError(
        f"No destination is called {name!r} here. {cure} Name it in SPANCAST_DESTINATIONS, or in spancast.toml."
    )


def open_outbox(settings: Settings) -> Outbox:
    """Return the outbox, after pruning it."""
    outbox = Outbox(settings.home, Limits.of(settings))
    while outbox.prune():
        pass
    return outbox


@contextmanager
def couriers(settings: Settings, destinations: Sequence[Destination], outbox: Outbox) -> Iterator[list[Courier]]:
    """Provide a courier for each destination that can be served; report what the others lack."""
    from spancast import workers  # noqa: PLC0415 - OpenTelemetry's SDK comes with it; --help needs none

    served, unserved = workers.couriers(settings, destinations, outbox)
    for each in unserved:
        print(f"spancast: {each.error}", file=sys.stderr)
        outbox.mark_unconfigured(each.name, each.exporter, str(each.error), even_if_served=True)
    try:
        yield served
    finally:
        for courier in served:
            courier.close()


def send(courier: Courier, deadline: Deadline) -> None:
    """Do passes until nothing waits, another pass cannot help, or it would come after the deadline."""
    while (remaining := deadline.remaining) > 0:
        result = courier.deliver_once(deadline)
        if not result.more:
            if result.wait is None or result.wait > remaining:
                return
            time.sleep(result.wait)


def despite_damage(home: Path, work: Callable[[], T]) -> T:
    """Do work on a ledger and its outbox; repeat it if one was damaged and set aside, since a new one replaces it.

    Other errors of the files raise `SpancastError`.
    """
    with ledger_errors(home, also="the outbox"):
        for _ in range(2):  # both may be damaged
            with suppress(SetAsideError):
                return work()
        return work()


def could_be_sent(standing: Standing) -> int:
    """Return the number of records that wait neither for a cost nor for the platform to say whether it has them."""
    return standing.waiting - sum(standing.waits.get(reason, 0) for reason in (COST_EXPECTED, AMBIGUOUS))
