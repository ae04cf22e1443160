"""Who answers what."""

from collections.abc import Callable, Mapping

from spancast.testing.simulator import answer, chat, errors, keys, lookups, models
from spancast.testing.simulator.account import Account
from spancast.testing.simulator.answer import Answer
from spancast.testing.simulator.served import Served

BASE = "/api/v1"


def _list_models(_: Served, __: Account) -> Answer:
    return answer.json(models.listing())


_PUBLIC: Mapping[tuple[str, str], Callable[[Served, Account], Answer]] = {("GET", f"{BASE}/models"): _list_models}
"""What needs no key."""
_PRIVATE: Mapping[tuple[str, str], Callable[[Served, Account], Answer]] = {
    ("POST", f"{BASE}/chat/completions"): chat.complete,
    ("GET", f"{BASE}/generation"): lookups.look_up,
    ("GET", f"{BASE}/key"): keys.current,
    ("GET", f"{BASE}/credits"): keys.credit,
}


def answered(served: Served, account: Account) -> Answer:
    """Return the answer to a request, whatever it asks."""
    try:
        return _route(served)(served, account)
    except errors.Refused as refused:
        return answer.refusal(refused.refusal)


def _route(served: Served) -> Callable[[Served, Account], Answer]:
    asked = (served.method, served.path)
    if asked in _PUBLIC:
        return _PUBLIC[asked]
    if asked not in _PRIVATE:
        raise errors.Refused(errors.NO_ROUTE)
    if not served.authorized:
        raise errors.Refused(errors.NO_KEY)
    return _PRIVATE[asked]
