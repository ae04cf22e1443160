"""The content of POST /chat/completions and POST /completions (OpenRouter API, ChatRequest, ChatResult)."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from spancast.capture.content import parts
from spancast.capture.content.parts import Message, Part, place
from spancast.capture.content.transcript import RequestContent, Transcript
from spancast.capture.values import listed, member


def request_content(request: Any) -> RequestContent:
    """Return the messages and the tools of a request."""
    prompt = member(request, "prompt")
    messages = [_message(each) for each in listed(member(request, "messages"))]
    if prompt is not None:
        messages.append(parts.message("user", list(parts.texts(prompt))))
    return RequestContent(messages, tools=[parts.tool(each) for each in listed(member(request, "tools"))])


def answer_messages(answers: Iterable[Any]) -> list[Message]:
    """Return the message of each choice, its deltas joined."""
    choices: dict[int, _MessageBuilder] = {}
    for answer in answers:
        for position, choice in enumerate(listed(member(answer, "choices"))):
            builder = choices.setdefault(place(member(choice, "index"), position), _MessageBuilder("assistant"))
            builder.add(member(choice, "delta") or member(choice, "message") or {"content": member(choice, "text")})
            builder.finish_reason = member(choice, "finish_reason") or builder.finish_reason
    return [builder.message() for _, builder in sorted(choices.items())]


def part(value: Any) -> Part:
    """Return a part of a message's content."""
    if isinstance(value, str):
        return parts.text(value)
    kind = member(value, "type")
    read = _PARTS.get(kind) if isinstance(kind, str) else None
    return parts.unknown(kind) if read is None else read(value)


def _by_url(modality: str, *names: str) -> Callable[[Any], Part]:
    """Return what reads a part that has its URL, or an object with it, in the first of these members."""

    def read(value: Any) -> Part:
        inner = next((found for name in names if (found := member(value, name)) is not None), None)
        return parts.media(modality, member(inner, "url") or inner)

    return read


def _inline(modality: str, name: str) -> Callable[[Any], Part]:
    """Return what reads a part that has an object of base64 data and their format."""

    def read(value: Any) -> Part:
        inner = member(value, name)
        return parts.media(modality, member(inner, "data"), parts.mime_type(modality, member(inner, "format")))

    return read


def _file(value: Any) -> Part:
    inner = member(value, "file")
    identity = member(inner, "file_id")
    return parts.media("document", member(inner, "file_data")) if identity is None else parts.file(identity)


def _video(value: Any) -> Part:
    read = _inline("video", "input_video") if "input_video" in value else _by_url("video", "video_url")
    return read(value)


_PARTS: dict[str, Callable[[Any], Part]] = {
    "text": lambda value: parts.text(member(value, "text")),
    "refusal": lambda value: parts.refusal(member(value, "refusal")),
    "image_url": _by_url("image", "image_url"),
    "video_url": _by_url("video", "video_url"),
    "audio_url": _by_url("audio", "audio_url"),
    "input_audio": _inline("audio", "input_audio"),
    "input_video": _video,
    "input_file": _inline("document", "input_file"),
    "file": _file,
}


def _message(message: Any) -> Message:
    role = member(message, "role")
    if role == "tool":
        content = member(message, "content")
        answer = [part(each) for each in content] if isinstance(content, list) else content
        return parts.message(role, [parts.tool_response(member(message, "tool_call_id"), answer)])
    builder = _MessageBuilder(role)
    builder.add(message)
    return builder.message(member(message, "name"))


