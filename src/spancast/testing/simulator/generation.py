"""One generation: what a model makes of a request, and what that costs."""

from typing import Any, Generic, TypeVar

import msgspec

from spancast.testing.simulator.model import Model
from spancast.testing.simulator.usage import Usage, insured

Output = TypeVar("Output")


class Opening(msgspec.Struct, frozen=True, kw_only=True):
    """What a generation is given when it starts."""

    id: str
    at: float
    """Unix time in seconds."""
    repeated: bool = False
    """Whether its model has seen the same prompt before."""
    source_id: str | None = None
    """The generation whose answer the response cache gives again."""

    @property
    def seed(self) -> str:
        """The id that the ids within the answer follow from."""
        return self.source_id or self.id


class Failure(msgspec.Struct, frozen=True):
    """A provider that fails in the middle of an answer."""

    code: int
    message: str
    error_type: str
    in_choice: bool
    """Whether a stream states it in the part of the answer that failed; else in an object of its own."""


class Ending(msgspec.Struct, frozen=True, kw_only=True):
    """An end that a generation comes to other than by itself."""

    finish_reason: str | None
    failure: Failure | None = None
    share: int
    """A half (2), or nothing (0), is kept of the words."""
    insured: bool
    """Whether the inference is not charged (OpenRouter docs, zero completion insurance)."""


class Generation(msgspec.Struct, Generic[Output], frozen=True, kw_only=True):
    """What answers a request."""

    opening: Opening
    model: Model
    output: Output
    usage: Usage
    finish_reason: str | None = None
    usage_stated: bool = True
    failure: Failure | None = None
    routing: dict[str, Any] | None = None
    """`openrouter_metadata`, where it was asked for."""

    @property
    def id(self) -> str:
        """The generation's id."""
        return self.opening.id

    @property
    def created(self) -> int:
        """Unix time in whole seconds."""
        return int(self.opening.at)

    @property
    def native_finish_reason(self) -> str | None:
        """The provider's own word for the finish reason."""
        return self.model.native.finish_reason(self.finish_reason)


def fail(made: Generation[Any], ending: Ending) -> Generation[Any]:
    """Return a generation that makes no words as it is when it ends early: it has failed, and costs nothing.

    An end that costs something is one that only words can come to, and changes nothing.
    """
    if not ending.insured:
        return made
    failure = ending.failure or _NOTHING_CAME
    return msgspec.structs.replace(made, failure=failure, usage=insured(made.usage))


_NOTHING_CAME = Failure(502, "The provider returned an empty response", "provider_unavailable", in_choice=False)
