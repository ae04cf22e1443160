"""The variables that people set for a platform's own SDK: which are read, and which are left to it."""

import re
from dataclasses import fields

import pytest

from spancast.broadcast.shape import Shaper
from spancast.destinations import discover
from spancast.destinations.destination import Destination
from spancast_exporters.langfuse import Langfuse
from tests.support.environments import ROOT
from tests.support.otlp_wire import spans
from tests.support.spans import AT, of_call

PAGE = (ROOT / "docs" / "destinations.md").read_text("utf-8").partition("## Variables that people already set")[2]
READ, LEFT, *_ = PAGE.split("\n## ")[0].partition("They are not read")[::2]
KEYS = {"LANGFUSE_PUBLIC_KEY": "pk-lf-1", "LANGFUSE_SECRET_KEY": "sk-lf-1"}


def named(part: str) -> set[str]:
    return set(re.findall(r"`([A-Z]+_[A-Z_]+)`", part))


def read_by_an_exporter() -> set[str]:
    made = (discover._factory(name) for name in discover.known_names())
    return {name for each in made for field in fields(each) for name in field.metadata.get("variables", ())}


def test_what_the_page_says_is_read_is_read_and_the_rest_is_not():
    known = read_by_an_exporter()
    of_langfuse = {name for field in fields(Langfuse) for name in field.metadata.get("variables", ())}
    assert {name for name in named(READ) if name.startswith("LANGFUSE_")} == of_langfuse
    assert len(named(LEFT)) > 10
    assert not {name for name in named(LEFT) if not name.startswith(("SPANCAST_", "OTEL_"))} & known


@pytest.mark.parametrize(
    ("more", "span", "expected"),
    [
        ({}, {}, ("staging", "7.1")),
        ({"LANGFUSE_TRACING_ENVIRONMENT": "qa", "LANGFUSE_RELEASE": "9"}, {}, ("qa", "9")),
        ({"LANGFUSE_TRACING_ENVIRONMENT": "qa"}, {"environment": "dev", "release": "8"}, ("dev", "8")),
        ({"LANGFUSE_SAMPLE_RATE": "0", "LANGFUSE_TRACING_ENABLED": "false"}, {}, ("staging", "7.1")),
    ],
)
def test_langfuse_is_told_where_and_what_the_application_is_and_no_sdk_turns_it_off(monkeypatch, more, span, expected):
    for name in named(PAGE):
        monkeypatch.delenv(name, raising=False)
    for name, value in {**KEYS, **more}.items():
        monkeypatch.setenv(name, value)
    exporter = discover.exporter(Destination("langfuse"))
    assert isinstance(exporter, Langfuse)
    (request,) = exporter.encode([of_call(started_at=AT, **span)], None)
    (sent,) = spans(request)
    assert (sent["attributes"]["langfuse.environment"], sent["attributes"]["langfuse.release"]) == expected


SAID_BY = {
    "langfuse": "LANGFUSE_TRACING_ENVIRONMENT",
    "sentry": "SENTRY_ENVIRONMENT",
    "elastic": "ELASTIC_APM_ENVIRONMENT",
    "logfire": "LOGFIRE_ENVIRONMENT",
}
NEEDED = {
    **KEYS,
    "SENTRY_DSN": "https://k3y@o1.ingest.sentry.io/1",
    "ELASTIC_OTLP_ENDPOINT": "https://elastic.example",
    "ELASTIC_API_KEY": "k3y",
    "LOGFIRE_TOKEN": "k3y",
}


def by_variable(monkeypatch, name, **wishes):
    monkeypatch.setenv(SAID_BY[name], "qa")
    return Destination(name, **wishes)


def by_instance(_monkeypatch, name, **wishes):
    return Destination(discover.exporter(Destination(name, environment="qa")), **wishes)


@pytest.mark.parametrize("by", [by_variable, by_instance])
@pytest.mark.parametrize("name", SAID_BY)
@pytest.mark.parametrize(
    ("said", "expected"),
    [((None, None), "qa"), (("dev", None), "dev"), ((None, "prod"), "prod"), (("dev", "prod"), "prod")],
    ids=["nobody", "the request", "the destination", "both"],
)
def test_a_destination_wins_over_a_request_and_that_over_what_the_exporter_has_of_its_own(
    monkeypatch, by, name, said, expected
):
    by_request, by_destination = said
    for variable, value in NEEDED.items():
        monkeypatch.setenv(variable, value)
    destination = by(monkeypatch, name, environment=by_destination)
    span = Shaper(destination).shaped(of_call(started_at=AT, environment=by_request)).span
    (sent,) = spans(discover.exporter(destination).encode([span], None)[0])
    where = {**sent["resource"], **sent["attributes"]}
    assert where.get("langfuse.environment", where["deployment.environment.name"]) == expected
