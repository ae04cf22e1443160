"""The account that all requests to one simulator share: what was served, what was charged, what is in the cache."""

import threading
from collections import Counter
from decimal import Decimal

from spancast.testing.simulator import bills, errors
from spancast.testing.simulator.bills import Bill
from spancast.testing.simulator.generation import Opening
from spancast.testing.simulator.identity import Mint
from spancast.testing.simulator.jobs import Jobs
from spancast.testing.simulator.response_cache import ResponseCache
from spancast.testing.simulator.served import Served
from spancast.testing.simulator.terms import Patience, Terms

_MINUTE = 60.0
_QUERIES_A_MINUTE = 64
"""(OpenRouter skills, analytics query)"""


class Account:
    """Every access is one step under one lock; what is handed out are copies."""

    def __init__(self, mint: Mint, terms: Terms) -> None:
        self.terms = terms
        self.responses = ResponseCache()
        self.jobs = Jobs(self.charge)
        self._mint = mint
        self._lock = threading.Lock()
        self._served: list[Served] = []
        self._bills: dict[str, Bill] = {}
        self._prompts: set[tuple[str, str]] = set()
        self._lookups: Counter[str] = Counter()
        self._patience: dict[str, Patience] = {}
        self._queries: list[float] = []

    def serve(self, request: Served) -> None:
        """Write down a request."""
        with self._lock:
            self._served.append(request)

    def open(self, prefix: str, model_id: str, prompt: str, at: float, patience: Patience) -> Opening:
        """Return what a generation that starts `at` is given; `patience` is what its lookups will take."""
        with self._lock:
            repeated = (model_id, prompt) in self._prompts
            self._prompts.add((model_id, prompt))
            generation_id = self._mint.generation_id(prefix, at)
            self._patience[generation_id] = patience
            return Opening(id=generation_id, at=at, repeated=repeated)

    def batch_id(self) -> str:
        """Return the id of the next batch."""
        with self._lock:
            return self._mint.batch_id()

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
            patience = self._patience[generation_id]
            is_early = self._lookups[generation_id] <= patience.lookups
            return None if is_early or at < bill.created + patience.seconds else bill

    def allow_query(self, at: float) -> None:
        """Count a question to analytics; raises `Refused` (429) where there were too many within a minute."""
        with self._lock:
            self._queries = [asked for asked in self._queries if at - asked < _MINUTE]
            if len(self._queries) >= _QUERIES_A_MINUTE:
                raise errors.Refused(errors.TOO_MANY)
            self._queries.append(at)

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
