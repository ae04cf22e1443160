"""The words of the dialects that are no conversation (OpenRouter API: embeddings, rerank, images, audio, videos)."""

from collections.abc import Iterable
from typing import Any

from spancast.capture.content import parts
from spancast.capture.content.parts import Message, Part
from spancast.capture.content.transcript import Asked, Transcript, silent
from spancast.capture.values import member


def _input(request: Any) -> Asked:
    return _asks(parts.texts(member(request, "input")))


def _prompt(request: Any) -> Asked:
    return _asks(parts.texts(member(request, "prompt")))


def _documents(request: Any) -> Asked:
    return _asks([*parts.texts(member(request, "query")), *parts.texts(member(request, "documents"))])


def _unheard(_request: Any) -> Asked:
    return Asked()


def _asks(spoken: Iterable[Part]) -> Asked:
    found = list(spoken)
    return Asked([parts.message("user", found)] if found else [])


def _text(answers: Iterable[Any]) -> list[Message]:
    return [
        parts.message("assistant", [parts.text(member(answer, "text"))])
        for answer in answers
        if isinstance(member(answer, "text"), str)
    ]


def _images(answers: Iterable[Any]) -> list[Message]:
    shown = [_image(each) for answer in answers for each in _pictures(answer)]
    return [parts.message("assistant", shown)] if shown else []


def _pictures(answer: Any) -> list[Any]:
    if member(answer, "type") == "image_generation.completed":
        return [answer]
    listed = member(answer, "data")
    return listed if isinstance(listed, list) else []


def _image(seen: Any) -> Part:
    return parts.media("image", member(seen, "url") or member(seen, "b64_json"), member(seen, "media_type"))


EMBEDDINGS = Transcript(_input, silent)
RERANK = Transcript(_documents, silent)
IMAGE = Transcript(_prompt, _images)
SPEECH = Transcript(_input, silent)
TRANSCRIPTION = Transcript(_unheard, _text)
VIDEO = Transcript(_prompt, silent)
