"""A dialect: the request and response format of one route, as a record of functions. `dialects.table` lists them."""

from collections.abc import Callable
from typing import Any, Generic, Literal

import msgspec

from spancast.testing.simulator import answer, errors, reading
from spancast.testing.simulator.directives import Directives
from spancast.testing.simulator.errors import Refusal
from spancast.testing.simulator.generation import EarlyEnd, Generation, GenerationStart
from spancast.testing.simulator.model import Kind, Model
from spancast.testing.simulator.order import Fields, ParsedRequest
from spancast.testing.simulator.pieces import Piece
from spancast.testing.simulator.served import Served

ApiType = Literal["completions", "embeddings", "rerank", "tts", "stt", "video", "image", "decisions"]
"""The operation's name in `GET /generation` (openrouter SDK, GenerationResponse)."""

PADDING = b"\n         \n"
"""Whitespace that OpenRouter sends while the model is working; JSON parsers skip it."""
COMMENT = b": OPENROUTER PROCESSING\n\n"
"""The same in a stream; parsers of server-sent events skip it."""


class Dialect(msgspec.Struct, Generic[Fields], frozen=True, kw_only=True):
    """The request and response format of one route."""

    operation: str
    """The name of the operation; see `Bill.operation`."""
    api_type: ApiType = "completions"
    kind: Kind = "text"
    """The kind of model that serves it."""
    prefix: str = "gen-"
    """The prefix of its generation ids."""

    parse: Callable[[Served], dict[str, Any]] = reading.json_object
    """Return the request body as an object; raise `RequestError` if it is not one."""
    read: Callable[[dict[str, Any]], Fields]
    """Return the parsed fields; raise `RequestError` if OpenRouter would reject them."""
    make: Callable[[Fields, Model, GenerationStart, Directives], Generation[Any]]
    end: Callable[[Generation[Any], EarlyEnd], Generation[Any]]
    """Return the generation truncated by an early end."""

    whole: Callable[[ParsedRequest[Fields], Generation[Any]], tuple[Piece, ...]]
    """Return a response that is not streamed."""
    stream: Callable[[ParsedRequest[Fields], Generation[Any]], tuple[Piece, ...]] | None = None
    """Return a streamed response; `None` if the dialect has no streaming."""
    refusal: Callable[[Refusal], bytes] = errors.body
    """Return the body that states an error."""
    states_failure: bool = False
    """Whether a plain response can carry partial output with an error; otherwise the error replaces it."""

    status: int = 200
    """The status of a successful response."""
    content_type: str = answer.JSON
    padding: bytes = PADDING
    """Sent before a plain response while it is being generated; may be empty."""
    paddings: int = 0
    comment: bytes = COMMENT
    comments: int = 2
    done: bytes = b""
    """An additional end of the stream, if directed; most streams end with `[DONE]` anyway."""
    names_generation: bool = True
    """Whether a header names the generation."""
    names_provider: bool = False
    """Whether a header names the provider."""
    cacheable: bool = False
    """Whether the response cache supports it (OpenRouter docs, response caching)."""
