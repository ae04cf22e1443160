"""POST /chat/completions: what the request asks, what a plain answer states, what a stream states (OpenRouter API)."""

from typing import Any

import msgspec

from spancast.call import Parameters
from spancast.capture.decode import Decoder
from spancast.capture.failure import failure_facts
from spancast.capture.usage import usage_facts
from spancast.capture.values import MAX_ITEMS, count, integer, member, number, text, texts

Facts = dict[str, Any]
"""Fields of a Call, by name; what is not stated is not in it."""


class _Request(msgspec.Struct):
    """The members of a request that are read. Its messages are not."""

    model: Any = None
    models: Any = None
    stream: Any = None
    user: Any = None
    session_id: Any = None
    max_tokens: Any = None
    max_completion_tokens: Any = None
    temperature: Any = None
    top_p: Any = None
    top_k: Any = None
    frequency_penalty: Any = None
    presence_penalty: Any = None
    seed: Any = None
    n: Any = None
    stop: Any = None
    reasoning: Any = None
    reasoning_effort: Any = None


class _Answer(msgspec.Struct):
    """The members of an answer, or of a chunk of one, that are read. `choices` is read apart."""

    id: Any = None
    model: Any = None
    provider: Any = None
    usage: Any = None
    error: Any = None
    error_type: Any = None
    choices: Any = msgspec.Raw()


class _RawAnswer(_Answer):
    choices: msgspec.Raw = msgspec.Raw()


class _Choice(msgspec.Struct):
    """The members of a choice that are read. Its `message` is not."""

    index: Any = None
    finish_reason: Any = None
    native_finish_reason: Any = None
    error: Any = None
    delta: Any = None


_request = Decoder(_Request)
_answer = Decoder(_RawAnswer)
_choice = Decoder(_Choice)
_raw_choices = msgspec.json.Decoder(list[msgspec.Raw]).decode


def request_facts(body: bytes | None) -> Facts:
    """Return what the request asks for."""
    seen = _request(body) if body else None
    if seen is None:
        return {}
    facts: Facts = {
        "request_model": text(seen.model),
        "request_models": texts(seen.models),
        "streamed": seen.stream is True,
        "user": text(seen.user),
        "session": text(seen.session_id),
        "parameters": _parameters(seen),
    }
    return facts


def _parameters(seen: _Request) -> Parameters | None:
    found = Parameters(
        max_tokens=count(seen.max_tokens if seen.max_tokens is not None else seen.max_completion_tokens),
        temperature=number(seen.temperature),
        top_p=number(seen.top_p),
        top_k=count(seen.top_k),
        frequency_penalty=number(seen.frequency_penalty),
        presence_penalty=number(seen.presence_penalty),
        seed=integer(seen.seed),
        choice_count=count(seen.n),
        stop=texts([seen.stop] if isinstance(seen.stop, str) else seen.stop) or None,
        reasoning_level=text(member(seen.reasoning, "effort")) or text(seen.reasoning_effort),
    )
    return found if found != _NOTHING else None


_NOTHING = Parameters()


class Reading:
    """What has been read of one answer, object by object: one for a plain answer, a chunk each for a stream."""

    __slots__ = ("_failure", "_finish", "_named", "_native", "_usage", "objects", "spoke")

    def __init__(self) -> None:
        self.objects = 0
        """How many objects were read."""
        self.spoke = False
        """Whether a piece of the answer itself has been seen: text, reasoning, a tool call."""
        self._named: Facts = {}
        self._usage: Facts = {}
        self._failure: Facts = {}
        self._finish: dict[int, str | None] = {}
        self._native: dict[int, str | None] = {}

    def read(self, data: bytes) -> None:
        """Take one JSON object; what is no object is passed over."""
        answer = _answer(data)
        if answer is None:
            return
        self.objects += 1
        self._name(answer)
        if answer.usage is not None:
            self._usage.update(usage_facts(answer.usage))
        if answer.error is not None:
            self._fail(failure_facts(answer.error if answer.error_type is None else _typed(answer)))
        for position, choice in enumerate(_choices(answer.choices)):
            self._choose(position, choice)

    def ended(self) -> bool:
        """Whether the answer says that it is whole: a finish reason, its usage, or an error."""
        return bool(self._usage or self._failure or any(self._finish.values()))

    def facts(self) -> Facts:
        """Return everything that the answer stated."""
        facts = {**self._named, **self._usage, **self._failure}
        if self._finish:
            facts["finish_reasons"] = tuple(self._finish[index] for index in sorted(self._finish))
        if any(self._native.values()):
            facts["native_finish_reasons"] = tuple(self._native[index] for index in sorted(self._native))
        return facts

    def _name(self, answer: _Answer) -> None:
        for field, seen in (
            ("response_id", answer.id),
            ("response_model", answer.model),
            ("provider", answer.provider),
        ):
            if field not in self._named and (name := text(seen)) is not None:
                self._named[field] = name

    def _choose(self, position: int, choice: _Choice) -> None:
        index = count(choice.index)
        index = position if index is None else index
        if len(self._finish) >= MAX_ITEMS and index not in self._finish:
            return
        reason = text(choice.finish_reason)
        self._finish[index] = reason or self._finish.get(index)
        self._native[index] = text(choice.native_finish_reason) or self._native.get(index)
        self.spoke = self.spoke or _speaks(choice.delta)
        if choice.error is not None or reason == "error":
            self._fail(failure_facts(choice.error))

    def _fail(self, failure: Facts) -> None:
        """Keep the first error that says anything; a bare `finish_reason: "error"` gives way to it."""
        if self._failure.get("error_type", "error") == "error":
            self._failure = failure


def _typed(answer: _Answer) -> Any:
    """Return the error with the stable type that stands beside it."""
    return {**answer.error, "error_type": answer.error_type} if isinstance(answer.error, dict) else answer.error


def _choices(seen: Any) -> list[_Choice]:
    if not isinstance(seen, msgspec.Raw):
        return [choice for each in seen[:MAX_ITEMS] if (choice := _choice.of(each))] if isinstance(seen, list) else []
    try:
        return (
            [choice for each in _raw_choices(seen)[:MAX_ITEMS] if (choice := _choice(bytes(each)))]
            if bytes(seen)
            else []
        )
    except (ValueError, RecursionError):
        return []


def _speaks(delta: Any) -> bool:
    """Whether a delta holds anything but the role."""
    return isinstance(delta, dict) and any(value for key, value in delta.items() if key != "role")
