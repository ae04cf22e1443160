"""One model, and the provider that serves it."""

from typing import Literal

import msgspec

from spancast.testing.simulator.native import Native
from spancast.testing.simulator.prices import Prices

Kind = Literal["text", "embeddings", "rerank", "image", "speech", "transcription", "video", "decision"]
"""What a model makes. It answers the dialects of its kind only."""


class Model(msgspec.Struct, frozen=True, kw_only=True):
    """A model as it answers: for a request of another tier or in a batch, at other prices."""

    id: str
    kind: Kind = "text"
    slug: str
    """What comes back as `model`: the dated slug where there is one."""
    name: str
    provider: str
    native: Native
    prices: Prices
    tier: str | None = None
    """The service tier that serves, where one was asked for and the provider has it."""
    reasoning: Literal["always", "asked", "never"] = "never"
    created: int
    context_length: int
    longest_answer: int | None
    tokenizer: str
