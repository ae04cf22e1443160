"""One generation: a model's output for a request, and its cost."""

from typing import Any, Generic, TypeVar

import msgspec

from spancast.testing.simulator.model import Model
from spancast.testing.simulator.usage import Usage, insured

Output = TypeVar("Output")


class GenerationStart(msgspec.Struct, frozen=True, kw_only=True):
    """The state of a generation when it starts."""

    id: str
    at: float
    """Unix time in seconds."""
    repeated: bool = False
    """Whether its model has seen the same prompt before."""
    source_id: str | None = None
    """The generation whose response the response cache repeats."""

    @property
    def seed(self) -> str:
        """The id from which the ids within the response are derived."""
        return self.source_id or self.id


class Failure(msgspec.Struct, frozen=True):
    """A provider error in the middle of a response."""

    code: int
    message: str
    error_type: str
    in_choice: bool
    """Whether a stream states it in the choice that failed; otherwise in a separate object."""


class EarlyEnd(msgspec.Struct, frozen=True, kw_only=True):
    """An early end of a generation, caused by a fault."""

    finish_reason: str | None
    failure: Failure | None = None
    share: int
    """The share of the words that is kept: half (2) or none (0)."""
    insured: bool
    """Whether the inference is not charged (OpenRouter docs, zero completion insurance)."""


class Generation(msgspec.Struct, Generic[Output], frozen=True, kw_only=True):
    """A model's output for a request, with its usage."""

    opening: GenerationStart
    model: Model
    output: Output
    usage: Usage
    finish_reason: str | None = None
    usage_stated: bool = True
    failure: Failure | None = None
    routing: dict[str, Any] | None = None
    """`openrouter_metadata`, if it was requested."""

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
        """The provider's native finish reason."""
        return self.model.native.finish_reason(self.finish_reason)


def fail(made: Generation[Any], ending: EarlyEnd) -> Generation[Any]:
    """Return a generation without text output after an early end: failed, and free of charge.

    Early ends that are charged apply to text output only; they leave the generation unchanged.
    """
    if not ending.insured:
        return made
    failure = ending.failure or _NOTHING_CAME
    return msgspec.structs.replace(made, failure=failure, usage=insured(made.usage))


_NOTHING_CAME = Failure(502, "The provider returned an empty response", "provider_unavailable", in_choice=False)
