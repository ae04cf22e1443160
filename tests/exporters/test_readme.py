import json
import re
import sys
from contextlib import closing
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from spancast.base.deadline import Deadline
from spancast.delivery.courier.courier import Courier
from spancast.delivery.outbox.outbox import Outbox
from spancast.destinations import discover
from spancast.destinations.destination import Destination
from spancast.destinations.discover import Unconfigured
from spancast.testing import ExporterContract
from tests.support.calls import a_call, to_span
from tests.support.platform import Platform, answer

README = Path(__file__).parents[2] / "exporters" / "README.md"
JSON = {"content-type": "application/json"}


def example() -> str:
    return blocks()[0]


def blocks() -> list[str]:
    return re.findall(r"```python\n(.*?)```", README.read_text("utf-8"), re.DOTALL)


@pytest.fixture
def acme(tmp_path, monkeypatch):
    (tmp_path / "acme.py").write_text(example())
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setenv("ACME_API_KEY", "k-1")
    yield "acme:Acme"
    sys.modules.pop("acme", None)


def test_the_example_is_about_as_short_as_it_says():
    assert len([line for line in example().splitlines() if line.strip()]) <= 40


def test_the_example_delivers_and_believes_what_the_platform_says_of_each_event(acme, tmp_path):
    good, bad = a_call(user="u_42"), a_call()
    refusal = json.dumps({"errors": [{"id": bad.span_id, "message": "no user"}]}).encode()
    with Platform(answer(207, JSON, refusal)).open() as platform, closing(Outbox(tmp_path)) as outbox:
        destination = Destination(acme, name="platform", endpoint=platform.url)
        outbox.apply("writer-000001.seg", 1, [good, bad])
        with closing(Courier(destination, discover.exporter(destination), outbox, to_span, tmp_path)) as courier:
            courier.deliver_once(Deadline(5))
        (standing,) = outbox.standings()
    (received,) = platform.received
    assert (received.path, received.headers["authorization"]) == ("/v1/events", "Bearer k-1")
    assert [event["usd"] for event in json.loads(received.body)["events"]] == ["0.00123", "0.00123"]
    assert (standing.delivered, standing.reasons) == (1, {"no user": 1})


def test_the_example_says_which_key_it_lacks_and_where_to_get_it(acme, monkeypatch):
    monkeypatch.delenv("ACME_API_KEY")
    with pytest.raises(Unconfigured, match=r"ACME_API_KEY.*Settings, API keys"):
        discover.exporter(Destination(acme))


def test_the_example_does_not_show_its_key(acme):
    assert "k-1" not in repr(discover.exporter(Destination(acme)))


def suite() -> type[ExporterContract]:
    """Return the suite as the page has it, for the exporter that the page has."""
    acme, said = ModuleType("acme"), {}
    sys.modules["acme"] = acme
    try:
        exec(example(), acme.__dict__)
        exec(blocks()[1], said)
    finally:
        del sys.modules["acme"]
    found: type[ExporterContract] = said["TestAcme"]
    return found


class TestTheExample(suite()):
    """The page says that the example passes."""


def test_the_example_of_who_else_sends_says_it():
    given: dict[str, Any] = {}
    exec(blocks()[2], given)
    sdk, otel = given["also_sent_by"].fget(SimpleNamespace(endpoint="https://acme.example"))
    assert (sdk.name, sdk.packages, otel.otlp) == ("Acme's SDK", ("acme-sdk",), "https://acme.example")
