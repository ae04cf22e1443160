"""The content of the dialects that are no conversation (OpenRouter API: embeddings, rerank, images, audio, videos)."""

from collections.abc import Callable, Iterable
from typing import Any

from spancast.capture.content import chat, parts
from spancast.capture.content.parts import Message, Part
from spancast.capture.content.transcript import RequestContent, Transcript, no_messages
from spancast.capture.values import listed, member


def _one_message(*read: Callable[[Any], Iterable[Part]]) -> Callable[[Any], RequestContent]:
    """Return what makes one message of all parts that these read in a request."""

    def request_content(request: Any) -> RequestContent:
        found = [part for each in read for part in each(request)]
        return RequestContent([parts.message("user", found)] if found else [])

    return request_content


def _texts(name: str) -> Callable[[Any], Iterable[Part]]:
    return lambda request: parts.texts(member(request, name))


def _references(name: str) -> Callable[[Any], Iterable[Part]]:
    return lambda request: map(chat.part, listed(member(request, name)))


def _inputs(request: Any) -> Iterable[Part]:
    """Return the parts of inputs that are more than text."""
    return [chat.part(part) for each in listed(member(request, "input")) for part in listed(member(each, "content"))]


def _documents(request: Any) -> Iterable[Part]:
    for each in listed(member(request, "documents")):
        text, image = member(each, "text"), member(each, "image")
        yield from parts.texts(each if text is None else text)
        if image is not None:
            yield parts.media("image", image)


def _recording(request: Any) -> Iterable[Part]:
    audio = member(request, "input_audio")
    return [] if audio is None else [chat.part({"type": "input_audio", "input_audio": audio})]


def _text(answers: Iterable[Any]) -> list[Message]:
    texts = [member(answer, "text") for answer in answers]
    return [parts.message("assistant", [parts.text(each)]) for each in texts if isinstance(each, str)]


def _images(answers: Iterable[Any]) -> list[Message]:
    images: list[Part] = []
    texts: dict[bool, list[str]] = {}
    for answer in answers:
        images += map(_image, _image_objects(answer))
        text = member(answer, "text") if member(answer, "type") == "image_generation.text_chunk" else None
        if isinstance(text, str):
            texts.setdefault(member(answer, "phase") == "reasoning", []).append(text)
    spoken = [(parts.reasoning if reasons else parts.text)("".join(pieces)) for reasons, pieces in texts.items()]
    return [parts.message("assistant", spoken + images)] if spoken or images else []


def _image_objects(answer: Any) -> list[Any]:
    if member(answer, "type") == "image_generation.completed":
        return [answer]
    return listed(member(answer, "data"))


def _image(image: Any) -> Part:
    return parts.media("image", member(image, "url") or member(image, "b64_json"), member(image, "media_type"))


EMBEDDINGS = Transcript(_one_message(_texts("input"), _inputs), no_messages)
RERANK = Transcript(_one_message(_texts("query"), _documents), no_messages)
IMAGE = Transcript(_one_message(_texts("prompt"), _references("input_references")), _images)
SPEECH = Transcript(_one_message(_texts("input"), _references("input_references")), no_messages)
TRANSCRIPTION = Transcript(_one_message(_recording), _text)
VIDEO = Transcript(
    _one_message(_texts("prompt"), _references("frame_images"), _references("input_references")), no_messages
)
