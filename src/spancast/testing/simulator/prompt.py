"""A chat request as the simulator reads it."""

import re
from typing import Any

import msgspec

from spancast.testing.simulator import errors, tokens
from spancast.testing.simulator.served import Served

_HOTTEST = 2
_SHORTEST_TELLING_WORD = 4
_WORD = re.compile(r"[A-Z]?[a-z0-9]+|[A-Z]+")
_EFFORT_WORDS = {"minimal": 4, "low": 8, "medium": 16, "high": 32, "xhigh": 64, "max": 96}


class Prompt(msgspec.Struct, frozen=True, kw_only=True):
    """What a request asks for."""

    models: tuple[str, ...]
    """The model, then its fallbacks; at least one."""
    messages: list[dict[str, Any]]
    tools: list[dict[str, Any]]
    """The functions among the tools, as `{"name", "description", "parameters"}`."""
    tool_choice: Any
    parallel_tool_calls: bool
    max_tokens: int | None
    reasoning_words: int
    """How long a model that reasons does so, by the effort asked for."""
    reasoning_asked: bool
    reasoning_shown: bool
    cache_asked: bool
    """Whether anything in the prompt carries `cache_control`."""
    stream: bool
    user: str | None
    session_id: str | None
    tokens: int

    @property
    def text(self) -> str:
        """All of the conversation; it decides the answer."""
        return "\n".join(f"{message.get('role')}: {_text(message.get('content'))}" for message in self.messages)

    @property
    def cache_key(self) -> str:
        """What must be the same for the prompt to be found in the cache: conversation and tools."""
        return self.text + msgspec.json.encode(self.tools).decode()

    @property
    def tools_asked_for(self) -> list[dict[str, Any]]:
        """The tools that the model is to call.

        One that `tool_choice` names; the first for "required"; none for "none". Otherwise those whose name, or a
        word of it of four letters or more, stands in the last message, if that is the user's.
        """
        if self.tool_choice == "none":
            return []
        named = self.tools_named_by(self.tool_choice)
        asked = named or [tool for tool in self.tools if _is_named(tool["name"], self._last_user_text)]
        if not asked and self.tool_choice == "required":
            asked = self.tools[:1]
        return asked if self.parallel_tool_calls else asked[:1]

    def tools_named_by(self, choice: Any) -> list[dict[str, Any]]:
        """Return the tool that a `tool_choice` object names."""
        function = choice.get("function") if isinstance(choice, dict) else None
        name = function.get("name") if isinstance(function, dict) else None
        return [tool for tool in self.tools if tool["name"] == name]

    @property
    def _last_user_text(self) -> str:
        last = self.messages[-1]
        return _text(last.get("content")) if last.get("role") == "user" else ""


def read(served: Served) -> Prompt:
    """Return what a request asks for; raises `Refused` (400) where OpenRouter would not take it."""
    body = _object(served)
    messages = _messages(body)
    _check_temperature(body)
    tools = _list_of_objects(body.get("tools"))
    return Prompt(
        models=_models(body),
        messages=messages,
        tools=_functions(tools),
        tool_choice=body.get("tool_choice"),
        parallel_tool_calls=body.get("parallel_tool_calls") is not False,
        max_tokens=_max_tokens(body),
        **_reasoning(body),
        cache_asked=b'"cache_control"' in served.body,
        stream=body.get("stream") is True,
        user=_text_or_none(body.get("user")),
        session_id=_text_or_none(body.get("session_id")) or served.headers.get("x-session-id"),
        tokens=sum(map(tokens.of_message, messages)) + sum(map(tokens.of_json, tools)),
    )


def _object(served: Served) -> dict[str, Any]:
    try:
        body = served.json
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise errors.Refused(errors.NO_JSON) from None
    if not isinstance(body, dict):
        raise errors.Refused(errors.NO_JSON)
    return body


def _messages(body: dict[str, Any]) -> list[dict[str, Any]]:
    messages = _list_of_objects(body.get("messages"))
    if not messages:
        raise errors.Refused(errors.NO_MESSAGES)
    return messages


def _models(body: dict[str, Any]) -> tuple[str, ...]:
    fallbacks = body.get("models")
    asked = [body.get("model"), *(fallbacks if isinstance(fallbacks, list) else [])]
    models = tuple(dict.fromkeys(model for model in asked if isinstance(model, str) and model))
    if not models:
        raise errors.bad_request("No models provided")
    return models


def _check_temperature(body: dict[str, Any]) -> None:
    temperature = body.get("temperature")
    if isinstance(temperature, int | float) and temperature > _HOTTEST:
        raise errors.bad_request(f"Expected temperature to be at most {_HOTTEST}, received {temperature:g}")


def _max_tokens(body: dict[str, Any]) -> int | None:
    stated = body.get("max_completion_tokens", body.get("max_tokens"))
    if stated is None:
        return None
    if not isinstance(stated, int) or stated < 1:
        raise errors.bad_request(f"Expected max_tokens to be at least 1, received {stated}")
    return stated


def _reasoning(body: dict[str, Any]) -> dict[str, Any]:
    stated = body.get("reasoning")
    options = stated if isinstance(stated, dict) else {}
    effort = options.get("effort") or body.get("reasoning_effort")
    refused = effort == "none" or options.get("enabled") is False
    asked = bool(options or effort or body.get("include_reasoning"))
    return {
        "reasoning_words": _EFFORT_WORDS.get(str(effort), _EFFORT_WORDS["medium"]),
        "reasoning_asked": asked and not refused,
        "reasoning_shown": options.get("exclude") is not True and body.get("include_reasoning") is not False,
    }


def _functions(tools: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the client's own functions; OpenRouter's server tools (`openrouter:web_search`) have none."""
    functions = (tool.get("function") for tool in tools)
    return [function for function in functions if isinstance(function, dict) and isinstance(function.get("name"), str)]


def _list_of_objects(value: object) -> list[dict[str, Any]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _text_or_none(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _text(content: object) -> str:
    if isinstance(content, str):
        return content
    parts = _list_of_objects(content)
    return "\n".join(part["text"] for part in parts if isinstance(part.get("text"), str))


def _is_named(name: str, text: str) -> bool:
    said = text.lower()
    telling = {word.lower() for word in _WORD.findall(name) if len(word) >= _SHORTEST_TELLING_WORD}
    return name.lower() in said or not telling.isdisjoint(_WORD.findall(said))
