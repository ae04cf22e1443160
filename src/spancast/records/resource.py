"""What an OpenTelemetry resource states of its application."""

from collections.abc import Mapping
from typing import Any

from spancast.base.bounded import encodable, whole
from spancast.records.call import Scalar

ENVIRONMENT, RELEASE = "deployment.environment.name", "service.version"
"""Its attributes for them (OpenTelemetry semantic conventions, deployment and service)."""


def text_of(resource: Mapping[str, Scalar], name: str) -> str | None:
    """Return an attribute as text; `None` where there is none."""
    value = resource.get(name)
    return None if value is None else str(value)


def service_of(resource: Mapping[str, Scalar]) -> str | None:
    """Return `service.name`, unless it is OpenTelemetry's default for an unnamed service."""
    name = text_of(resource, "service.name")
    return None if not name or name.startswith("unknown_service") else name


def scalars(attributes: Mapping[str, Any]) -> dict[str, Scalar]:
    """Return the attributes that are scalars, as a record can hold them; lists are left out."""
    plain = ((key, value) for key, value in attributes.items() if isinstance(value, str | int | float | bool))
    return {encodable(key): _storable(value) for key, value in plain}


def _storable(value: Scalar) -> Scalar:
    if isinstance(value, str):
        return encodable(value)
    return whole(value) if isinstance(value, int) and not isinstance(value, bool) else value
