"""Attribution in W3C baggage, which OpenTelemetry propagates from service to service."""

from collections.abc import Iterable, Mapping

from opentelemetry import baggage, context
from opentelemetry.context import Context

from spancast.attribution.attribution import Attribution, Pseudonym
from spancast.attribution.rules import current_rules, pseudonymized
from spancast.capture.values import labels, text

USER, SESSION = "user.id", "session.id"
"""The names of the entries, which are those of the span attributes (OpenTelemetry semantic conventions)."""
PSEUDONYM = "spancast.pseudonym"
"""The entry that marks `USER` as pseudonymised, so that its reader does not pseudonymise it again."""

_BAGGAGE = next(iter(baggage.set_baggage("any", "", Context())))
"""The context key of baggage, which is not public; OpenTelemetry's own `get_all` takes five times as long."""


def read(parent: Context | None = None) -> Attribution | None:
    """Return the attribution in the baggage of `parent`, or of the current context; `None` if there is no baggage."""
    bag = (context.get_current() if parent is None else parent).get(_BAGGAGE)
    if not bag or not isinstance(bag, dict):
        return None
    user, session = text(bag.get(USER)), text(bag.get(SESSION))
    if user is not None and PSEUDONYM in bag:
        user = Pseudonym(user)
    return Attribution(user, session, labels((key, bag.get(key)) for key in current_rules().baggage_keys))


def entries(attribution: Attribution) -> Mapping[str, str]:
    """Return the entries for an attribution."""
    stored = pseudonymized(attribution)
    tags = {key: stored.tags.get(key) for key in current_rules().baggage_keys}
    written = {USER: stored.user, SESSION: stored.session} | tags
    if type(stored.user) is Pseudonym:
        written[PSEUDONYM] = "hmac"
    return labels(written.items())


def current_entries(names: Iterable[str]) -> Mapping[str, object]:
    """Return the current values of these entries; `None` for one that is missing."""
    return {name: baggage.get_baggage(name) for name in names}


def set_entries(values: Mapping[str, object]) -> None:
    """Set entries of the current baggage; `None` removes one. No token is held."""
    current = context.get_current()
    for name, value in values.items():
        missing = value is None
        current = baggage.remove_baggage(name, current) if missing else baggage.set_baggage(name, value, current)
    context.attach(current)
