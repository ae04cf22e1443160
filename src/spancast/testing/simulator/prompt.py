"""What a text model is asked, in whatever dialect: a conversation and tools."""

from typing import Any, Literal

import msgspec

from spancast.testing.simulator import reading, tokens, toolcalls
from spancast.testing.simulator.search import Search
from spancast.testing.simulator.usage import Ttl

_EFFORT_WORDS = {"minimal": 4, "low": 8, "medium": 16, "high": 32, "xhigh": 64, "max": 96}
_LONG = b'"ttl":"1h"'
Choice = Literal["auto", "none", "required"]
_CHOICES: dict[str, Choice] = {"none": "none", "required": "required", "any": "required"}
"""The words for it; Anthropic says `any`."""


class Reasoning(msgspec.Struct, frozen=True, kw_only=True):
    """How the model is to reason."""

    words: int = _EFFORT_WORDS["medium"]
    """How long a model that reasons does so, by the effort asked for."""
    asked: bool = False
    shown: bool = True


class Tools(msgspec.Struct, frozen=True, kw_only=True):
    """The client's own functions, and which of them are to be called."""

    functions: list[dict[str, Any]]
    """`{"name", "description", "parameters"}`."""
    choice: Choice = "auto"
    named: object = None
    """The function that must be called, where one must."""
    parallel: bool = True

    def asked_for(self, said: str) -> list[dict[str, Any]]:
        """Return the functions that the model is to call.

        The one that must be called; the first for "required"; none for "none". Otherwise those whose name, or a word
        of it of four letters or more, stands in what the user `said` last.
        """
        if self.choice == "none":
            return []
        must = [tool for tool in self.functions if tool["name"] == self.named]
        asked = must or [tool for tool in self.functions if toolcalls.is_named(tool["name"], said)]
        if not asked and self.choice == "required":
            asked = self.functions[:1]
        return asked if self.parallel else asked[:1]


class Prompt(msgspec.Struct, frozen=True, kw_only=True):
    """A conversation as chat messages, whichever dialect it came in."""

    messages: list[dict[str, Any]]
    tools: Tools
    max_tokens: int | None
    reasoning: Reasoning
    cache_ttl: Ttl | None
    """How long `cache_control` asks for the prompt to stay in the cache."""
    search: Search | None
    tokens: int
    """Without what a search adds."""
    body: dict[str, Any]
    """The request, parts of which some answers repeat."""

    @property
    def text(self) -> str:
        """All of the conversation; it decides the answer."""
        said = ((message.get("role"), reading.content_text(message.get("content"))) for message in self.messages)
        return "\n".join(f"{role}: {words}" for role, words in said)

    @property
    def key(self) -> str:
        """What must be the same for the prompt to be found in the cache: conversation and tools."""
        return self.text + msgspec.json.encode(self.tools.functions).decode()

    @property
    def tools_asked_for(self) -> list[dict[str, Any]]:
        """The functions that the model is to call."""
        return self.tools.asked_for(last_said(self.messages))


def last_said(messages: list[dict[str, Any]]) -> str:
    """Return the last message's words, if it is the user's."""
    last = messages[-1]
    return reading.content_text(last.get("content")) if last.get("role") == "user" else ""


def tools(functions: list[dict[str, Any]], *, choice: object, named: object, parallel: bool) -> Tools:
    """Return the tools of a request; a function without a name is none."""
    callable_ones = [function for function in functions if isinstance(function.get("name"), str)]
    mode = _CHOICES.get(choice, "auto") if isinstance(choice, str) else "auto"
    return Tools(functions=callable_ones, choice=mode, named=named, parallel=parallel)


def token_count(messages: list[dict[str, Any]], tools: list[dict[str, Any]]) -> int:
    """Return the tokens of a conversation and of the tools as they were offered."""
    return sum(map(tokens.of_message, messages)) + sum(map(tokens.of_json, tools))


def cache_ttl(body: dict[str, Any]) -> Ttl | None:
    """Return for how long anything in the request asks to be cached."""
    written = msgspec.json.encode(body)
    if b'"cache_control"' not in written:
        return None
    return "1h" if _LONG in written else "5m"


def reasoning(effort: object, *, asked: bool, shown: bool = True) -> Reasoning:
    """Return how to reason; an effort that is not known is a medium one."""
    return Reasoning(words=_EFFORT_WORDS.get(str(effort), _EFFORT_WORDS["medium"]), asked=asked, shown=shown)
