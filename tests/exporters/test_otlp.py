import gzip
import json
from datetime import UTC, datetime

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)

from spancast.contract import Delivered, Encoded, Exporter, Probe, Rejected, Reply, Retry, Split, Unauthorized
from spancast.destinations import discover
from spancast.destinations.destination import Destination
from spancast.errors import ConfigurationError
from spancast_exporters.otlp import Otlp
from tests.support.calls import a_call, to_span

NOW = datetime(2026, 1, 1, tzinfo=UTC)
PROTOBUF = {"content-type": "application/x-protobuf"}
JSON = {"content-type": "application/json"}


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch):
    for name in ("ENDPOINT", "HEADERS", "COMPRESSION", "PROTOCOL", "INSECURE", "CERTIFICATE"):
        monkeypatch.delenv(f"OTEL_EXPORTER_OTLP_{name}", raising=False)
        monkeypatch.delenv(f"OTEL_EXPORTER_OTLP_TRACES_{name}", raising=False)


def made(**settings) -> Otlp:
    exporter = discover.exporter(Destination("otlp", **settings))
    assert isinstance(exporter, Otlp)
    return exporter


def encoded(count: int = 2, exporter: Otlp | None = None) -> Encoded:
    (one,) = (exporter or Otlp()).encode([to_span(a_call()) for _ in range(count)], NOW)
    return one


def partial(rejected: int, message: str = "") -> Reply:
    answer = ExportTraceServiceResponse()
    answer.partial_success.rejected_spans = rejected
    answer.partial_success.error_message = message
    return Reply(200, PROTOBUF, answer.SerializeToString())


def test_it_is_an_exporter():
    assert (isinstance(Otlp(), Exporter), isinstance(Otlp(), Probe)) == (True, True)


@pytest.mark.parametrize(
    ("protocol", "body"), [("http/protobuf", b""), ("http/json", b'{"resourceSpans":[]}')], ids=["protobuf", "json"]
)
def test_the_test_sends_no_span_with_the_headers_of_all_others(protocol, body):
    exporter = Otlp(endpoint="http://collector:4318", protocol=protocol, headers="api-key=x")
    request = exporter.probe(NOW)
    assert (request.url, request.body) == ("http://collector:4318/v1/traces", body)
    (one,) = exporter.encode([to_span(a_call())], NOW)
    said = {name: value for name, value in one.request.headers.items() if name != "content-encoding"}
    assert request.headers == said


@pytest.mark.parametrize(
    ("reply", "told"),
    [
        (Reply(200, PROTOBUF), None),
        (Reply(200, JSON, b"{}"), None),
        (partial(0, "a warning"), None),
        (Reply(401, JSON, b'{"code":16,"message":"no key"}'), "OTEL_EXPORTER_OTLP_HEADERS"),
        (Reply(404), "Check the endpoint."),
        (Reply(200, {"content-type": "text/html"}, b"<html>"), "an HTML page"),
        (Reply(200, {"content-type": "text/plain"}, b"OK"), "Is http://localhost:4318/v1/traces an OTLP endpoint?"),
    ],
)
def test_what_the_test_is_answered_is_told_with_the_cure(reply, told):
    found = Otlp().diagnose(reply)
    assert found is None if told is None else told in (found or "")


def test_all_spans_go_in_one_compressed_request():
    one = encoded(3)
    body = ExportTraceServiceRequest.FromString(gzip.decompress(one.request.body))
    sent = [scope.spans[0].span_id.hex() for each in body.resource_spans for scope in each.scope_spans]
    assert tuple(sent) == one.span_ids
    assert one.request.headers == {"content-type": "application/x-protobuf", "content-encoding": "gzip"}


def test_the_same_spans_make_the_same_bytes():
    spans = [to_span(a_call())]
    assert Otlp().encode(spans, NOW) == Otlp().encode(spans, NOW)


def test_json_is_what_protobuf_says_with_ids_in_hex_and_enums_in_numbers(monkeypatch):
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_PROTOCOL", "http/json")
    spans = [to_span(a_call()) for _ in range(2)]
    (one,) = made(compression="none").encode(spans, NOW)
    assert one.request.headers == {"content-type": "application/json"}
    sent = [span for each in json.loads(one.request.body)["resourceSpans"] for span in each["scopeSpans"][0]["spans"]]
    assert [(span["traceId"], span["spanId"]) for span in sent] == [(span.trace_id, span.span_id) for span in spans]
    assert [span["kind"] for span in sent] == [3, 3]
    assert sent[0]["startTimeUnixNano"] == str(spans[0].start)


def test_the_protocol_for_traces_wins(monkeypatch):
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "http/protobuf")
    assert made().protocol == "http/protobuf"


def test_compression_can_be_left_out():
    one = encoded(1, Otlp(compression="none"))
    assert ExportTraceServiceRequest.FromString(one.request.body).resource_spans
    assert "content-encoding" not in one.request.headers


@pytest.mark.parametrize(
    ("endpoint", "url"),
    [
        (None, "http://localhost:4318/v1/traces"),
        ("http://collector:4318", "http://collector:4318/v1/traces"),
        ("http://collector:4318/", "http://collector:4318/v1/traces"),
        ("https://api.example/otel/ingest", "https://api.example/otel/ingest"),
        ("https://api.example/v1/traces?project=7", "https://api.example/v1/traces?project=7"),
    ],
)
def test_an_endpoint_without_a_path_gets_the_usual_one(endpoint, url):
    assert made(endpoint=endpoint).url == url


