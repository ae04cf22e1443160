"""The prompt of a text model, in a form common to all dialects: a conversation and tools."""

from typing import Any, Literal

import msgspec

from spancast.testing.simulator import reading, tokens, toolcalls
from spancast.testing.simulator.search import Search
from spancast.testing.simulator.usage import Ttl

_EFFORT_WORDS = {"minimal": 4, "low": 8, "medium": 16, "high": 32, "xhigh": 64, "max": 96}
_LONG = b'"ttl":"1h"'
Choice = Literal["auto", "none", "required"]
_CHOICES: dict[str, Choice] = {"none": "none", "required": "required", "any": "required"}
"""The values of `tool_choice`; Anthropic's is `any`."""


class Reasoning(msgspec.Struct, frozen=True, kw_only=True):
    """The requested reasoning."""

    words: int = _EFFORT_WORDS["medium"]
    """The length of the reasoning, by the requested effort."""
    asked: bool = False
    shown: bool = True


class Tools(msgspec.Struct, frozen=True, kw_only=True):
    """The client's functions, and the rules for calling them."""

    functions: list[dict[str, Any]]
    """`{"name", "description", "parameters"}`."""
    choice: Choice = "auto"
    named: object = None
    """The name of the function that must be called, if any."""
    parallel: bool = True

    def asked_for(self, said: str) -> list[dict[str, Any]]:
        """Return the functions that the model calls.

        None for "none"; the named function if it must be called. Otherwise those whose name, or a word of it with at
        least four letters, occurs in the user's last message, `said`; if there are none, the first for "required".
        """
        if self.choice == "none":
            return []
        must = [tool for tool in self.functions if tool["name"] == self.named]
        asked = must or [tool for tool in self.functions if toolcalls.is_named(tool["name"], said)]
        if not asked and self.choice == "required":
            asked = self.functions[:1]
        return asked if self.parallel else asked[:1]


class Prompt(msgspec.Struct, frozen=True, kw_only=True):
    """A conversation as chat messages, whatever its dialect."""

    messages: list[dict[str, Any]]
    tools: Tools
    max_tokens: int | None
    reasoning: Reasoning
    cache_ttl: Ttl | None
    """The cache TTL that `cache_control` requests."""
    search: Search | None
    tokens: int
    """Excluding the tokens that a search adds."""
    body: dict[str, Any]
    """The request body, parts of which some responses repeat."""

    @property
    def text(self) -> str:
        """The whole conversation, which determines the response."""
        said = ((message.get("role"), reading.content_text(message.get("content"))) for message in self.messages)
        return "\n".join(f"{role}: {words}" for role, words in said)

    @property
    def key(self) -> str:
        """The prompt's cache key: conversation and tools."""
        return self.text + msgspec.json.encode(self.tools.functions).decode()

    @property
    def tools_asked_for(self) -> list[dict[str, Any]]:
        """The functions that the model is to call."""
        return self.tools.asked_for(last_said(self.messages))


def last_said(messages: list[dict[str, Any]]) -> str:
    """Return the text of the last message if it is the user's, else an empty string."""
    last = messages[-1]
    return reading.content_text(last.get("content")) if last.get("role") == "user" else ""


def tools(functions: list[dict[str, Any]], *, choice: object, named: object, parallel: bool) -> Tools:
    """Return the tools of a request; functions without a name are ignored."""
    callable_ones = [function for function in functions if isinstance(function.get("name"), str)]
    mode = _CHOICES.get(choice, "auto") if isinstance(choice, str) else "auto"
    return Tools(functions=callable_ones, choice=mode, named=named, parallel=parallel)


def token_count(messages: list[dict[str, Any]], tools: list[dict[str, Any]]) -> int:
    """Return the number of tokens of a conversation and of the offered tools."""
    return sum(map(tokens.of_message, messages)) + sum(map(tokens.of_json, tools))


def cache_ttl(body: dict[str, Any]) -> Ttl | None:
    """Return the longest cache TTL that the request asks for, if any."""
    written = msgspec.json.encode(body)
    if b'"cache_control"' not in written:
        return None
    return "1h" if _LONG in written else "5m"


def reasoning(effort: object, *, asked: bool, shown: bool = True) -> Reasoning:
    """Return the requested reasoning; an unknown effort counts as medium."""
    return Reasoning(words=_EFFORT_WORDS.get(str(effort), _EFFORT_WORDS["medium"]), asked=asked, shown=shown)
