"""What has been read of one answer so far: of the object of a plain answer, or of the events of a stream."""

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from spancast.capture.failure import failure_facts
from spancast.capture.usage import usage_facts
from spancast.capture.values import MAX_ITEMS, Facts, Text, count, items, listed, member, text, texts
from spancast.records.call import Attempt, Routing

MAX_CALLS = 256
"""The most tool calls of one answer that are counted."""


class Envelope(msgspec.Struct):
    """The members that an answer of any dialect may have around its content."""

    id: Text | None = None
    model: Text | None = None
    provider: Text | None = None
    usage: dict[str, Any] | None = None
    error: Any = None
    error_type: Any = None
    service_tier: Text | None = None
    openrouter_metadata: Any = None


class Reading:
    """Collects the facts of one answer as they come."""

    __slots__ = (
        "_citations",
        "_finish",
        "_native",
        "_selected",
        "_stated",
        "_tools",
        "events",
        "failure",
        "has_object",
        "has_output",
        "is_finished",
        "may_have_reason",
        "raw_usage",
        "usage",
    )

    def __init__(self) -> None:
        self.has_object = False
        """Whether any object was decoded."""
        self.events = 0
        """The number of events of a stream, parsed or not."""
        self.has_output = False
        """Whether a piece of the output has come: text, reasoning, a tool call."""
        self.is_finished = False
        """Whether the answer has stated that it is complete."""
        self.may_have_reason = False
        """Whether the answer has started, and its finish reason is only stated at its end, if at all."""
        self.raw_usage: dict[str, Any] = {}
        """The `usage` as written, where a dialect states it bit by bit."""
        self.usage: Facts = {}
        self._stated: Facts = {}
        self._selected: str | None = None
        """The provider that the routing metadata says was selected."""
        self.failure: Facts = {}
        """The error that the answer states."""
        self._finish: dict[int, str | None] = {}
        self._native: dict[int, str | None] = {}
        self._tools: set[object] = set()
        self._citations = 0

    def add_envelope(self, envelope: Envelope, id_names_generation: bool = True) -> None:
        """Add what surrounds the content; `id_names_generation` is false where `id` may be another kind of id."""
        if envelope.id is not None:
            self._stated.setdefault("response_id", envelope.id)
            if id_names_generation or envelope.id.startswith("gen-"):
                self._stated.setdefault("generation_id", envelope.id)
        if envelope.model is not None:
            self._stated.setdefault("response_model", envelope.model)
        if envelope.provider is not None:
            self._stated.setdefault("provider", envelope.provider)
        if envelope.service_tier is not None:
            self.keep_last(service_tier=envelope.service_tier)
        if envelope.openrouter_metadata is not None:
            self.keep_first(**_routing(envelope.openrouter_metadata))
            if envelope.error is None:
                self._selected = self._selected or _selected(envelope.openrouter_metadata)
        if envelope.error is not None:
            self.set_error(envelope.error, envelope.error_type)

    def add_usage(self, usage: Mapping[str, Any] | None) -> None:
        """Add the usage that an answer states; a later value replaces an earlier one."""
        if usage is not None:
            self.usage.update(usage_facts(usage))

    def keep_first(self, **stated: Any) -> None:
        """Add facts, of which the first stated value counts."""
        for field, value in stated.items():
            if value is not None:
                self._stated.setdefault(field, value)

    def keep_last(self, **stated: Any) -> None:
        """Add facts that may change while an answer is made, such as a status: the last stated value counts."""
        for field, value in stated.items():
            if value is not None:
                self._stated[field] = value

    def set_finish_reason(self, index: int, reason: str | None, native: str | None = None) -> None:
        """Set why a choice ended; a later `None` changes nothing."""
        if len(self._finish) < MAX_ITEMS or index in self._finish:
            self._finish[index] = reason or self._finish.get(index)
            self._native[index] = native or self._native.get(index)

    def count_tool_call(self, key: object) -> None:
        """Count a function call of the model, once for each key."""
        if len(self._tools) < MAX_CALLS:
            self._tools.add(key)

    def count_citations(self, sources: int) -> None:
        """Count cited sources."""
        self._citations += sources

    def count_all_citations(self, sources: int) -> None:
        """Count the cited sources of the whole answer, some of which may have been counted already."""
        self._citations = max(self._citations, sources)

    def set_error(self, error: Any, error_type: Any = None) -> None:
        """Set the error; the first one with a type counts, which a bare `finish_reason: "error"` has not."""
        if self.failure.get("error_type", "error") == "error":
            if error_type is not None:
                error = {**(error if isinstance(error, dict) else {"message": error}), "error_type": error_type}
            self.failure = {**self.failure, **failure_facts(error)}

    def is_complete(self) -> bool:
        """Whether the answer is complete: by its own statement, a finish reason of each choice, its usage, or an error.

        A usage that is stated bit by bit starts before the answer ends, so it does not count.
        """
        has_final_usage = self.usage and not self.raw_usage
        reasons = self._finish.values()
        return bool(self.is_finished or has_final_usage or self.failure or (reasons and all(reasons)))

    def facts(self) -> Facts:
        """Return everything that the answer stated."""
        facts = {**self.failure, **self._stated, **self.usage}
        if self._selected is not None:
            facts.setdefault("provider", self._selected)
        if self._finish:
            choices = self._choices()
            facts["finish_reasons"] = tuple([self._finish.get(index) for index in choices])
            if any(self._native.values()):
                facts["native_finish_reasons"] = tuple([self._native.get(index) for index in choices])
        elif self.may_have_reason:
            facts["finish_reasons"] = (None,)
        if self._tools:
            facts["tool_calls"] = len(self._tools)
        if self._citations:
            facts["citations"] = self._citations
        if self.events:
            facts["output_chunks"] = self.events
        return facts

    def _choices(self) -> Iterable[int]:
        """Return the indices of the choices in order, including any that are missing before the last."""
        last = max(self._finish)
        return range(last + 1) if last < MAX_ITEMS else sorted(self._finish)


def sources(annotations: Any) -> int:
    """Return how many annotations cite a source; files that were read or made do not (OpenRouter API, annotations)."""
    return sum(map(_is_citation, listed(annotations)))


def _is_citation(annotation: Any) -> bool:
    return (text(member(annotation, "type")) or "").endswith("_citation")


def _routing(metadata: Any) -> Facts:
    attempts = tuple(_attempt(each) for each in items(member(metadata, "attempts")))
    routing = Routing(
        strategy=text(member(metadata, "strategy")),
        attempt=count(member(metadata, "attempt")),
        attempts=attempts,
        pipeline=texts([member(stage, "name") for stage in items(member(metadata, "pipeline"))]),
        summary=text(member(metadata, "summary")),
    )
    return {"routing": routing, "region": text(member(metadata, "region"))}


def _selected(metadata: Any) -> str | None:
    """Return the provider of the endpoint that was selected."""
    endpoints = items(member(member(metadata, "endpoints"), "available"))
    return next((text(member(each, "provider")) for each in endpoints if member(each, "selected") is True), None)


def _attempt(attempt: Any) -> Attempt:
    return Attempt(text(member(attempt, "model")), text(member(attempt, "provider")), count(member(attempt, "status")))
