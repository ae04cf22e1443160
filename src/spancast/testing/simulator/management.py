"""Routes that require a management key."""

from collections.abc import Callable

import msgspec

from spancast.testing.simulator import errors
from spancast.testing.simulator.account import Account
from spancast.testing.simulator.answer import Answer
from spancast.testing.simulator.served import Served


def only(answer: Callable[[Served, Account], Answer], status: int = 403) -> Callable[[Served, Account], Answer]:
    """Return `answer`, guarded: it raises `RequestError` with `status` unless the key is a management key."""

    def guarded(served: Served, account: Account) -> Answer:
        if not is_management(served.key_hash, account):
            raise errors.RequestError(msgspec.structs.replace(errors.NOT_MANAGEMENT, status=status))
        return answer(served, account)

    return guarded


def is_management(key_hash: str | None, account: Account) -> bool:
    """Whether a key is the configured management key; any key is one if none is configured."""
    return account.config.management_key_hash in {None, key_hash}
