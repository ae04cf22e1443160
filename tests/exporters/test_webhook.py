from base64 import b64encode
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from spancast.contract import Delivered, Encoded, Exporter, Probe, Rejected, Reply, Request, Retry, Unauthorized
from spancast.delivery.http.wire import Wire
from spancast.destinations import discover
from spancast.destinations.destination import Destination
from spancast.destinations.discover import Unconfigured
from spancast.errors import ConfigurationError
from spancast_exporters import webhook as webhook_exporter
from spancast_exporters.webhook import Webhook
from tests.support.delivered import deliver
from tests.support.platform import answer
from tests.support.platforms.webhook import KEY, SECRET, webhook
from tests.support.spans import WORDS, a_trace, of_application, of_call

NOW = datetime(2026, 9, 21, tzinfo=UTC)
URL = "http://mine:1/hook"


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch):
    for name in ("URL", "METHOD", "HEADERS", "SECRET"):
        monkeypatch.delenv(f"SPANCAST_WEBHOOK_{name}", raising=False)


def made(**settings) -> Webhook:
    exporter = discover.exporter(Destination("webhook", **{"endpoint": URL, **settings}))
    assert isinstance(exporter, Webhook)
    return exporter


def test_it_is_an_exporter_that_can_be_probed():
    assert isinstance(made(), Exporter)
    assert isinstance(made(), Probe)


def test_the_variables_say_where_and_how(monkeypatch):
    with pytest.raises(Unconfigured, match=r"SPANCAST_WEBHOOK_URL.*receiver of your own"):
        discover.exporter(Destination("webhook"))
    for name, value in {"URL": URL, "METHOD": "put", "HEADERS": "X-Team=llm,api-key=a%3Db"}.items():
        monkeypatch.setenv(f"SPANCAST_WEBHOOK_{name}", value)
    exporter = discover.exporter(Destination("webhook"))
    assert isinstance(exporter, Webhook)
    (encoded,) = exporter.encode([of_call()], NOW)
    assert (encoded.request.url, encoded.request.method) == (URL, "PUT")
    assert encoded.request.headers == {"x-team": "llm", "api-key": "a=b", "content-type": "application/json"}


@pytest.mark.parametrize(
    ("settings", "why"),
    [
        ({"endpoint": "http://"}, "Give a URL"),
        ({"method": "GET"}, "method cannot be"),
        ({"headers": "nonsense"}, "headers cannot be parsed"),
        ({"headers": {"x": "a\r\nb: c"}}, "no header has"),
        ({"secret": "whsec_ÄÖ"}, "whsec_ and 24 to 64 bytes in base64. Make one: python"),
        ({"secret": ""}, "whsec_"),
        ({"secret": "not base64!"}, "whsec_"),
        ({"secret": "whsec_" + b64encode(b"x" * 23).decode()}, "24 to 64 bytes"),
        ({"secret": "whsec_" + b64encode(b"x" * 65).decode()}, "24 to 64 bytes"),
        ({"secret": f"{SECRET} whsec_short"}, "24 to 64 bytes"),
    ],
)
def test_what_cannot_work_is_refused_when_it_is_made(settings, why):
    with pytest.raises(ConfigurationError, match=why):
        made(**settings)


def test_nothing_secret_is_shown():
    shown = repr(made(secret=SECRET, headers={"x": "s3cret"}))
    assert SECRET not in shown
    assert "s3cret" not in shown


@pytest.mark.parametrize("method", ["POST", "PUT"])
@pytest.mark.parametrize(("secret", "key"), [(None, None), (SECRET, KEY), (SECRET.removeprefix("whsec_"), KEY)])
def test_a_trace_arrives_signed(tmp_path, method, secret, key):
    signing = {} if secret is None else {"secret": secret}
    with webhook(key=key) as (receiver, platform):
        standing = deliver(tmp_path, a_trace(), "webhook", endpoint=platform.url, method=method, **signing)
    assert standing.delivered == 4
    assert [each["spanId"] for each in receiver.spans] == [span.span_id for span in a_trace()]
    assert [each.get("parentSpanId") for each in receiver.spans] == [span.parent_span_id for span in a_trace()]
    assert {each["traceId"] for each in receiver.spans} == {a_trace()[0].trace_id}
    assert {each.method for each in platform.received} == {method}


def test_the_signature_is_that_of_standard_webhooks():
    """The vector of its own libraries (standard-webhooks, `libraries/javascript/src/webhook.test.ts`, "sign")."""
    for secret in ("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"):
        (key,) = webhook_exporter._keys(secret)
        signature = webhook_exporter._signature(
            key, "msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", b'{"test": 2432232314}'
        )
        assert signature == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_a_key_may_be_written_without_its_padding():
    for length in (24, 25, 26):
        written = b64encode(bytes(range(length))).decode()
        assert webhook_exporter._keys(f"whsec_{written.rstrip('=')} {written}") == [bytes(range(length))] * 2


def test_with_two_secrets_each_signs_so_that_a_receiver_can_change():
    new = "whsec_" + b64encode(b"n" * 32).decode()
    (both,), (old,) = (made(secret=secret).encode([of_call()], NOW) for secret in (f"{new} {SECRET}", SECRET))
    signatures = both.request.headers["webhook-signature"].split(" ")
    assert signatures[1] == old.request.headers["webhook-signature"]
    assert len(set(signatures)) == 2


