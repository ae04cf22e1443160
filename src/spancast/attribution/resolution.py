"""The attribution of a call, from everything that states one.

In this order: the request's body, its header `x-session-id`, `spancast.attribute`, W3C baggage, the settings' defaults.
"""

from opentelemetry.context import Context

from spancast.attribution import baggage, context
from spancast.attribution.attribution import UNKNOWN, Attribution, Pseudonym
from spancast.attribution.rules import current_rules, pseudonymized, pseudonymized_values
from spancast.capture.values import Facts, labels, text


def current(parent: Context | None = None) -> Attribution:
    """Return the attribution of this context, as it may be stored; baggage is read from `parent` if it is given."""
    return pseudonymized(_stated(parent))


def with_attribution(facts: Facts, session_header: str | None) -> Facts:
    """Return the facts of a request, completed by the attribution of this context."""
    attribution = _stated()
    stated = facts.get("user")
    user = stated if stated is not None else attribution.user
    session = facts.get("session") or text(session_header) or attribution.session
    tags = labels(attribution.tags.items()) if attribution.tags else {}
    found = {**facts, "user": text(user), "session": text(session), "tags": tags}
    if current_rules().hash_key is not None:
        found.update(_pseudonymized(Attribution(user, session, attribution.tags), facts))
    return found


def raw_user(facts: Facts) -> str | None:
    """Return the user of a request as the application states it, if it must not be stored."""
    if current_rules().hash_key is None:
        return None
    stated = facts.get("user")
    user = stated if stated is not None else _stated().user
    return None if type(user) is Pseudonym else text(user, None)


def _pseudonymized(attribution: Attribution, facts: Facts) -> Facts:
    """Return the facts in which users are pseudonymised."""
    written = pseudonymized(attribution)
    found: Facts = {"user": text(written.user), "session": text(written.session), "tags": labels(written.tags.items())}
    if "metadata" in facts:
        found["metadata"] = pseudonymized_values(facts["metadata"], attribution.user)
    found.update(pseudonymized_values({name: facts[name] for name in _NAMES if name in facts}, attribution.user))
    return found


_NAMES = (
    *("trace_name", "span_name", "generation_name", "environment", "release"),
    *("request_trace_id", "request_parent_span_id", "app_title"),
)
"""Facts that the application names freely, perhaps by the user."""


def _stated(parent: Context | None = None) -> Attribution:
    attribution, bag, defaults = context.current(), baggage.read(parent), current_rules().defaults
    if bag is not None:
        attribution = attribution.with_defaults(bag)
    return attribution if defaults is UNKNOWN else attribution.with_defaults(defaults)
