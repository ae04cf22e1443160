"""Whom a call is for, by everything that says so.

In this order: the request's body, its header `x-session-id`, `spancast.attribute`, W3C baggage, the settings' defaults.
"""

from opentelemetry.context import Context

from spancast.attribution import baggage, context
from spancast.attribution.attribution import NOBODY, Attribution, Pseudonym
from spancast.attribution.rules import in_force, named, without_user
from spancast.capture.values import Facts, labels, text


def current(parent: Context | None = None) -> Attribution:
    """Return whom calls are for, here and now, as it may be written; baggage is read of `parent` where it is given."""
    return named(_said(parent))


def attributed(facts: Facts, session_header: str | None) -> Facts:
    """Return what a request says, with what it leaves open of whom it is for."""
    who = _said()
    stated = facts.get("user")
    user = stated if stated is not None else who.user
    session = facts.get("session") or text(session_header) or who.session
    said = {**facts, "user": text(user), "session": text(session), "tags": labels(who.tags.items()) if who.tags else {}}
    if in_force().hash_key is not None:
        said.update(_pseudonymous(Attribution(user, session, who.tags), facts))
    return said


def hidden(facts: Facts) -> str | None:
    """Return the user of a request as the application says it, where it is not to be written so."""
    if in_force().hash_key is None:
        return None
    stated = facts.get("user")
    user = stated if stated is not None else _said().user
    return None if type(user) is Pseudonym else text(user, None)


def _pseudonymous(who: Attribution, facts: Facts) -> Facts:
    """Return the same where users are pseudonymised."""
    written = named(who)
    said: Facts = {"user": text(written.user), "session": text(written.session), "tags": labels(written.tags.items())}
    if "metadata" in facts:
        said["metadata"] = without_user(facts["metadata"], who.user)
    said.update(without_user({name: facts[name] for name in _NAMES if name in facts}, who.user))
    return said


_NAMES = (
    *("trace_name", "span_name", "generation_name", "environment", "release"),
    *("request_trace_id", "request_parent_span_id", "app_title"),
)
"""What the application names things with, which may be whom they are for."""


def _said(parent: Context | None = None) -> Attribution:
    who, bag, defaults = context.current(), baggage.read(parent), in_force().defaults
    if bag is not None:
        who = who.inside(bag)
    return who if defaults is NOBODY else who.inside(defaults)
