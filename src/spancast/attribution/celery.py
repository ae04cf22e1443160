"""The attribution of the calls of a Celery task: that of the code that sent it.

    from spancast.attribution.celery import carry

    carry()     # where the application is created, which both senders and workers import

The user, the session and the tags are carried in a header of the task's message.
"""

from collections.abc import Mapping
from typing import Any

from spancast.attribution.attribution import UNKNOWN, Pseudonym
from spancast.attribution.context import attribute
from spancast.attribution.context import current as current_attribution
from spancast.attribution.rules import pseudonymized
from spancast.base import guard

_HEADER = "spancast_attribution"
_BLOCK = "_spancast_block"


def carry() -> None:
    """Run each task inside the attribution in which it was sent; calling this again has no effect.

    Tasks that a task sends, and its retries, have its attribution. If the setting `user_hash` is set, the message holds
    the user's pseudonym.
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
        attribution = pseudonymized(current_attribution())
        if attribution == UNKNOWN or not isinstance(headers, dict):
            return
        headers[_HEADER] = {
            "user": attribution.user,
            "pseudonym": type(attribution.user) is Pseudonym,
            "session": attribution.session,
            "tags": dict(attribution.tags),
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
