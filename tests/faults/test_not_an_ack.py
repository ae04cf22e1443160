"""Row 19: answers that sound like a success and are none."""

import pytest

from spancast_exporters.otlp import Otlp
from tests.support.faults import modes
from tests.support.faults.desk import once, until_settled
from tests.support.faults.json_exporter import JsonExporter


@pytest.mark.parametrize("code", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("speaks", ["otlp", "json"])
def test_a_redirect_is_not_followed_and_what_was_sent_waits(desk, impatient, code, speaks):
    elsewhere = desk.collector()
    collector = desk.collector(modes.redirect(code, elsewhere.url))
    desk.put(10)
    exporter = Otlp(endpoint=collector.url) if speaks == "otlp" else JsonExporter(url=collector.url)
    courier = desk.courier(exporter)
    once(courier)
    assert (desk.standing().waiting, desk.standing().reasons) == (10, {f"HTTP {code}": 10})
    collector.mode = modes.healthy if speaks == "otlp" else modes.json_answer(200, {})
    until_settled(courier)
    assert (elsewhere.connections, desk.standing().delivered) == ([], 10)


@pytest.mark.parametrize("lie", [modes.html, modes.empty, modes.invalid_json], ids=["html", "empty", "cut JSON"])
def test_an_answer_that_is_none_is_not_believed(desk, impatient, lie):
    collector = desk.collector(lie)
    desk.put(10)
    courier = desk.courier(JsonExporter(url=collector.url))
    once(courier)
    assert desk.standing().waiting == 10
    collector.mode = modes.json_answer(200, {})
    until_settled(courier)
    assert desk.standing().delivered == 10


@pytest.mark.parametrize("lie", [modes.html, modes.invalid_json], ids=["html", "cut JSON"])
def test_an_answer_that_is_no_otlp_is_not_believed(desk, impatient, lie):
    collector = desk.collector(lie)
    desk.put(10)
    courier = desk.courier(Otlp(endpoint=collector.url))
    once(courier)
    assert desk.standing().waiting == 10
    collector.mode = modes.healthy
    until_settled(courier)
    desk.assert_each_once(collector)


@pytest.mark.parametrize("code", [404, 405, 407, 421, 425])
def test_an_address_that_is_wrong_loses_nothing_until_it_is_right(desk, code):
    collector = desk.collector(modes.status(code))
    desk.put(10)
    once(desk.courier(Otlp(endpoint=collector.url)))
    assert desk.standing().waiting == 10
    collector.mode = modes.healthy
    until_settled(desk.courier(Otlp(endpoint=collector.url)))
    desk.assert_each_once(collector)
