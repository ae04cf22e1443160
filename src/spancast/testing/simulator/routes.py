"""The route table."""

from collections.abc import Callable
from functools import partial

import msgspec

from spancast.testing.simulator import (
    activity,
    analytics,
    answer,
    errors,
    keys,
    listing,
    lookups,
    management,
    presets,
    service,
)
from spancast.testing.simulator.account import Account
from spancast.testing.simulator.answer import Answer
from spancast.testing.simulator.dialects import batches, videos
from spancast.testing.simulator.dialects.table import DIALECTS
from spancast.testing.simulator.errors import Refusal
from spancast.testing.simulator.served import Served

API = "/api"
BASE = f"{API}/v1"
_ANY = "*"


class Route(msgspec.Struct, frozen=True):
    """The handler of a method and path; `*` matches one path segment."""

    method: str
    path: str
    answer: Callable[[Served, Account], Answer]
    refusal: Callable[[Refusal], bytes] = errors.body
    """Makes the body of an error."""
    public: bool = False
    """Whether it requires no API key."""


_ROUTES = (
    *(
        Route("POST", API + path, partial(service.serve, dialect), dialect.refusal)
        for path, dialect in DIALECTS.items()
    ),
    Route("POST", f"{BASE}/videos", videos.submit),
    Route("GET", f"{BASE}/videos/*", videos.poll),
    Route("GET", f"{BASE}/videos/*/content", videos.content),
    *(
        route
        for base in (BASE, f"{API}/beta")
        for route in (
            Route("POST", f"{base}/batches", batches.submit),
            Route("GET", f"{base}/batches/*", batches.poll),
            Route("POST", f"{base}/batches/*/cancel", batches.cancel),
        )
    ),
    Route("GET", f"{BASE}/models", listing.show, public=True),
    Route("GET", f"{BASE}/generation", lookups.look_up),
    Route("GET", f"{BASE}/key", keys.current),
    Route("GET", f"{BASE}/keys", management.only(keys.every, 401)),
    Route("GET", f"{BASE}/keys/*", management.only(keys.one, 401)),
    Route("GET", f"{BASE}/credits", management.only(keys.credit)),
    Route("GET", f"{BASE}/activity", management.only(activity.show)),
    Route("GET", f"{BASE}/analytics/meta", management.only(analytics.meta)),
    Route("POST", f"{BASE}/analytics/query", management.only(analytics.ask)),
    Route("POST", f"{BASE}/presets/*/chat/completions", presets.make),
    Route("POST", f"{BASE}/presets/*/responses", presets.make),
    Route("POST", f"{BASE}/presets/*/messages", presets.make),
)


def answered(served: Served, account: Account) -> Answer:
    """Return the response to any request, including errors."""
    route = next((route for route in _ROUTES if _matches(route, served)), None)
    if route is None:
        return answer.refusal(errors.NO_ROUTE)
    if not route.public and not served.authorized:
        return answer.refusal(errors.NO_KEY, route.refusal)
    try:
        return route.answer(served, account)
    except errors.RequestError as refused:
        return answer.refusal(refused.refusal, route.refusal)


def _matches(route: Route, served: Served) -> bool:
    if route.method != served.method:
        return False
    if _ANY not in route.path:
        return route.path == served.path
    wanted = route.path.strip("/").split("/")
    return len(wanted) == len(served.parts) and all(map(_fits, wanted, served.parts))


def _fits(wanted: str, member: str) -> bool:
    return wanted in {_ANY, member}
