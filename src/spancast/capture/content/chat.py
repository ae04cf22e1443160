"""The words of POST /chat/completions and POST /completions (OpenRouter API, ChatRequest, ChatResult)."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from spancast.capture.content import parts
from spancast.capture.content.parts import Message, Part, listed, place
from spancast.capture.content.transcript import Asked, Transcript
from spancast.capture.values import member


def asked(request: Any) -> Asked:
    """Return the messages of a request, and its tools."""
    prompt = member(request, "prompt")
    messages = [_message(each) for each in listed(member(request, "messages"))]
    if prompt is not None:
        messages.append(parts.message("user", list(parts.texts(prompt))))
    return Asked(messages, tools=[parts.tool(each) for each in listed(member(request, "tools"))])


def said(answers: Iterable[Any]) -> list[Message]:
    """Return the message of each choice, its pieces joined."""
    choices: dict[int, _Spoken] = {}
    for answer in answers:
        for position, seen in enumerate(listed(member(answer, "choices"))):
            spoken = choices.setdefault(place(member(seen, "index"), position), _Spoken("assistant"))
            spoken.take(member(seen, "delta") or member(seen, "message") or {"content": member(seen, "text")})
            spoken.finish = member(seen, "finish_reason") or spoken.finish
    return [spoken.message() for _, spoken in sorted(choices.items())]


def part(seen: Any) -> Part:
    """Return a part of a message's content."""
    if isinstance(seen, str):
        return parts.text(seen)
    kind = member(seen, "type")
    read = _PARTS.get(kind) if isinstance(kind, str) else None
    return parts.unknown(kind) if read is None else read(seen)


def _at(modality: str, *names: str) -> Callable[[Any], Part]:
    """Return what reads a part that has its address, or an object with it, in the first of these members."""

    def read(seen: Any) -> Part:
        held = next((found for name in names if (found := member(seen, name)) is not None), None)
        return parts.media(modality, member(held, "url") or held)

    return read


def _data(modality: str, name: str) -> Callable[[Any], Part]:
    """Return what reads a part that has base64 and its format in an object."""

    def read(seen: Any) -> Part:
        held = member(seen, name)
        return parts.media(modality, member(held, "data"), parts.mime_type(modality, member(held, "format")))

    return read


def _file(seen: Any) -> Part:
    held = member(seen, "file")
    identity = member(held, "file_id")
    return parts.media("document", member(held, "file_data")) if identity is None else parts.file(identity)


def _video(seen: Any) -> Part:
    read = _data("video", "input_video") if "input_video" in seen else _at("video", "video_url")
    return read(seen)


_PARTS: dict[str, Callable[[Any], Part]] = {
    "text": lambda seen: parts.text(member(seen, "text")),
    "refusal": lambda seen: parts.refusal(member(seen, "refusal")),
    "image_url": _at("image", "image_url"),
    "video_url": _at("video", "video_url"),
    "audio_url": _at("audio", "audio_url"),
    "input_audio": _data("audio", "input_audio"),
    "input_video": _video,
    "input_file": _data("document", "input_file"),
    "file": _file,
}


def _message(seen: Any) -> Message:
    role = member(seen, "role")
    if role == "tool":
        content = member(seen, "content")
        answer = [part(each) for each in content] if isinstance(content, list) else content
        return parts.message(role, [parts.tool_response(member(seen, "tool_call_id"), answer)])
    spoken = _Spoken(role)
    spoken.take(seen)
    return spoken.message(member(seen, "name"))


class _Spoken:
    """One message, whole or in pieces."""

    def __init__(self, role: Any) -> None:
        self._role = role
        self.finish: Any = None
        self._words: dict[str, list[str]] = {"reasoning": [], "content": [], "refusal": []}
        self._content: list[Part] = []
        self._calls: dict[int, _Called] = {}
        self._images: list[Part] = []
        self._audio = _Audio()

    def take(self, piece: Any) -> None:
        """Take a message, or a piece of one."""
        self._role = member(piece, "role") or self._role
        for kind, read in _WORDS.items():
            words = read(piece)
            if isinstance(words, str):
                self._words[kind].append(words)
        self._content += [part(each) for each in listed(member(piece, "content"))]
        for position, call in enumerate(listed(member(piece, "tool_calls"))):
            self._calls.setdefault(place(member(call, "index"), position), _Called()).take(call)
        self._images += [part({"type": "image_url", **each}) for each in _objects(member(piece, "images"))]
        self._audio.take(member(piece, "audio"))

    def message(self, name: Any = None) -> Message:
        """Return what was said in all."""
        return parts.message(self._role, list(self._parts()), self.finish, name)

    def _parts(self) -> Iterator[Part]:
        spoken = {kind: "".join(words) for kind, words in self._words.items()}
        if spoken["reasoning"]:
            yield parts.reasoning(spoken["reasoning"])
        if spoken["content"]:
            yield parts.text(spoken["content"])
        yield from self._content
        if spoken["refusal"]:
            yield parts.refusal(spoken["refusal"])
        yield from (call.part() for call in self._calls.values())
        yield from self._images
        yield from self._audio.parts()


def _objects(value: Any) -> list[dict[str, Any]]:
    return [each for each in listed(value) if isinstance(each, dict)]


def _thoughts(piece: Any) -> Any:
    """Return reasoning under whichever of its names it has; those that stand beside each other say the same."""
    plain = member(piece, "reasoning") or member(piece, "reasoning_content")
    if isinstance(plain, str):
        return plain
    told = (member(each, "text") or member(each, "summary") for each in listed(member(piece, "reasoning_details")))
    return "".join(each for each in told if isinstance(each, str))


_WORDS: dict[str, Callable[[Any], Any]] = {
    "reasoning": _thoughts,
    "content": lambda piece: member(piece, "content"),
    "refusal": lambda piece: member(piece, "refusal"),
}


class _Called:
    """One tool that the model asks for, whole or in pieces."""

    def __init__(self) -> None:
        self._id: Any = None
        self._name: Any = None
        self._written: list[str] = []
        self._whole: Any = None

    def take(self, seen: Any) -> None:
        """Take a call, or a piece of one."""
        function = member(seen, "function") or member(seen, "custom")
        self._id = member(seen, "id") or self._id
        self._name = member(function, "name") or self._name
        arguments = member(function, "arguments")
        arguments = member(function, "input") if arguments is None else arguments
        if isinstance(arguments, str):
            self._written.append(arguments)
        elif arguments is not None:
            self._whole = arguments

    def part(self) -> Part:
        """Return the call."""
        written = "".join(self._written)
        return parts.tool_call(self._id, self._name, written if self._whole is None else self._whole)


class _Audio:
    """A spoken answer: how much of it there is, and its transcript."""

    def __init__(self) -> None:
        self._id: Any = None
        self._size = 0
        self._words: list[str] = []

    def take(self, seen: Any) -> None:
        """Take a piece of it."""
        data, words = member(seen, "data"), member(seen, "transcript")
        self._id = member(seen, "id") or self._id
        self._size += len(data) if isinstance(data, str) else 0
        if isinstance(words, str):
            self._words.append(words)

    def parts(self) -> Iterator[Part]:
        """Yield what there is; of one that is only referred to, its id."""
        if self._size or self._words:
            yield {**parts.blob("audio", self._size * 3 // 4), "transcript": "".join(self._words)}
        elif self._id is not None:
            yield parts.file(self._id, "audio")


CHAT = Transcript(asked, said)
