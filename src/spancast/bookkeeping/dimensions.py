"""What calls can be grouped by. Times are UTC, as OpenRouter's own activity and limits are."""

from collections.abc import Mapping

from spancast.errors import ConfigurationError

_MODEL = "coalesce(response_model, request_model)"
_SECONDS = "started_at / 1000000000, 'unixepoch'"
DIMENSIONS: Mapping[str, str] = {
    "user": "user",
    "session": "session",
    "model": _MODEL,
    "requested_model": "request_model",
    "provider": "provider",
    "operation": "operation",
    "app": "app",
    "key": "key_hash",
    "error_type": "error_type",
    "hour": f"strftime('%Y-%m-%dT%H:00Z', {_SECONDS})",
    "day": f"strftime('%Y-%m-%d', {_SECONDS})",
    "week": f"strftime('%Y-%m-%d', {_SECONDS}, 'weekday 0', '-6 days')",
    "month": f"strftime('%Y-%m', {_SECONDS})",
}
"""What costs can be summed by, besides `tag:KEY`. `model` is the one that answered, else the one asked for; `app` is
the resource's `service.name`; `key` the hash of the API key; a week is called by its Monday."""

TAG = "tag:"
"""What a dimension begins with that is the value of a tag."""


def is_dimension(name: str) -> bool:
    """Return whether costs can be summed by it."""
    return name in DIMENSIONS or (name.startswith(TAG) and name != TAG)


def expression(name: str, number: int, parameters: dict[str, object]) -> str:
    """Return the SQL of a dimension; raise `ConfigurationError` for one that is unknown."""
    if not is_dimension(name):
        raise ConfigurationError.of("by", name, f"Give any of {', '.join(DIMENSIONS)}, or tag:KEY.")
    if name in DIMENSIONS:
        return DIMENSIONS[name]
    parameters[f"by{number}"] = name.removeprefix(TAG)
    return f"tag(tags, :by{number})"