class _MessageBuilder:
    """Builds one message, which comes whole or in deltas."""

    def __init__(self, role: Any) -> None:
        self._role = role
        self.finish_reason: Any = None
        self._texts: dict[str, list[str]] = {"reasoning": [], "content": [], "refusal": []}
        self._content: list[Part] = []
        self._calls: dict[int, _ToolCallBuilder] = {}
        self._images: list[Part] = []
        self._audio = _AudioBuilder()

    def add(self, piece: Any) -> None:
        """Add a message, or a delta of one."""
        self._role = member(piece, "role") or self._role
        for kind, read in _TEXTS.items():
            text = read(piece)
            if isinstance(text, str):
                self._texts[kind].append(text)
        self._content += [part(each) for each in listed(member(piece, "content"))]
        for position, call in enumerate(listed(member(piece, "tool_calls"))):
            self._calls.setdefault(place(member(call, "index"), position), _ToolCallBuilder()).add(call)
        self._images += [part({"type": "image_url", **each}) for each in _objects(member(piece, "images"))]
        self._audio.add(member(piece, "audio"))

    def message(self, name: Any = None) -> Message:
        """Return the message as far as it has come."""
        return parts.message(self._role, list(self._parts()), self.finish_reason, name)

    def _parts(self) -> Iterator[Part]:
        texts = {kind: "".join(pieces) for kind, pieces in self._texts.items()}
        if texts["reasoning"]:
            yield parts.reasoning(texts["reasoning"])
        if texts["content"]:
            yield parts.text(texts["content"])
        yield from self._content
        if texts["refusal"]:
            yield parts.refusal(texts["refusal"])
        yield from (call.part() for call in self._calls.values())
        yield from self._images
        yield from self._audio.parts()


def _objects(value: Any) -> list[dict[str, Any]]:
    return [each for each in listed(value) if isinstance(each, dict)]


def _reasoning(piece: Any) -> Any:
    """Return the reasoning, whichever of its members it is in; members side by side repeat each other."""
    plain = member(piece, "reasoning") or member(piece, "reasoning_content")
    if isinstance(plain, str):
        return plain
    details = (member(each, "text") or member(each, "summary") for each in listed(member(piece, "reasoning_details")))
    return "".join(each for each in details if isinstance(each, str))


_TEXTS: dict[str, Callable[[Any], Any]] = {
    "reasoning": _reasoning,
    "content": lambda piece: member(piece, "content"),
    "refusal": lambda piece: member(piece, "refusal"),
}


class _ToolCallBuilder:
    """Builds one tool call, which comes whole or in deltas."""

    def __init__(self) -> None:
        self._id: Any = None
        self._name: Any = None
        self._pieces: list[str] = []
        self._arguments: Any = None

    def add(self, call: Any) -> None:
        """Add a call, or a delta of one."""
        function = member(call, "function") or member(call, "custom")
        self._id = member(call, "id") or self._id
        self._name = member(function, "name") or self._name
        arguments = member(function, "arguments")
        arguments = member(function, "input") if arguments is None else arguments
        if isinstance(arguments, str):
            self._pieces.append(arguments)
        elif arguments is not None:
            self._arguments = arguments

    def part(self) -> Part:
        """Return the call."""
        arguments = "".join(self._pieces) if self._arguments is None else self._arguments
        return parts.tool_call(self._id, self._name, arguments)


class _AudioBuilder:
    """Builds the part of a spoken answer: its size and its transcript."""

    def __init__(self) -> None:
        self._id: Any = None
        self._size = 0
        self._transcript: list[str] = []

    def add(self, audio: Any) -> None:
        """Add the audio of a message or of a delta."""
        data, transcript = member(audio, "data"), member(audio, "transcript")
        self._id = member(audio, "id") or self._id
        self._size += len(data) if isinstance(data, str) else 0
        if isinstance(transcript, str):
            self._transcript.append(transcript)

    def parts(self) -> Iterator[Part]:
        """Yield the part, if there is audio; of audio that is only referred to, its id."""
        if self._size or self._transcript:
            yield {**parts.blob("audio", self._size * 3 // 4), "transcript": "".join(self._transcript)}
        elif self._id is not None:
            yield parts.file(self._id, "audio")


CHAT = Transcript(request_content, answer_messages)
