"""What has been read of one answer so far, object by object: one for a plain answer, an event each for a stream."""

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from spancast.capture.failure import failure_facts
from spancast.capture.usage import usage_facts
from spancast.capture.values import MAX_ITEMS, Facts, Text, count, items, listed, member, text, texts
from spancast.records.call import Attempt, Routing

MAX_CALLS = 256
"""Tool calls of one answer that are told apart, and so counted."""


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
    """The facts of one answer, as they come."""

    __slots__ = (
        "_citations",
        "_finish",
        "_named",
        "_native",
        "_selected",
        "_tools",
        "bill",
        "events",
        "failure",
        "objects",
        "over",
        "owes_reason",
        "spoke",
        "unread",
        "usage",
    )

    def __init__(self) -> None:
        self.objects = 0
        """How many objects were read."""
        self.unread = 0
        """How many were to be read and were none."""
        self.events = 0
        """How many events a stream had, read or not."""
        self.spoke = False
        """Whether a piece of the answer itself has been seen: text, reasoning, a tool call."""
        self.over = False
        """Whether the answer has said that it is whole."""
        self.owes_reason = False
        """Whether the answer has begun, and only its end tells whether there is a reason for that."""
        self.bill: dict[str, Any] = {}
        """The `usage` as written, where a dialect tells it piece by piece."""
        self.usage: Facts = {}
        self._named: Facts = {}
        self._selected: str | None = None
        """The provider to which the router says that it sent the request."""
        self.failure: Facts = {}
        """What the answer says went wrong."""
        self._finish: dict[int, str | None] = {}
        self._native: dict[int, str | None] = {}
        self._tools: set[object] = set()
        self._citations = 0

    def envelope(self, seen: Envelope, id_names_generation: bool = True) -> None:
        """Take what surrounds the content. `id_names_generation` is false where `id` may be another kind of id."""
        self.objects += 1
        if seen.id is not None:
            self._named.setdefault("response_id", seen.id)
            if id_names_generation or seen.id.startswith("gen-"):
                self._named.setdefault("generation_id", seen.id)
        if seen.model is not None:
            self._named.setdefault("response_model", seen.model)
        if seen.provider is not None:
            self._named.setdefault("provider", seen.provider)
        if seen.service_tier is not None:
            self.becomes(service_tier=seen.service_tier)
        if seen.openrouter_metadata is not None:
            self.name(**_routing(seen.openrouter_metadata))
            if seen.error is None:
                self._selected = self._selected or _selected(seen.openrouter_metadata)
        if seen.error is not None:
            self.fail(seen.error, seen.error_type)

    def billed(self, usage: Mapping[str, Any] | None) -> None:
        """Take what an answer states to have used; the last word stands."""
        if usage is not None:
            self.usage.update(usage_facts(usage))

    def name(self, **stated: Any) -> None:
        """Keep what the answer says of itself; the first word stands."""
        for field, value in stated.items():
            if value is not None:
                self._named.setdefault(field, value)

    def becomes(self, **stated: Any) -> None:
        """Keep what may change while an answer is made, such as the status of a job; the last word stands."""
        for field, value in stated.items():
            if value is not None:
                self._named[field] = value

    def choose(self, index: int, reason: str | None, native: str | None = None) -> None:
        """Keep why a choice ended; the last word that says anything stands."""
        if len(self._finish) < MAX_ITEMS or index in self._finish:
            self._finish[index] = reason or self._finish.get(index)
            self._native[index] = native or self._native.get(index)

    def calls_tool(self, key: object) -> None:
        """Count a function call that the model asks for, once for each key."""
        if len(self._tools) < MAX_CALLS:
            self._tools.add(key)

    def cites(self, sources: int) -> None:
        """Count sources."""
        self._citations += sources

    def cites_in_all(self, sources: int) -> None:
        """Count the sources of the whole answer, some of which may have been counted on the way."""
        self._citations = max(self._citations, sources)

    def fail(self, error: Any, error_type: Any = None) -> None:
        """Keep the first error that says of what type it is; a bare `finish_reason: "error"` takes nothing away."""
        if self.failure.get("error_type", "error") == "error":
            if error_type is not None:
                error = {**(error if isinstance(error, dict) else {"message": error}), "error_type": error_type}
            self.failure = {**self.failure, **failure_facts(error)}

    def ended(self) -> bool:
        """Whether the answer says that it is whole: a finish reason of each choice, usage, an error, its own word.

        A usage that is told piece by piece begins before the answer ends.
        """
        whole = self.usage and not self.bill
        reasons = self._finish.values()
        return bool(self.over or whole or self.failure or (reasons and all(reasons)))

    def facts(self) -> Facts:
        """Return everything that the answer stated."""
        facts = {**self.failure, **self._named, **self.usage}
        if self._selected is not None:
            facts.setdefault("provider", self._selected)
        if self._finish:
            choices = self._choices()
            facts["finish_reasons"] = tuple([self._finish.get(index) for index in choices])
            if any(self._native.values()):
                facts["native_finish_reasons"] = tuple([self._native.get(index) for index in choices])
        elif self.owes_reason:
            facts["finish_reasons"] = (None,)
        if self._tools:
            facts["tool_calls"] = len(self._tools)
        if self._citations:
            facts["citations"] = self._citations
        if self.events:
            facts["output_chunks"] = self.events
        return facts

    def _choices(self) -> Iterable[int]:
        """Return the choices in their order, with those before the last that were not seen."""
        last = max(self._finish)
        return range(last + 1) if last < MAX_ITEMS else sorted(self._finish)


def sources(annotations: Any) -> int:
    """Return how many annotations cite a source; a file that was read or made is none (OpenRouter API, annotations)."""
    return sum(map(_is_citation, listed(annotations)))


def _is_citation(annotation: Any) -> bool:
    return (text(member(annotation, "type")) or "").endswith("_citation")


def _routing(seen: Any) -> Facts:
    attempts = tuple(_attempt(each) for each in items(member(seen, "attempts")))
    routing = Routing(
        strategy=text(member(seen, "strategy")),
        attempt=count(member(seen, "attempt")),
        attempts=attempts,
        pipeline=texts([member(stage, "name") for stage in items(member(seen, "pipeline"))]),
        summary=text(member(seen, "summary")),
    )
    return {"routing": routing, "region": text(member(seen, "region"))}


def _selected(seen: Any) -> str | None:
    """Return the provider of the endpoint that was selected."""
    endpoints = items(member(member(seen, "endpoints"), "available"))
    return next((text(member(each, "provider")) for each in endpoints if member(each, "selected") is True), None)


def _attempt(seen: Any) -> Attempt:
    return Attempt(text(member(seen, "model")), text(member(seen, "provider")), count(member(seen, "status")))
