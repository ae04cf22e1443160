"""One model, and the provider that serves it."""

from typing import Literal

import msgspec

from spancast.testing.simulator.native import Native
from spancast.testing.simulator.prices import Prices

Kind = Literal["text", "embeddings", "rerank", "image", "speech", "transcription", "video", "decision"]
"""The kind of a model's output. A model serves only dialects of its kind."""


class Model(msgspec.Struct, frozen=True, kw_only=True):
    """A model; its prices depend on the service tier, and are different in a batch."""

    id: str
    kind: Kind = "text"
    slug: str
    """The `model` of responses: the dated slug if there is one."""
    name: str
    provider: str
    native: Native
    prices: Prices
    tier: str | None = None
    """The service tier that serves the request, if one was requested and the provider has it."""
    reasoning: Literal["always", "asked", "never"] = "never"
    created: int
    context_length: int
    max_completion_tokens: int | None
    tokenizer: str
