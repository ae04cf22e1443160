"""What only a management key may ask for."""

from collections.abc import Callable

import msgspec

from spancast.testing.simulator import errors
from spancast.testing.simulator.account import Account
from spancast.testing.simulator.answer import Answer
from spancast.testing.simulator.served import Served


def only(answer: Callable[[Served, Account], Answer], status: int = 403) -> Callable[[Served, Account], Answer]:
    """Return `answer` for management keys; to another key it raises `Refused`: `status`, as OpenRouter describes it."""

    def guarded(served: Served, account: Account) -> Answer:
        if not is_management(served.key_hash, account):
            raise errors.Refused(msgspec.structs.replace(errors.NOT_MANAGEMENT, status=status))
        return answer(served, account)

    return guarded


def is_management(key_hash: str | None, account: Account) -> bool:
    """Whether a key is a management key: the one that was named to the simulator, or any where none was."""
    return account.config.management_key_hash in {None, key_hash}
