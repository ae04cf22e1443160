"""OpenRouter's error responses."""

from typing import Any

import msgspec

USER_ID = "user_simulator"
_MASKED = 500
"""The status of OpenRouter's internal errors, whose responses omit the metadata (OpenRouter docs, router metadata)."""


class Refusal(msgspec.Struct, frozen=True, kw_only=True):
    """An error response: an HTTP status and OpenRouter's error object."""

    status: int
    message: str
    metadata: dict[str, Any] | None = None
    headers: dict[str, str] = {}
    names_user: bool = True
    """Whether it carries `user_id`; errors that precede authentication do not."""
    routing: dict[str, Any] | None = None
    """`openrouter_metadata`, a sibling of the error, if it was requested."""

    @property
    def error_type(self) -> str | None:
        """OpenRouter's stable code for the error, if it has one."""
        return (self.metadata or {}).get("error_type")


class RequestError(Exception):
    """Ends the handling of a request with a `Refusal`."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.message)
        self.refusal = refusal


NO_KEY = Refusal(status=401, message="No cookie auth credentials found", names_user=False)
NOT_MANAGEMENT = Refusal(status=403, message="Only management keys can perform this operation")
TOO_MANY = Refusal(status=429, message="Rate limit exceeded", headers={"Retry-After": "1"}, names_user=False)
NO_ROUTE = Refusal(status=404, message="Not Found", names_user=False)
NO_MESSAGES = Refusal(status=400, message='Input required: specify "prompt" or "messages"')
NO_JSON = Refusal(status=400, message="The request body is not valid JSON.")


def body(refusal: Refusal) -> bytes:
    """Return the response body, in the format of all dialects except Anthropic's."""
    error: dict[str, Any] = {"message": refusal.message, "code": refusal.status}
    if refusal.metadata is not None:
        error["metadata"] = refusal.metadata
    user = {"user_id": USER_ID} if refusal.names_user else {}
    return msgspec.json.encode({"error": error} | user | routing(refusal))


def routing(refusal: Refusal) -> dict[str, Any]:
    """Return the routing metadata that accompanies the error."""
    if refusal.routing is None or refusal.status == _MASKED:
        return {}
    return {"openrouter_metadata": refusal.routing}


def bad_request(message: str) -> RequestError:
    """Return the exception that answers 400 with `message`."""
    return RequestError(Refusal(status=400, message=message))


def not_found(message: str) -> RequestError:
    """Return the exception that answers 404 with `message`."""
    return RequestError(Refusal(status=404, message=message, names_user=False))


def no_model(model: str) -> RequestError:
    """Return the exception for an unknown model, as OpenRouter responds to it."""
    return bad_request(f"{model} is not a valid model ID")


def no_generation(generation_id: str) -> RequestError:
    """Return the exception for a generation id that OpenRouter does not know, or does not know yet."""
    return not_found(f"Generation {generation_id} not found")
