"""Helpers to parse request bodies, which may contain anything."""

from typing import Any, TypeVar

import msgspec

from spancast.testing.simulator import errors
from spancast.testing.simulator.served import Served

_T = TypeVar("_T")
_MAX_TEMPERATURE = 2


def json_object(served: Served) -> dict[str, Any]:
    """Return the body as a JSON object; raise `RequestError` (400) if it is not one."""
    try:
        body = served.json
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise errors.RequestError(errors.NO_JSON) from None
    if not isinstance(body, dict):
        raise errors.RequestError(errors.NO_JSON)
    return body


def objects(value: object) -> list[dict[str, Any]]:
    """Return the objects in a list; an empty list for any other value."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def member(value: object, name: str) -> Any:
    """Return a member of an object; `None` for any other value."""
    return value.get(name) if isinstance(value, dict) else None


def text(value: object) -> str | None:
    """Return a non-empty string; `None` for any other value."""
    return value if isinstance(value, str) and value else None


def texts(value: object) -> list[str]:
    """Return the strings in a list, or a single string as a list."""
    found = value if isinstance(value, list) else [value]
    return [item for item in found if isinstance(item, str)]


def content_text(content: object) -> str:
    """Return the text of a message's content: a string, or the texts of its parts."""
    if isinstance(content, str):
        return content
    return "\n".join(part["text"] for part in objects(content) if isinstance(part.get("text"), str))


def models(body: dict[str, Any]) -> tuple[str, ...]:
    """Return the model, then its fallbacks; raise `RequestError` (400) if there is none."""
    fallbacks = body.get("models")
    asked = [body.get("model"), *(fallbacks if isinstance(fallbacks, list) else [])]
    found = tuple(dict.fromkeys(model for model in asked if isinstance(model, str) and model))
    if not found:
        raise errors.bad_request("No models provided")
    return found


def check_temperature(body: dict[str, Any]) -> None:
    """Raise `RequestError` (400) if the temperature is too high."""
    temperature = body.get("temperature")
    if isinstance(temperature, int | float) and temperature > _MAX_TEMPERATURE:
        raise errors.bad_request(f"Expected temperature to be at most {_MAX_TEMPERATURE}, received {temperature:g}")


def limit(body: dict[str, Any], *names: str) -> int | None:
    """Return the output token limit, from the first of `names` present; raise `RequestError` (400) if it is invalid."""
    stated = next((body[name] for name in names if body.get(name) is not None), None)
    if stated is None:
        return None
    if not isinstance(stated, int) or stated < 1:
        raise errors.bad_request(f"Expected {names[-1]} to be at least 1, received {stated}")
    return stated


def required(body: dict[str, Any], name: str, kind: type[_T]) -> _T:
    """Return a required member; raise `RequestError` (400) if it is absent, empty or of another type."""
    value = body.get(name)
    if not value or not isinstance(value, kind):
        raise errors.bad_request(f"Invalid input: {name} is required")
    return value
