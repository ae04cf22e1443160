"""Every built-in exporter passes the suite that is published for those of others."""

import gzip
import json
import re
from base64 import b64decode
from contextlib import closing
from dataclasses import fields, is_dataclass, replace
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from spancast.base import guard
from spancast.base.deadline import Deadline
from spancast.contract import Exporter, Probe, Reply
from spancast.delivery.http.allowance import Allowance
from spancast.delivery.http.channel import Channel
from spancast.destinations import discover
from spancast.destinations.destination import Destination
from spancast.testing import ExporterContract
from spancast.testing.spans import call_span, trace_spans
from tests.support import platform as net
from tests.support.delivered import offered
from tests.support.platform import Received, answer
from tests.support.platforms import tokens
from tests.support.platforms.bigquery import key_file

FOLDER = Path(__file__).parents[2] / "exporters" / "spancast_exporters"
NOW = datetime(2026, 9, 21, tzinfo=UTC)
JSON = {"content-type": "application/json"}
PROTOBUF = {"content-type": "application/x-protobuf"}
ETAG = {"etag": '"0"'}
BIGQUERY = Reply(200, JSON, b'{"kind": "bigquery#tableDataInsertAllResponse"}')
BIGQUERY_QUERY = Reply(200, JSON, b'{"kind": "bigquery#queryResponse", "jobComplete": true}')
CLICKHOUSE = {"x-clickhouse-summary": "{}"}


class Platform(NamedTuple):
    """One exporter as it is made, and how its platform says yes."""

    options: dict[str, Any]
    accepts: Reply
    healthy: Reply | None = None
    credential_in_body: bool = False
    status_acknowledges: bool = False


PLATFORMS = {
    "arize": Platform({"api_key": "5ecret", "space_id": "U3BhY2U6MQ"}, Reply(200, PROTOBUF), Reply(200, PROTOBUF)),
    "bigquery": Platform({"project": "my-project", "token": "5ecret"}, BIGQUERY, BIGQUERY_QUERY),
    "braintrust": Platform({"api_key": "sk-5ecret"}, Reply(200, PROTOBUF), Reply(200, JSON, b'{"objects": []}')),
    "clickhouse": Platform(
        {"endpoint": "http://localhost:8123", "password": "5ecret"}, Reply(200, CLICKHOUSE), Reply(200, CLICKHOUSE)
    ),
    "datadog": Platform({"api_key": "5ecret" * 6, "agentless": True}, Reply(202), Reply(200, JSON, b'{"valid": true}')),
    "elastic": Platform({"endpoint": "http://localhost:1", "api_key": "5ecret"}, Reply(200, PROTOBUF)),
    "grafana": Platform(
        {"endpoint": "http://localhost:1/otlp", "instance_id": "7", "token": "glc_5ecret"}, Reply(200, PROTOBUF)
    ),
    "honeycomb": Platform({"api_key": "5ecret"}, Reply(200, PROTOBUF)),
    "langfuse": Platform(
        {"public_key": "pk-lf-1", "secret_key": "sk-lf-5ecret"},
        Reply(200, JSON, b"{}"),
        Reply(200, JSON, b'{"data": [{"id": "p_1"}]}'),
    ),
    "langsmith": Platform({"api_key": "lsv2_pt_5ecret"}, Reply(202), Reply(200, JSON, b'[{"id": "0"}]')),
    "logfire": Platform({"token": "pylf_v1_us_5ecret"}, Reply(200, PROTOBUF)),
    "mlflow": Platform(
        {"token": "5ecret"}, Reply(200, PROTOBUF), Reply(200, JSON, b'{"experiment": {"experiment_id": "0"}}')
    ),
    "newrelic": Platform({"license_key": "5ecretNRAL"}, Reply(200, PROTOBUF)),
    "opik": Platform({"api_key": "5ecret"}, Reply(200, PROTOBUF), Reply(200, JSON, b'{"content": []}')),
    "otlp": Platform({"headers": "authorization=5ecret"}, Reply(200, PROTOBUF)),
    "phoenix": Platform({"api_key": "5ecret"}, Reply(200, PROTOBUF), Reply(200, PROTOBUF)),
    "posthog": Platform(
        {"api_key": "phc_5ecret"},
        Reply(200, JSON, b'{"status": "Ok"}'),
        Reply(400, JSON, b"{}"),
        credential_in_body=True,
    ),
    "raindrop": Platform({"write_key": "5ecret"}, Reply(204), Reply(200, JSON, b"{}")),
    "s3": Platform(
        {"bucket": "traces", "access_key_id": "AKIA0", "secret_access_key": "5ecret", "session_token": "t0ken5"},
        Reply(200, ETAG),
        Reply(200, ETAG),
    ),
    "ramp": Platform({"api_key": "5ecret"}, Reply(204)),
    "sentry": Platform({"dsn": "https://5ecret@o1.ingest.sentry.io/42"}, Reply(202)),
    "snowflake": Platform(
        {"account": "xy12345.us-east-1", "token": "5ecret"},
        Reply(200, JSON, b'{"code": "090001"}'),
        Reply(200, JSON, b'{"code": "090001"}'),
    ),
    "weave": Platform({"api_key": "5ecret", "project_id": "acme/shop"}, Reply(200, PROTOBUF), Reply(200, PROTOBUF)),
    "webhook": Platform(
        {"endpoint": "http://localhost:1", "secret": "5ecret" * 8}, Reply(202), Reply(400), status_acknowledges=True
    ),
}
"""By the name that users type."""
SINKS = {"console", "jsonl"}
"""Those that make no request; what holds of them is in their own tests."""


