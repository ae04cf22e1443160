"""Every built-in exporter passes the suite that is published for those of others."""

from pathlib import Path
from typing import Any, NamedTuple

from spancast.contract import Exporter, Reply
from spancast.delivery import discover
from spancast.destination import Destination
from spancast.testing import ExporterContract

FOLDER = Path(__file__).parents[2] / "exporters" / "spancast_exporters"
JSON = {"content-type": "application/json"}
PROTOBUF = {"content-type": "application/x-protobuf"}


class Platform(NamedTuple):
    """One exporter as it is made, and how its platform says yes."""

    options: dict[str, Any]
    accepts: Reply
    healthy: Reply | None = None
    credential_in_body: bool = False
    status_is_all: bool = False


PLATFORMS = {
    "braintrust": Platform({"api_key": "sk-5ecret"}, Reply(200, PROTOBUF), Reply(200, JSON, b'{"objects": []}')),
    "datadog": Platform({"api_key": "5ecret" * 6, "agentless": True}, Reply(202), Reply(200, JSON, b'{"valid": true}')),
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
    "newrelic": Platform({"license_key": "5ecretNRAL"}, Reply(200, PROTOBUF)),
    "opik": Platform({"api_key": "5ecret"}, Reply(200, PROTOBUF)),
    "otlp": Platform({"headers": "authorization=5ecret"}, Reply(200, PROTOBUF)),
    "posthog": Platform(
        {"api_key": "phc_5ecret"},
        Reply(200, JSON, b'{"status": "Ok"}'),
        Reply(400, JSON, b"{}"),
        credential_in_body=True,
    ),
    "weave": Platform({"api_key": "5ecret", "project_id": "acme/shop"}, Reply(200, PROTOBUF), Reply(200, PROTOBUF)),
    "webhook": Platform(
        {"endpoint": "http://localhost:1", "secret": "5ecret"}, Reply(202), Reply(400), status_is_all=True
    ),
}
"""By the name that users type."""
SINKS = {"console", "jsonl"}
"""Those that make no request; what holds of them is in their own tests."""


def suite(name: str, platform: Platform) -> type[ExporterContract]:
    class Suite(ExporterContract):
        credential_in_body = platform.credential_in_body
        status_is_all = platform.status_is_all

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
    "weave": Platform(
        {"api_key": "5ecret", "project_id": "acme/shop", "view": "traces"},
        Reply(200, JSON, b'{"res": [{}]}'),
        Reply(200, JSON, b'{"calls": []}'),
    ),
}
"""Exporters that send something else altogether with an option."""

for _kind, _platforms in {"": PLATFORMS, "view_": VIEWS}.items():
    for _name, _platform in _platforms.items():
        globals()[f"Test_{_kind}{_name}"] = suite(_name, _platform)


def test_every_built_in_exporter_is_tried():
    assert set(PLATFORMS) | SINKS == {file.stem for file in FOLDER.glob("[a-z]*.py")}
