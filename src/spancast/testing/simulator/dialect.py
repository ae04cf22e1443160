"""A dialect: how one route is asked and answered. Each is a record of functions; `dialects.table` has them all."""

from collections.abc import Callable
from typing import Any, Generic, Literal

import msgspec

from spancast.testing.simulator import answer, errors, reading
from spancast.testing.simulator.directives import Directives
from spancast.testing.simulator.errors import Refusal
from spancast.testing.simulator.generation import Ending, Generation, Opening
from spancast.testing.simulator.model import Kind, Model
from spancast.testing.simulator.order import Order, Want
from spancast.testing.simulator.pieces import Piece
from spancast.testing.simulator.served import Served

ApiType = Literal["completions", "embeddings", "rerank", "tts", "stt", "video", "image", "decisions"]
"""What `GET /generation` calls an operation (openrouter SDK, GenerationResponse)."""

PADDING = b"\n         \n"
"""What OpenRouter sends while the model is at work; JSON parsers skip it."""
COMMENT = b": OPENROUTER PROCESSING\n\n"
"""The same in a stream; parsers of server-sent events skip it."""


class Dialect(msgspec.Struct, Generic[Want], frozen=True, kw_only=True):
    """One way of asking OpenRouter for something."""

    operation: str
    """What it is for; see `Bill.operation`."""
    api_type: ApiType = "completions"
    kind: Kind = "text"
    """Which models answer."""
    prefix: str = "gen-"
    """How the ids of its generations begin."""

    parse: Callable[[Served], dict[str, Any]] = reading.json_object
    """Return the members of the request; raise `Refused` where there are none."""
    read: Callable[[dict[str, Any]], Want]
    """Return what they ask for; raise `Refused` where OpenRouter would not take it."""
    make: Callable[[Want, Model, Opening, Directives], Generation[Any]]
    end: Callable[[Generation[Any], Ending], Generation[Any]]
    """Return the generation as it is when it ends early."""

    whole: Callable[[Order[Want], Generation[Any]], tuple[Piece, ...]]
    """Return a plain answer."""
    stream: Callable[[Order[Want], Generation[Any]], tuple[Piece, ...]] | None = None
    """Return an answer as a stream of events; `None` where there is none."""
    refusal: Callable[[Refusal], bytes] = errors.body
    """Return the body that states an error."""
    states_failure: bool = False
    """Whether a plain answer can hold what was made before a failure; else it is the error instead."""

    status: int = 200
    """Of an answer that is no error."""
    content_type: str = answer.JSON
    padding: bytes = PADDING
    """What a plain answer follows while it is made; none for none."""
    paddings: int = 0
    comment: bytes = COMMENT
    comments: int = 2
    done: bytes = b""
    """The end of a stream, if directed; most end with `[DONE]` anyway."""
    names_generation: bool = True
    """Whether a header names the generation."""
    names_provider: bool = False
    """Whether a header names the provider."""
    cacheable: bool = False
    """Whether the response cache serves it (OpenRouter docs, response caching)."""