def suite(name: str, platform: Platform) -> type[ExporterContract]:
    class Suite(ExporterContract):
        credential_in_body = platform.credential_in_body
        status_acknowledges = platform.status_acknowledges

        def exporter(self) -> Exporter:
            made = discover.exporter(Destination(name, **platform.options))
            assert isinstance(made, Exporter)
            return made

        def accepts(self) -> Reply:
            return platform.accepts

        def healthy(self) -> Reply | None:
            return platform.healthy

    return Suite


VIEWS = {
    "bigquery": Platform(
        {"credentials": key_file("https://oauth2.googleapis.com/token")},
        BIGQUERY,
        BIGQUERY_QUERY,
    ),
    "snowflake": Platform(
        {"account": "xy12345", "user": "ada", "private_key": tokens.pem(tokens.private_key())},
        Reply(200, JSON, b'{"code": "090001"}'),
    ),
    "weave": Platform(
        {"api_key": "5ecret", "project_id": "acme/shop", "view": "traces"},
        Reply(200, JSON, b'{"res": [{}]}'),
        Reply(200, JSON, b'{"calls": []}'),
    ),
}
"""Exporters that send something else altogether with an option, or ask for a credential."""

for _kind, _platforms in {"": PLATFORMS, "view_": VIEWS}.items():
    for _name, _platform in _platforms.items():
        globals()[f"Test_{_kind}{_name}"] = suite(_name, _platform)


def test_every_built_in_exporter_is_tried():
    assert set(PLATFORMS) | SINKS == {file.stem for file in FOLDER.glob("[a-z]*.py")}


# --- secrets ---------------------------------------------------------------------------------------------------------


def quoting(handler: BaseHTTPRequestHandler, received: Received) -> bool:
    """Refuse the request, and quote all of it: its headers, its address, its body."""
    body = received.body
    if received.headers.get("content-encoding") == "gzip":
        body = gzip.decompress(body)
    said = "; ".join([*received.headers.values(), received.path, body.decode("utf-8", "replace")])
    return answer(401, JSON, json.dumps({"error": f"Invalid: {said}"}).encode())(handler, received) and False


CANARY = "c4narYc4narYc4na"


def with_canary(made: Exporter, endpoint: str) -> Exporter:
    """Return the exporter, at another endpoint, with the canary in each field that is secret."""
    assert is_dataclass(made)
    held = {each.name: getattr(made, each.name) for each in fields(made) if each.init and not each.repr}
    secret = {name: value for name, value in held.items() if isinstance(value, str) and "5ecret" in value}
    assert secret, "its options above hold no 5ecret"
    return replace(
        made, endpoint=endpoint, **{name: value.replace("5ecret", CANARY, 1) for name, value in secret.items()}
    )


def said_in(text: str) -> str:
    """Return a text, and all that is base64 in it."""
    words = re.findall(r"[\w+/-]{12,}", text)
    return "".join([text, *(b64decode(word + "==", b"-_").decode("latin-1") for word in words if len(word) % 4 != 1)])


@pytest.mark.parametrize("name", PLATFORMS)
def test_a_key_that_the_platform_quotes_is_kept_by_nobody(name, tmp_path, caplog, monkeypatch):
    monkeypatch.setattr(guard, "_last_logged", {})
    made = discover.exporter(Destination(name, **PLATFORMS[name].options))
    assert isinstance(made, Exporter)
    with net.Platform(quoting).open() as platform, caplog.at_level("DEBUG", "spancast"):
        exporter = with_canary(made, platform.url)
        requests = [each.request for each in exporter.encode(trace_spans(), NOW)]
        requests += [exporter.probe(NOW)] if isinstance(exporter, Probe) else []
        with closing(Channel(exporter)) as channel:
            answers = [channel.post(each, Allowance(Deadline(5), lambda: False)) for each in requests]
        standing = offered(tmp_path, [call_span()], exporter)
    told = [exporter.diagnose(reply) or "" for reply in answers if isinstance(exporter, Probe)]
    kept = "\n".join([*(reply.body.decode() for reply in answers), *told, str(standing), caplog.text])
    assert "Invalid: " in kept
    assert standing.state == "parked"
    assert CANARY not in said_in(kept)
