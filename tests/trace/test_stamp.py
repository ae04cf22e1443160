"""User, session and tags on every span of a trace, so that platforms, which read spans one by one, find them."""

from collections.abc import Iterator
from typing import Any

import pytest
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from spancast import attribute
from spancast.base import guard
from spancast.trace.stamp import MAX_TAGS, Stamp


class Application:
    """A provider that carries a stamp, and what its spans say in the end."""

    def __init__(self) -> None:
        self.stamp = Stamp()
        self.kept = InMemorySpanExporter()
        self.provider = TracerProvider(shutdown_on_exit=False)
        self.provider.add_span_processor(SimpleSpanProcessor(self.kept))
        self.provider.add_span_processor(self.stamp)
        self.tracer = self.provider.get_tracer("application")

    def told(self) -> dict[str, dict[str, Any]]:
        return {span.name: dict(span.attributes or {}) for span in self.kept.get_finished_spans()}


@pytest.fixture
def application() -> Iterator[Application]:
    one = Application()
    yield one
    one.provider.shutdown()


def test_every_span_that_starts_inside_says_whom_it_is_for(application: Application) -> None:
    start = application.tracer.start_as_current_span
    with start("request"):
        with attribute(user="u_1", session="s_1", tags={"feature": "search"}), start("tool"), start("database"):
            pass
        with start("afterwards"):
            pass
    who = {"user.id": "u_1", "session.id": "s_1", "spancast.tag.feature": "search"}
    assert application.told() == {"request": {}, "tool": who, "database": who, "afterwards": {}}


def test_a_span_is_given_so_many_tags_and_no_more(application: Application) -> None:
    with attribute(tags={f"tag.{number}": number for number in range(MAX_TAGS + 5)}):
        application.tracer.start_span("tagged").end()
    assert application.told()["tagged"] == {f"spancast.tag.tag_{number}": str(number) for number in range(MAX_TAGS)}


def test_what_a_span_says_itself_is_left_alone(application: Application) -> None:
    with attribute(user="u_1", session="s_1"):
        application.tracer.start_span("own", attributes={"user.id": "u_2"}).end()
    assert application.told() == {"own": {"user.id": "u_2", "session.id": "s_1"}}


def test_a_stamp_that_is_switched_off_leaves_spans_alone(application: Application) -> None:
    application.stamp.active = False
    with attribute(user="u_1"):
        application.tracer.start_span("span").end()
    assert application.told() == {"span": {}}


def test_a_user_is_cut_to_what_openrouter_allows_and_more(application: Application) -> None:
    with attribute(user="u" * 10_000, session="\ud800"):
        application.tracer.start_span("span").end()
    assert application.told() == {"span": {"user.id": "u" * 512, "session.id": "?"}}


def test_other_processors_see_the_stamp(application: Application) -> None:
    """They are asked in the order in which they were added, and the stamp is added late; at the end it is there."""
    seen: list[Any] = []

    class Watching(SpanProcessor):
        def on_end(self, span: Any) -> None:
            seen.append(dict(span.attributes))

    application.provider.add_span_processor(Watching())
    with attribute(user="u_1"):
        application.tracer.start_span("span").end()
    assert seen == [{"user.id": "u_1"}]


class Late:
    """A span that ends only when somebody asks for it."""

    def __init__(self, application: Application) -> None:
        self._span = application.tracer.start_span("late")
        application.stamp.complete = self.complete
        self.within: list[float] = []

    def complete(self, timeout: float) -> bool:
        self.within.append(timeout)
        self._span.end()
        return True


def test_a_span_that_waits_is_ended_when_the_provider_is_flushed(application: Application) -> None:
    late = Late(application)
    assert application.provider.force_flush(2_000)
    assert list(application.told()) == ["late"]
    (within,) = late.within
    assert 0 < within <= 2


def test_a_span_that_waits_is_ended_when_the_provider_is_shut_down(application: Application) -> None:
    late = Late(application)
    application.stamp.shutdown()
    assert list(application.told()) == ["late"]
    assert late.within == [1.0]


def test_a_stamp_that_is_laid_down_asks_for_nothing(application: Application) -> None:
    late = Late(application)
    application.stamp.active = False
    assert application.provider.force_flush()
    application.stamp.shutdown()
    assert late.within == []


def test_what_fails_in_it_does_not_reach_the_application(
    application: Application, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(guard, "strict", False)

    def fail(_timeout: float) -> bool:
        raise LookupError

    application.stamp.complete = fail
    assert not application.provider.force_flush()
    application.stamp.shutdown()