def test_a_receiver_that_is_gone_gets_no_more_and_the_calls_wait(tmp_path):
    with webhook(answer(410)) as (_, platform):
        standing = deliver(tmp_path, [of_call()], "webhook", endpoint=platform.url)
    assert (standing.state, standing.waiting, standing.dead) == ("parked", 1, 0)


def test_another_key_is_refused_and_the_calls_wait(tmp_path):
    with webhook(key=b"other") as (receiver, platform):
        standing = deliver(tmp_path, [of_call()], "webhook", endpoint=platform.url, secret=SECRET)
    assert (standing.state, standing.waiting, receiver.spans) == ("parked", 1, [])


def test_the_same_spans_have_the_same_id_at_another_time():
    exporter = made(secret=SECRET)
    (one,), (other,) = (exporter.encode([of_call()], at) for at in (NOW, NOW + timedelta(hours=1)))
    assert one.request.headers["webhook-id"] == other.request.headers["webhook-id"]
    assert one.request.headers["webhook-signature"] != other.request.headers["webhook-signature"]


def test_money_is_exact_and_words_are_there_where_they_are_given(tmp_path):
    with webhook() as (receiver, platform):
        deliver(tmp_path, [of_call(WORDS)], "webhook", endpoint=platform.url)
    found = receiver.attributes()
    assert found["openrouter.cost_usd"] == "0.000106000000000001"
    assert found["gen_ai.usage.input_tokens"] == "1200"
    assert "Paris" in found["gen_ai.input.messages"]


def test_an_unknown_cost_is_not_told(tmp_path):
    unknown = dict.fromkeys(("cost", "cost_source", "upstream_cost", "upstream_input_cost", "upstream_output_cost"))
    with webhook() as (receiver, platform):
        deliver(tmp_path, [of_call(**unknown)], "webhook", endpoint=platform.url)
    assert not [name for name in receiver.attributes() if "cost" in name]
    assert not [name for name in receiver.attributes() if name.startswith("gen_ai.input")]


def test_hostile_values_arrive_as_what_can_be_said_and_spoil_no_other(tmp_path):
    hostile = {"half": "\ud800", "nan": float("nan"), "inf": float("-inf"), "huge": 10**5000, "map": {"a": [1]}}
    span = replace(of_application("wo\ud800rk"), attributes=hostile)
    with webhook() as (receiver, platform):
        assert deliver(tmp_path, [span, of_call()], "webhook", endpoint=platform.url).delivered == 2
    found = {pair["key"]: pair["value"] for pair in receiver.spans[0]["attributes"]}
    assert (found["half"], found["nan"]) == ({"stringValue": "?"}, {"stringValue": "NaN"})
    assert len(receiver.spans) == 2


def test_large_spans_go_apart():
    large = [of_application("x", span_id=f"{each:016x}", attributes={"words": "w" * 2_500_000}) for each in (1, 2)]
    requests = made().encode(large, NOW)
    assert [each.span_ids for each in requests] == [("0000000000000001",), ("0000000000000002",)]
    assert all(len(each.request.body) <= made().traits.max_bytes for each in requests)


@pytest.mark.parametrize(
    ("reply", "verdict"),
    [
        (Reply(200, {}, b""), Delivered()),
        (Reply(204, {}, b""), Delivered()),
        (Reply(299, {"content-type": "text/html"}, b"ok"), Delivered()),
        (
            Reply(200, {"content-type": "text/html"}, b"\n<html>"),
            Retry("HTTP 200 with an HTML page instead of an acknowledgement"),
        ),
        (Reply(401), Unauthorized("HTTP 401")),
        (Reply(503, {"retry-after": "9"}), Retry("HTTP 503", 9.0)),
        (Reply(400, {}, b'{"error":"no"}'), Rejected({"a": "HTTP 400: no"})),
    ],
)
def test_an_answer_is_read(reply, verdict):
    assert made().judge(Encoded(Request(url=URL, body=b""), ("a",)), reply) == verdict


def test_what_a_receiver_does_not_take_now_waits(tmp_path):
    with webhook(answer(503)) as (_, platform):
        standing = deliver(tmp_path, [of_call()], "webhook", endpoint=platform.url)
    assert (standing.state, standing.waiting) == ("retrying", 1)


def test_a_connection_is_tested_as_openrouter_tests_it():
    with webhook(key=KEY) as (receiver, platform), closing(Wire()) as wire:
        exporter = made(endpoint=platform.url, secret=SECRET)
        assert exporter.diagnose(wire.post(exporter.probe(datetime.now(UTC)))) is None
        other = made(endpoint=platform.url, secret="b3RoZXIgb3RoZXIgb3RoZXIgb3RoZXIg")
        assert "SPANCAST_WEBHOOK_SECRET" in (other.diagnose(wire.post(other.probe(datetime.now(UTC)))) or "")
    assert (receiver.tests, receiver.spans) == (1, [])
    assert platform.received[0].body == b'{"resourceSpans":[]}'


@pytest.mark.parametrize(
    ("reply", "told"),
    [
        (Reply(204), None),
        (Reply(400), None),
        (Reply(404), "HTTP 404"),
        (Reply(200, {}, b"<html>"), "with an HTML page"),
    ],
)
def test_what_is_wrong_is_told(reply, told):
    said = made().diagnose(reply)
    assert said is None if told is None else told in (said or "")
