"""What an OpenTelemetry resource says of the application that it stands for."""

from collections.abc import Mapping
from typing import Any

from spancast.base.bounded import encodable, whole
from spancast.records.call import Scalar

ENVIRONMENT, RELEASE = "deployment.environment.name", "service.version"
"""Where it says them (OpenTelemetry semantic conventions, deployment and service)."""


def text_of(resource: Mapping[str, Scalar], name: str) -> str | None:
    """Return what it says under a name, as text; `None` where it says nothing."""
    value = resource.get(name)
    return None if value is None else str(value)


def service_of(resource: Mapping[str, Scalar]) -> str | None:
    """Return `service.name`, unless it is what OpenTelemetry puts where nobody named the service."""
    name = text_of(resource, "service.name")
    return None if not name or name.startswith("unknown_service") else name


def scalars(attributes: Mapping[str, Any]) -> dict[str, Scalar]:
    """Return the attributes that are plain values, as a record can hold them: lists are left out."""
    plain = ((key, value) for key, value in attributes.items() if isinstance(value, str | int | float | bool))
    return {encodable(key): _held(value) for key, value in plain}


def _held(value: Scalar) -> Scalar:
    if isinstance(value, str):
        return encodable(value)
    return whole(value) if isinstance(value, int) and not isinstance(value, bool) else value
