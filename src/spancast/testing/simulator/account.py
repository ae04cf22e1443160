"""The state that all requests to a simulator share: requests, bills, cached prompts, lookups."""

import threading
from collections import Counter
from decimal import Decimal

from spancast.testing.simulator import bills, errors
from spancast.testing.simulator.bills import Bill
from spancast.testing.simulator.config import Config, LookupDelay
from spancast.testing.simulator.generation import GenerationStart
from spancast.testing.simulator.identity import IdGenerator
from spancast.testing.simulator.jobs import Jobs
from spancast.testing.simulator.response_cache import ResponseCache
from spancast.testing.simulator.served import Served

_MINUTE_SECONDS = 60.0
_QUERIES_PER_MINUTE = 64
"""OpenRouter's limit for analytics (OpenRouter skills, analytics query)."""


class Account:
    """Thread-safe: every access holds the lock, and returns copies."""

    def __init__(self, mint: IdGenerator, config: Config) -> None:
        self.config = config
        self.responses = ResponseCache()
        self.jobs = Jobs(self.charge)
        self._mint = mint
        self._lock = threading.Lock()
        self._served: list[Served] = []
        self._bills: dict[str, Bill] = {}
        self._prompts: set[tuple[str, str]] = set()
        self._lookups: Counter[str] = Counter()
        self._lookup_delay: dict[str, LookupDelay] = {}
        self._queries: list[float] = []

    def serve(self, request: Served) -> None:
        """Record a request."""
        with self._lock:
            self._served.append(request)

    def open(self, prefix: str, model_id: str, prompt: str, at: float, lookup_delay: LookupDelay) -> GenerationStart:
        """Open a generation that starts `at`; `lookup_delay` applies to its lookups."""
        with self._lock:
            repeated = (model_id, prompt) in self._prompts
            self._prompts.add((model_id, prompt))
            generation_id = self._mint.generation_id(prefix, at)
            self._lookup_delay[generation_id] = lookup_delay
            return GenerationStart(id=generation_id, at=at, repeated=repeated)

    def batch_id(self) -> str:
        """Return the id of the next batch."""
        with self._lock:
            return self._mint.batch_id()

    def charge(self, bill: Bill) -> None:
        """Record a bill."""
        with self._lock:
            self._bills[bill.generation_id] = bill

    def look_up(self, generation_id: str, at: float) -> Bill | None:
        """Return the bill of a generation; `None` while a lookup does not find it yet."""
        with self._lock:
            bill = self._bills.get(generation_id)
            if bill is None:
                return None
            self._lookups[generation_id] += 1
            lookup_delay = self._lookup_delay[generation_id]
            is_early = self._lookups[generation_id] <= lookup_delay.lookups
            return None if is_early or at < bill.created + lookup_delay.seconds else bill

    def allow_query(self, at: float) -> None:
        """Count a query to analytics; raise `RequestError` (429) if there were too many within a minute."""
        with self._lock:
            self._queries = [earlier for earlier in self._queries if at - earlier < _MINUTE_SECONDS]
            if len(self._queries) >= _QUERIES_PER_MINUTE:
                raise errors.RequestError(errors.TOO_MANY)
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
        """The sum that was charged so far, in USD."""
        return bills.total(self.bills)
