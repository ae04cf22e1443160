"""Errors as OpenRouter answers them."""

from typing import Any

import msgspec

USER_ID = "user_simulator"


class Refusal(msgspec.Struct, frozen=True, kw_only=True):
    """An answer that is an error: an HTTP status and OpenRouter's error object."""

    status: int
    message: str
    metadata: dict[str, Any] | None = None
    headers: dict[str, str] = {}
    names_user: bool = True
    """Errors that come before the key is known carry no `user_id`."""

    def body(self) -> bytes:
        """Return the body of the answer."""
        error: dict[str, Any] = {"message": self.message, "code": self.status}
        if self.metadata is not None:
            error["metadata"] = self.metadata
        return msgspec.json.encode({"error": error} | ({"user_id": USER_ID} if self.names_user else {}))


class Refused(Exception):  # noqa: N818  the name of what happened; it never leaves the simulator
    """Ends the handling of a request with a `Refusal`."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.message)
        self.refusal = refusal


NO_KEY = Refusal(status=401, message="No cookie auth credentials found", names_user=False)
NO_ROUTE = Refusal(status=404, message="Not Found", names_user=False)
NO_MESSAGES = Refusal(status=400, message='Input required: specify "prompt" or "messages"')
NO_JSON = Refusal(status=400, message="The request body is not valid JSON.")


def bad_request(message: str) -> Refused:
    """Return the exception that answers 400 with `message`."""
    return Refused(Refusal(status=400, message=message))


def no_model(model: str) -> Refused:
    """Return the exception that answers as OpenRouter does to a model it does not have."""
    return bad_request(f"{model} is not a valid model ID")


def no_generation(generation_id: str) -> Refused:
    """Return the exception that answers as OpenRouter does to an id it does not know, or not yet."""
    return Refused(Refusal(status=404, message=f"Generation {generation_id} not found", names_user=False))
