"""`POST /completions`: OpenAI's text completions: like chat responses, but with the text in the choice itself.

OpenRouter mentions the route without describing it (OpenRouter docs, router metadata); the format is OpenAI's, with the
fields that OpenRouter adds to chat responses.
"""

from collections.abc import Iterator
from typing import Any

import msgspec

from spancast.testing.simulator import errors, events, prompt, reading, search, text_output
from spancast.testing.simulator.dialect import Dialect
from spancast.testing.simulator.dialects import chat, chat_parts
from spancast.testing.simulator.generation import Generation
from spancast.testing.simulator.order import ParsedRequest
from spancast.testing.simulator.pieces import Piece
from spancast.testing.simulator.prompt import Prompt, Tools
from spancast.testing.simulator.text_output import TextOutput

_KIND = "text_completion"


def _read(body: dict[str, Any]) -> Prompt:
    asked = "\n".join(reading.texts(body.get("prompt")))
    if not asked:
        raise errors.RequestError(errors.NO_MESSAGES)
    reading.check_temperature(body)
    messages = [{"role": "user", "content": asked}]
    return Prompt(
        messages=messages,
        tools=Tools(functions=[]),
        max_tokens=reading.limit(body, "max_tokens"),
        reasoning=chat.reasoning(body),
        cache_ttl=prompt.cache_ttl(body),
        search=search.made(body, [], asked),
        tokens=prompt.token_count(messages, []),
        body=body,
    )


def _whole(_: ParsedRequest[Prompt], made: Generation[TextOutput]) -> tuple[Piece, ...]:
    choice = _choice(made, made.output.text, made.finish_reason) | _thought(made) | _failure(made)
    body = chat_parts.head(made, _KIND) | {"choices": [choice]} | chat_parts.tail(made)
    return (Piece(msgspec.json.encode(body), settles=True),)


def _stream(_: ParsedRequest[Prompt], made: Generation[TextOutput]) -> tuple[Piece, ...]:
    said = [events.event(chunk) for chunk in _chunks(made)]
    last = events.event(_last_chunk(made))
    if not made.usage_stated:
        return events.stream([*said, last], events.DONE)
    return events.stream(said, last, [events.DONE])


def _chunks(made: Generation[TextOutput]) -> Iterator[dict[str, Any]]:
    for word in made.output.thought:
        yield _chunk(made, _choice(made, "", None) | {"reasoning": word})
    for word in made.output.content:
        yield _chunk(made, _choice(made, word, None))


def _last_chunk(made: Generation[TextOutput]) -> dict[str, Any]:
    in_choice = made.failure is not None and made.failure.in_choice
    choice = _choice(made, "", made.finish_reason)
    if in_choice:
        return _chunk(made, choice | _failure(made)) | chat_parts.tail(made)
    return _chunk(made, choice) | _failure(made) | chat_parts.tail(made)


def _chunk(made: Generation[TextOutput], choice: dict[str, Any]) -> dict[str, Any]:
    return chat_parts.head(made, _KIND) | {"choices": [choice]}


def _choice(made: Generation[TextOutput], text: str, reason: str | None) -> dict[str, Any]:
    native = made.native_finish_reason if reason else None
    return {"index": 0, "text": text, "logprobs": None, "finish_reason": reason, "native_finish_reason": native}


def _thought(made: Generation[TextOutput]) -> dict[str, Any]:
    return {"reasoning": "".join(made.output.thought) or None}


def _failure(made: Generation[TextOutput]) -> dict[str, Any]:
    return {} if made.failure is None else {"error": chat_parts.failure(made.failure)}


COMPLETIONS = Dialect[Prompt](
    operation="completion",
    read=_read,
    make=text_output.write,
    end=text_output.end,
    whole=_whole,
    stream=_stream,
    states_failure=True,
    paddings=2,
)
