"""The providers of OpenTelemetry's that a program gives: a tracer, a class or the wrong one of the two is none."""

from typing import Any

from spancast.errors import ConfigurationError

_KINDS = {"tracer_provider": "get_tracer", "meter_provider": "get_meter"}
"""What each of them makes. A double or a proxy of one is as good."""


def checked(**given: Any) -> None:
    """Raise `ConfigurationError` where what is given as a provider makes no tracers, or no meters."""
    for name, seen in given.items():
        if seen is not None and (isinstance(seen, type) or not callable(getattr(seen, _KINDS[name], None))):
            kind = name.replace("_", " ").title().replace(" ", "")
            raise ConfigurationError.of(name, seen, f"Give a {kind} of OpenTelemetry's, which has {_KINDS[name]}().")
