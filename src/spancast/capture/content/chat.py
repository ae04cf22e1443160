"""The words of POST /chat/completions and POST /completions (OpenRouter API, ChatRequest, ChatResult)."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from spancast.capture.content import parts
from spancast.capture.content.parts import Message, Part
from spancast.capture.content.transcript import Asked, Transcript
from spancast.capture.values import member


def asked(request: Any) -> Asked:
    """Return the messages of a request, and its tools."""
    prompt = member(request, "prompt")
    messages = [_message(each) for each in _list(member(request, "messages"))]
    if prompt is not None:
        messages.append(parts.message("user", list(parts.texts(prompt))))
    return Asked(messages, tools=[parts.function_definition(tool) for tool in _list(member(request, "tools"))])


def said(answers: Iterable[Any]) -> list[Message]:
    """Return the message of each choice, its pieces joined."""
    choices: dict[Any, _Choice] = {}
    for answer in answers:
        for position, seen in enumerate(_list(member(answer, "choices"))):
            index = member(seen, "index")
            choice = choices.setdefault(index if isinstance(index, int) else position, _Choice())
            choice.take(seen)
    return [choice.message() for _, choice in sorted(choices.items())]


def _message(seen: Any) -> Message:
    role, content = member(seen, "role"), member(seen, "content")
    if role == "tool":
        return parts.message(role, [parts.tool_response(member(seen, "tool_call_id"), _plain(content))])
    return parts.message(role, list(_spoken(seen, content)))


def _spoken(seen: Any, content: Any) -> Iterator[Part]:
    thought = member(seen, "reasoning") or member(seen, "reasoning_content")
    if isinstance(thought, str) and thought:
        yield parts.reasoning(thought)
    if isinstance(content, str):
        if content:
            yield parts.text(content)
    else:
        yield from (_part(each) for each in _list(content))
    declined = member(seen, "refusal")
    if isinstance(declined, str) and declined:
        yield parts.refusal(declined)
    yield from (_tool_call(each) for each in _list(member(seen, "tool_calls")))
    yield from (_part(each) for each in _list(member(seen, "images")))


def _part(seen: Any) -> Part:
    kind = member(seen, "type")
    if kind == "text" or isinstance(seen, str):
        return parts.text(seen if isinstance(seen, str) else member(seen, "text"))
    read = _MEDIA.get(kind) if isinstance(kind, str) else None
    return {"type": kind if isinstance(kind, str) else "unknown"} if read is None else read(member(seen, kind))


def _audio(seen: Any) -> Part:
    kind = member(seen, "format")
    return parts.media("audio", member(seen, "data"), f"audio/{kind}" if isinstance(kind, str) else None)


def _file(seen: Any) -> Part:
    identity = member(seen, "file_id")
    return parts.media("document", member(seen, "file_data")) if identity is None else parts.file(identity)


_MEDIA: dict[str, Callable[[Any], Part]] = {
    "image_url": lambda seen: parts.media("image", member(seen, "url") or seen),
    "video_url": lambda seen: parts.media("video", member(seen, "url") or seen),
    "input_audio": _audio,
    "file": _file,
}


def _tool_call(seen: Any) -> Part:
    function = member(seen, "function")
    return parts.tool_call(member(seen, "id"), member(function, "name"), member(function, "arguments"))


def _plain(content: Any) -> Any:
    """Return a tool's answer: its words where it is only words, else its parts."""
    return [_part(each) for each in content] if isinstance(content, list) else content


class _Choice:
    """One choice, whole or in pieces."""

    def __init__(self) -> None:
        self._role: Any = None
        self._finish: Any = None
        self._words: dict[str, list[str]] = {"reasoning": [], "content": [], "refusal": []}
        self._calls: dict[Any, dict[str, Any]] = {}
        self._others: list[Part] = []

    def take(self, choice: Any) -> None:
        """Take a choice of a plain answer, or of a chunk."""
        piece = member(choice, "delta") or member(choice, "message") or {"content": member(choice, "text")}
        self._role = member(piece, "role") or self._role
        self._finish = member(choice, "finish_reason") or self._finish
        for kind, words in self._words.items():
            spoken = member(piece, kind)
            if isinstance(spoken, str):
                words.append(spoken)
        if isinstance(member(piece, "content"), list):
            self._others += [_part(each) for each in member(piece, "content")]
        for position, call in enumerate(_list(member(piece, "tool_calls"))):
            self._call(position, call)
        self._others += [_part(each) for each in _list(member(piece, "images"))]
        heard = member(member(piece, "audio"), "transcript")
        if isinstance(heard, str):
            self._words["content"].append(heard)

    def message(self) -> Message:
        """Return what was said in all."""
        spoken = {kind: "".join(words) for kind, words in self._words.items()}
        said_parts = [_MAKE[kind](words) for kind, words in spoken.items() if words]
        calls = [parts.tool_call(call["id"], call["name"], call["arguments"]) for call in self._calls.values()]
        return parts.message(self._role or "assistant", said_parts + calls + self._others, self._finish)

    def _call(self, position: int, seen: Any) -> None:
        index, function = member(seen, "index"), member(seen, "function")
        call = self._calls.setdefault(
            index if isinstance(index, int) else position, {"id": None, "name": None, "arguments": ""}
        )
        call["id"] = member(seen, "id") or call["id"]
        call["name"] = member(function, "name") or call["name"]
        arguments = member(function, "arguments")
        call["arguments"] = call["arguments"] + arguments if isinstance(arguments, str) else arguments


_MAKE: dict[str, Callable[[str], Part]] = {
    "reasoning": parts.reasoning,
    "content": parts.text,
    "refusal": parts.refusal,
}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


CHAT = Transcript(asked, said)
