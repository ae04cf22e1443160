"""The fields that requests of all dialects have in common, parsed, with those of the dialect inside."""

from typing import Any, Generic, Protocol, TypeVar

import msgspec

from spancast.testing.simulator import reading
from spancast.testing.simulator.served import Served


class DialectFields(Protocol):
    """A request's fields of one dialect."""

    @property
    def key(self) -> str:
        """The key of the prompt in the provider's cache."""
        ...


Fields = TypeVar("Fields", bound=DialectFields)


class ParsedRequest(msgspec.Struct, Generic[Fields], frozen=True, kw_only=True):
    """A parsed request."""

    fields: Fields
    models: tuple[str, ...]
    """The model, then its fallbacks; at least one."""
    stream: bool
    service_tier: str | None
    user: str | None
    session_id: str | None
    base_url: str
    """The API's base URL, as the client addressed it."""
    includes_routing: bool
    """Whether the response includes `openrouter_metadata`."""


def order(fields: Fields, body: dict[str, Any], served: Served) -> ParsedRequest[Fields]:
    """Return the parsed request, given the dialect's fields; raise `RequestError` (400) if it names no model."""
    return ParsedRequest(
        fields=fields,
        models=reading.models(body),
        stream=body.get("stream") is True,
        service_tier=_tier(body),
        user=reading.text(body.get("user")) or reading.text(reading.member(body.get("metadata"), "user_id")),
        session_id=reading.text(body.get("session_id")) or served.headers.get("x-session-id"),
        base_url=f"http://{served.headers.get('host', '')}/api/v1",
        includes_routing=_includes_routing(served),
    )


def _tier(body: dict[str, Any]) -> str | None:
    """Return the requested tier; Anthropic's `speed` is a synonym (OpenRouter docs, service tiers)."""
    return reading.text(body.get("service_tier")) or ("fast" if body.get("speed") == "fast" else None)


def _includes_routing(served: Served) -> bool:
    names = ("x-openrouter-metadata", "x-openrouter-experimental-metadata")
    return any(served.headers.get(name, "").lower() == "enabled" for name in names)
