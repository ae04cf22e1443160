"""Web search: the `web` plugin and `:online` always search; the server tool does if the last message names it.

(OpenRouter docs, web search: Exa's default mode costs 0.007 USD per search with up to ten results, and 0.001 USD per
additional result.)
"""

from decimal import Decimal
from typing import Any

import msgspec

from spancast.testing.simulator import prose, reading, toolcalls

TOOL = "openrouter:web_search"
_TOOL = "web_search"
"""The prefix of a search tool's type, after an optional `openrouter:`; Anthropic's is `web_search_20250305`."""
ENGINE = "exa"
RESULT_TOKENS = 64
"""The prompt tokens that a result adds."""
_PRICE = Decimal("0.007")
_INCLUDED = 10
_BEYOND = Decimal("0.001")
_USUAL = 5
_TITLE_WORDS = 4
_EXCERPT_WORDS = 20


class Search(msgspec.Struct, frozen=True):
    """One search."""

    results: int
    by_tool: bool
    """Whether the server tool ran it; otherwise the plugin did."""

    @property
    def cost(self) -> Decimal:
        """USD."""
        return _PRICE + _BEYOND * max(0, self.results - _INCLUDED)

    @property
    def tokens(self) -> int:
        """The prompt tokens that its results add."""
        return RESULT_TOKENS * self.results


class Source(msgspec.Struct, frozen=True):
    """A page that a response cites."""

    url: str
    title: str
    excerpt: str


def made(body: dict[str, Any], tools: list[dict[str, Any]], said: str) -> Search | None:
    """Return the search that a request triggers, if any; `said` is the user's last message."""
    return _plugged(body) or (_offered(tools) if toolcalls.is_named(_TOOL, said) else None)


def sources(key: str, search: Search | None) -> tuple[Source, ...]:
    """Return the pages that the response to `key` cites; none without a search."""
    return tuple(_source(f"{key}/source/{place}", place) for place in range(search.results)) if search else ()


def _plugged(body: dict[str, Any]) -> Search | None:
    plugins = reading.objects(body.get("plugins"))
    web = next((each for each in plugins if each.get("id") == "web" and each.get("enabled") is not False), None)
    if web is not None:
        return Search(_count(web.get("max_results")), by_tool=False)
    return Search(_USUAL, by_tool=False) if str(body.get("model")).endswith(":online") else None


def _offered(tools: list[dict[str, Any]]) -> Search | None:
    tool = next((tool for tool in tools if _is_search(tool.get("type"))), None)
    if tool is None:
        return None
    return Search(_count(reading.member(tool.get("parameters"), "max_results")), by_tool=True)


def _source(key: str, place: int) -> Source:
    title = "".join(prose.words(key, _TITLE_WORDS)).rstrip(".")
    slug = title.lower().replace(" ", "-")
    return Source(
        url=f"https://www.example.com/{place + 1}/{slug}",
        title=title,
        excerpt="".join(prose.words(f"{key}/excerpt", _EXCERPT_WORDS)),
    )


def _is_search(kind: object) -> bool:
    return isinstance(kind, str) and kind.removeprefix("openrouter:").startswith(_TOOL)


def _count(stated: object) -> int:
    return stated if isinstance(stated, int) and stated > 0 else _USUAL