@pytest.mark.parametrize(
    ("variables", "url"),
    [
        ({"ENDPOINT": "http://c:1"}, "http://c:1/v1/traces"),
        ({"ENDPOINT": "http://c:1/otlp"}, "http://c:1/otlp/v1/traces"),
        ({"ENDPOINT": "http://c:1/otlp/"}, "http://c:1/otlp/v1/traces"),
        ({"TRACES_ENDPOINT": "http://t:1/my/path"}, "http://t:1/my/path"),
        ({"TRACES_ENDPOINT": "http://t:1"}, "http://t:1"),
        ({"TRACES_ENDPOINT": "http://t:1/x", "ENDPOINT": "http://c:1"}, "http://t:1/x"),
    ],
)
def test_the_variables_of_opentelemetry_are_read_as_it_reads_them(monkeypatch, variables, url):
    for name, value in variables.items():
        monkeypatch.setenv(f"OTEL_EXPORTER_OTLP_{name}", value)
    assert made().url == url


def test_an_endpoint_in_code_wins_over_the_variables(monkeypatch):
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://t:1/x")
    assert made(endpoint="http://mine:1").url == "http://mine:1/v1/traces"


def test_headers_of_the_environment_are_sent_decoded(monkeypatch):
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", "Authorization=Bearer%20abc%3D, X-Team = llm")
    headers = encoded(1, made()).request.headers
    assert (headers["authorization"], headers["x-team"]) == ("Bearer abc=", "llm")


def test_headers_for_traces_win_over_the_general_ones(monkeypatch):
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", "api-key=general")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TRACES_HEADERS", "api-key=traces")
    assert encoded(1, made()).request.headers["api-key"] == "traces"


def test_headers_in_code_are_sent_as_they_are():
    assert encoded(1, made(headers={"Api-Key": "a=b%20"})).request.headers["api-key"] == "a=b%20"


@pytest.mark.parametrize(
    "settings",
    [
        {"headers": "nonsense"},
        {"headers": "=x"},
        {"headers": {"x": "a\nb"}},
        {"compression": "zstd"},
        {"base_endpoint": "localhost:4318"},
        {"protocol": "http"},
    ],
)
def test_what_cannot_work_is_refused_when_it_is_made(settings):
    with pytest.raises(ConfigurationError):
        made(**settings)


def test_headers_are_not_shown():
    assert "s3cret" not in repr(made(headers={"api-key": "s3cret"}))


@pytest.mark.parametrize(
    "reply",
    [
        Reply(200, PROTOBUF),
        Reply(200, {}),
        Reply(202, {}),
        Reply(204, {}),
        Reply(200, JSON, b"{}"),
        Reply(200, JSON, b'{"partialSuccess": {}}'),
        Reply(200, JSON, b'{"partialSuccess": null}'),
        Reply(200, {"content-type": "text/plain"}, b"{}"),
        partial(0, "a warning"),
    ],
    ids=str,
)
def test_an_answer_of_otlp_is_an_acknowledgement(reply):
    assert Otlp().judge(encoded(), reply) == Delivered()


@pytest.mark.parametrize(
    "reply",
    [
        Reply(200, {"content-type": "text/html"}, b"<html>Log in</html>"),
        Reply(200, {"content-type": "text/html; charset=utf-8"}, b""),
        Reply(200, {"content-type": "text/plain"}, b"OK"),
        Reply(200, JSON, b'{"partialSuccess":'),
        Reply(200, JSON, b'{"partialSuccess": {"rejectedSpans": "many"}}'),
        Reply(200, JSON, b'{"partialSuccess": 3}'),
        Reply(200, PROTOBUF, b"\xff\xff\xff"),
    ],
    ids=str,
)
def test_any_other_answer_acknowledges_nothing(reply):
    assert isinstance(Otlp().judge(encoded(), reply), Retry)


@pytest.mark.parametrize("rejected", [2, 3])
def test_spans_that_are_all_rejected_are_rejected_with_the_backends_words(rejected):
    one = encoded(2)
    reason = "rejected: key conflict"
    assert Otlp().judge(one, partial(rejected, "key conflict")) == Rejected(dict.fromkeys(one.span_ids, reason))


def test_some_rejected_spans_are_looked_for_among_the_others():
    assert Otlp().judge(encoded(3), partial(1, "key conflict")) == Split("rejected: key conflict")


@pytest.mark.parametrize("count", [1, "1"])
def test_a_partial_success_in_json_is_read_too(count):
    body = json.dumps({"partialSuccess": {"rejectedSpans": count, "errorMessage": "no"}}).encode()
    assert Otlp().judge(encoded(3), Reply(200, JSON, body)) == Split("rejected: no")


def test_a_failure_is_judged_by_its_status():
    one = encoded(1)
    assert isinstance(Otlp().judge(one, Reply(401)), Unauthorized)
    assert Otlp().judge(one, Reply(503, {"retry-after": "4"})) == Retry("HTTP 503", 4.0)
    assert Otlp().judge(one, Reply(302)) == Retry("HTTP 302")
    assert Otlp().judge(one, Reply(400)) == Rejected({one.span_ids[0]: "HTTP 400"})
