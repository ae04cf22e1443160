"""Checks of the OpenTelemetry providers that a program passes: not a tracer, a class, or the wrong one of the two."""

from typing import Any

from spancast.errors import ConfigurationError

_FACTORIES = {"tracer_provider": "get_tracer", "meter_provider": "get_meter"}
"""The method that each must have; a double or a proxy will do."""


def checked(**given: Any) -> None:
    """Raise `ConfigurationError` if a provider cannot create tracers, or meters."""
    for name, provider in given.items():
        if provider is not None and (
            isinstance(provider, type) or not callable(getattr(provider, _FACTORIES[name], None))
        ):
            kind = name.replace("_", " ").title().replace(" ", "")
            raise ConfigurationError.of(
                name, provider, f"Give a {kind} of OpenTelemetry's, which has {_FACTORIES[name]}()."
            )
