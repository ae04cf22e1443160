"""The words of the dialects that are no conversation (OpenRouter API: embeddings, rerank, images, audio, videos)."""

from collections.abc import Callable, Iterable
from typing import Any

from spancast.capture.content import chat, parts
from spancast.capture.content.parts import Message, Part, listed
from spancast.capture.content.transcript import Asked, Transcript, silent
from spancast.capture.values import member


def _asks(*read: Callable[[Any], Iterable[Part]]) -> Callable[[Any], Asked]:
    """Return what makes one message of all that these read in a request."""

    def asked(request: Any) -> Asked:
        found = [part for each in read for part in each(request)]
        return Asked([parts.message("user", found)] if found else [])

    return asked


def _texts(name: str) -> Callable[[Any], Iterable[Part]]:
    return lambda request: parts.texts(member(request, name))


def _references(name: str) -> Callable[[Any], Iterable[Part]]:
    return lambda request: map(chat.part, listed(member(request, name)))


def _inputs(request: Any) -> Iterable[Part]:
    """Return the parts of inputs that are more than text."""
    return [chat.part(part) for each in listed(member(request, "input")) for part in listed(member(each, "content"))]


def _documents(request: Any) -> Iterable[Part]:
    for each in listed(member(request, "documents")):
        written, shown = member(each, "text"), member(each, "image")
        yield from parts.texts(each if written is None else written)
        if shown is not None:
            yield parts.media("image", shown)


def _recording(request: Any) -> Iterable[Part]:
    held = member(request, "input_audio")
    return [] if held is None else [chat.part({"type": "input_audio", "input_audio": held})]


def _text(answers: Iterable[Any]) -> list[Message]:
    heard = [member(answer, "text") for answer in answers]
    return [parts.message("assistant", [parts.text(each)]) for each in heard if isinstance(each, str)]


def _images(answers: Iterable[Any]) -> list[Message]:
    shown: list[Part] = []
    written: dict[bool, list[str]] = {}
    for answer in answers:
        shown += map(_image, _pictures(answer))
        words = member(answer, "text") if member(answer, "type") == "image_generation.text_chunk" else None
        if isinstance(words, str):
            written.setdefault(member(answer, "phase") == "reasoning", []).append(words)
    spoken = [(parts.reasoning if thought else parts.text)("".join(words)) for thought, words in written.items()]
    return [parts.message("assistant", spoken + shown)] if spoken or shown else []


def _pictures(answer: Any) -> list[Any]:
    if member(answer, "type") == "image_generation.completed":
        return [answer]
    return listed(member(answer, "data"))


def _image(seen: Any) -> Part:
    return parts.media("image", member(seen, "url") or member(seen, "b64_json"), member(seen, "media_type"))


EMBEDDINGS = Transcript(_asks(_texts("input"), _inputs), silent)
RERANK = Transcript(_asks(_texts("query"), _documents), silent)
IMAGE = Transcript(_asks(_texts("prompt"), _references("input_references")), _images)
SPEECH = Transcript(_asks(_texts("input"), _references("input_references")), silent)
TRANSCRIPTION = Transcript(_asks(_recording), _text)
VIDEO = Transcript(_asks(_texts("prompt"), _references("frame_images"), _references("input_references")), silent)
