"""Whom the calls of a Celery task are for: those for whom it was sent.

    from spancast.attribution.celery import carry

    carry()     # where the application is made, so that both who sends tasks and who works them off run it

The user, the session and the tags travel in a header of the task's message.
"""

from collections.abc import Mapping
from typing import Any

from spancast.attribution.attribution import NOBODY, Pseudonym
from spancast.attribution.context import attribute
from spancast.attribution.context import current as said
from spancast.attribution.rules import named
from spancast.base import guard

_HEADER = "spancast_attribution"
_BLOCK = "_spancast_block"


def carry() -> None:
    """Have each task worked off inside the attribution in which it was sent; asked for twice it is done once.

    What is sent by a task goes on with the task's. A task is tried again with the same. Where the setting `user_hash`
    has users pseudonymised, the message holds the pseudonym.
    """
    from celery import signals  # type: ignore[import-not-found]  # noqa: PLC0415 - nothing is imported unless it is used

    for signal, receiver in (
        (signals.before_task_publish, _send),
        (signals.task_prerun, _begin),
        (signals.task_postrun, _end),
    ):
        signal.connect(receiver, weak=False, dispatch_uid=f"spancast.{receiver.__name__}")


def _send(headers: Any = None, **_: Any) -> None:
    with guard.quietly("attribution.celery"):
        who = named(said())
        if who == NOBODY or not isinstance(headers, dict):
            return
        headers[_HEADER] = {
            "user": who.user,
            "pseudonym": type(who.user) is Pseudonym,
            "session": who.session,
            "tags": dict(who.tags),
        }


def _begin(task: Any = None, **_: Any) -> None:
    with guard.quietly("attribution.celery"):
        sent = getattr(task.request, _HEADER, None)
        if not isinstance(sent, Mapping):
            return
        user = sent.get("user")
        block = attribute(
            user=Pseudonym(user) if user and sent.get("pseudonym") is True else user,
            session=sent.get("session"),
            tags=sent.get("tags"),
        )
        setattr(task.request, _BLOCK, block.__enter__())


def _end(task: Any = None, **_: Any) -> None:
    with guard.quietly("attribution.celery"):
        block = getattr(task.request, _BLOCK, None)
        if block is not None:
            block.__exit__(None, None, None)
