"""The words of a span as OpenInference has them: messages flattened into attributes, with an index for each.

    llm.input_messages.0.message.role = "user"
    llm.output_messages.0.message.tool_calls.0.tool_call.function.name = "get_weather"

(OpenInference specification, "Messages" and "Multimodal Content".) `input.value` and `output.value` are what lists of
traces show.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from spancast.contract import Attribute, Span
from spancast_exporters import _facts, _json, _openai

_MEDIA = {"image_url": "image", "audio_url": "audio", "video_url": "video"}
_INPUT_PREFIX, _OUTPUT_PREFIX = "llm.input_messages", "llm.output_messages"

Words = dict[str, Attribute | None]


def messages(span: Span, kind: str | None) -> tuple[Words, Sequence[str]]:
    """Return the words by OpenInference's names, and the names under which they are not to be sent twice."""
    if not span.content:
        return {}, ()
    if kind not in _facts.MODELS or any(name.startswith((_INPUT_PREFIX, _OUTPUT_PREFIX)) for name in span.content):
        return _sides(_facts.input_text(span), _facts.output_text(span)), ()
    asked, answered = _openai.input_messages(span.content), _openai.messages(span.content.get(_facts.OUTPUT))
    offered = _openai.tools(span.content.get(_facts.TOOLS))
    read = {_facts.INSTRUCTIONS: asked is not None, _facts.TOOLS: offered is not None}
    found = {
        **_sides(_given(span, asked), _answer(answered) or _facts.output_text(span)),
        **(_texts(asked or ()) if kind == "embedding" else dict(_messages(_INPUT_PREFIX, asked or ()))),
        **dict(_messages(_OUTPUT_PREFIX, answered or ())),
        **{f"llm.tools.{at}.tool.json_schema": _json.dumps(tool) for at, tool in enumerate(offered or ())},
    }
    return found, [_facts.INPUT, _facts.OUTPUT, *(name for name, done in read.items() if done)]


def _sides(asked: str | None, said: str | None) -> Words:
    found: Words = {}
    for side, text in (("input", asked), ("output", said)):
        if text:
            is_json = isinstance(_json.read(text), dict | list)
            found[f"{side}.value"] = _json.text(text)
            found[f"{side}.mime_type"] = "application/json" if is_json else "text/plain"
    return found


def _given(span: Span, asked: Sequence[_openai.Message] | None) -> str | None:
    """Return what was asked: the conversation, or the text that stands in its place."""
    other = _facts.INPUT in span.content and _openai.messages(span.content[_facts.INPUT]) is None
    return _json.dumps({"messages": asked}) if asked and not other else _facts.input_text(span)


def _answer(answered: Sequence[_openai.Message] | None) -> str | None:
    """Return what was answered: the text where it is nothing else, else the message, or all of them."""
    if not answered:
        return None
    if len(answered) > 1:
        return _json.dumps(answered)
    text = answered[0].get("content")
    return text if isinstance(text, str) and text and "tool_calls" not in answered[0] else _json.dumps(answered[0])


def _texts(asked: Sequence[_openai.Message]) -> Words:
    """Return what was embedded."""
    texts = (message.get("content") for message in asked)
    each = (text if isinstance(text, str) else _json.dumps(text) for text in texts if text)
    return {f"embedding.embeddings.{at}.embedding.text": _json.text(text) for at, text in enumerate(each)}


def _messages(prefix: str, messages: Sequence[_openai.Message]) -> Iterator[tuple[str, str]]:
    for at, message in enumerate(messages):
        base = f"{prefix}.{at}.message"
        for name in ("role", "name", "tool_call_id"):
            if message.get(name):
                yield f"{base}.{name}", _json.text(message[name])
        yield from _content(base, message)
        for number, call in enumerate(message.get("tool_calls", ())):
            yield from _call(f"{base}.tool_calls.{number}.tool_call", call)


def _content(base: str, message: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield the content of a message: as one text where it is one, else as a list of its parts in order."""
    content, reasoning = message.get("content"), message.get("reasoning")
    said = content if isinstance(content, list) else [{"type": "text", "text": content}] if content else []
    refused = [{"type": "text", "text": message["refusal"]}] if message.get("refusal") else []
    parts = [*([{"type": "reasoning", "text": reasoning}] if reasoning else []), *said, *refused]
    if len(parts) == 1 and parts[0]["type"] == "text":
        yield f"{base}.content", _json.text(parts[0]["text"])
        return
    for at, part in enumerate(parts):
        yield from _part(f"{base}.contents.{at}.message_content", part)


def _part(base: str, part: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    kind = part["type"]
    if kind in _MEDIA:
        name = _MEDIA[kind]
        yield f"{base}.type", name
        yield f"{base}.{name}.{name}.url", _json.text(part[kind]["url"])
    elif kind == "file":
        yield f"{base}.type", "document"
        file = part["file"]
        name = "id" if "file_id" in file else "url"
        yield f"{base}.document.document.{name}", _json.text(file.get("file_id") or file.get("file_data") or "")
    else:
        yield f"{base}.type", kind
        yield f"{base}.text", _json.text(part["text"])


def _call(base: str, call: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    if call["id"]:
        yield f"{base}.id", _json.text(call["id"])
    yield f"{base}.function.name", _json.text(call["function"]["name"])
    yield f"{base}.function.arguments", _json.text(call["function"]["arguments"])
