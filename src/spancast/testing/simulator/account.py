"""The account that all requests to one simulator share: what was served, what was charged, what is in the cache."""

import threading
from collections import Counter
from decimal import Decimal

import msgspec

from spancast.testing.simulator import bills
from spancast.testing.simulator.bills import Bill
from spancast.testing.simulator.generation import Opening
from spancast.testing.simulator.identity import Mint
from spancast.testing.simulator.served import Served


class Terms(msgspec.Struct, frozen=True, kw_only=True):
    """What whoever starts the simulator decides for all requests."""

    lookups_before_ready: int
    """How many lookups of a generation are answered 404 first."""
    ready_after: float
    """Seconds from a generation's start before a lookup finds it."""
    slow_delay: float
    """Seconds that the fault `slow` takes."""
    credits: Decimal
    """USD bought."""


class Account:
    """Every access is one step under one lock; what is handed out are copies."""

    def __init__(self, mint: Mint, terms: Terms) -> None:
        self.terms = terms
        self._mint = mint
        self._lock = threading.Lock()
        self._served: list[Served] = []
        self._bills: dict[str, Bill] = {}
        self._prompts: set[tuple[str, str]] = set()
        self._lookups: Counter[str] = Counter()

    def serve(self, request: Served) -> None:
        """Write down a request."""
        with self._lock:
            self._served.append(request)

    def open(self, model_id: str, prompt: str, at: float) -> Opening:
        """Return what a generation that starts `at` is given."""
        with self._lock:
            repeated = (model_id, prompt) in self._prompts
            self._prompts.add((model_id, prompt))
            return Opening(self._mint.generation_id(at), at, repeated)

    def charge(self, bill: Bill) -> None:
        """Write down a bill."""
        with self._lock:
            self._bills[bill.generation_id] = bill

    def look_up(self, generation_id: str, at: float) -> Bill | None:
        """Return the bill of a generation, once it can be found."""
        with self._lock:
            bill = self._bills.get(generation_id)
            if bill is None:
                return None
            self._lookups[generation_id] += 1
            is_early = self._lookups[generation_id] <= self.terms.lookups_before_ready
            return None if is_early or at < bill.created + self.terms.ready_after else bill

    @property
    def served(self) -> tuple[Served, ...]:
        """The requests in the order in which they arrived."""
        with self._lock:
            return tuple(self._served)

    @property
    def bills(self) -> tuple[Bill, ...]:
        """The bills in the order in which they were charged."""
        with self._lock:
            return tuple(self._bills.values())

    @property
    def usage(self) -> Decimal:
        """What was charged so far, in USD."""
        return bills.total(self.bills)

    @property
    def byok_usage(self) -> Decimal:
        """What the user's own provider keys were charged so far, in USD."""
        return bills.total_byok(self.bills)
