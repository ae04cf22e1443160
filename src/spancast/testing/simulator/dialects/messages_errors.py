"""Errors as the Messages dialect states them (OpenRouter API, AnthropicMessagesErrorResponse)."""

from typing import Any

import msgspec

from spancast.testing.simulator import errors
from spancast.testing.simulator.errors import Refusal
from spancast.testing.simulator.generation import Failure

_TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    408: "timeout_error",
    429: "rate_limit_error",
    524: "timeout_error",
    529: "overloaded_error",
}
"""Anthropic's error type by status; other statuses have `_OTHER`."""
_OTHER = "api_error"


def body(refusal: Refusal) -> bytes:
    """Return the body of an error response."""
    metadata = {name: value for name, value in (refusal.metadata or {}).items() if name != "error_type"}
    stated = _error(refusal.status, refusal.message, refusal.error_type) | {"request_id": None}
    return msgspec.json.encode(stated | ({"metadata": metadata} if metadata else {}) | errors.routing(refusal))


def event(failure: Failure) -> dict[str, Any]:
    """Return the data of the event for an error in mid-stream."""
    return _error(failure.code, failure.message, failure.error_type)


def _error(status: int, message: str, error_type: str | None) -> dict[str, Any]:
    stable = {"error_type": error_type} if error_type else {}
    return {"type": "error", "error": {"type": _TYPES.get(status, _OTHER), "message": message} | stable}
