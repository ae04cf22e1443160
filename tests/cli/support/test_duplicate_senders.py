"""`spancast doctor` says who else would send an application's calls to a destination's platform."""

import json

import pytest

OTEL = ("TRACES_EXPORTER", "SDK_DISABLED", "EXPORTER_OTLP_ENDPOINT", "EXPORTER_OTLP_TRACES_ENDPOINT")
KEYS = {
    "langfuse": {"LANGFUSE_PUBLIC_KEY": "pk-lf-1", "LANGFUSE_SECRET_KEY": "sk-lf-5ecret"},
    "langsmith": {"LANGSMITH_API_KEY": "lsv2_pt_5ecret"},
    "datadog": {"DD_API_KEY": "5ecret" * 6, "DD_LLMOBS_AGENTLESS_ENABLED": "true"},
    "braintrust": {"BRAINTRUST_API_KEY": "sk-5ecret"},
    "weave": {"WANDB_API_KEY": "5ecret" * 7, "WANDB_ENTITY": "acme", "WANDB_PROJECT": "shop"},
    "logfire": {"LOGFIRE_TOKEN": "pylf_v1_eu_5ecret"},
    "opik": {"OPIK_API_KEY": "5ecret"},
    "newrelic": {"NEW_RELIC_LICENSE_KEY": "5ecret"},
    "posthog": {"POSTHOG_API_KEY": "phc_5ecret"},
    "honeycomb": {"HONEYCOMB_API_KEY": "5ecret"},
}
SDKS = [
    ("langfuse", "langfuse", {}, {"LANGFUSE_TRACING_ENABLED": "false"}),
    ("langsmith", "langsmith", {"LANGSMITH_TRACING": "true"}, {"LANGSMITH_TRACING": "false"}),
    ("langsmith", "langsmith", {"LANGCHAIN_TRACING_V2": "true"}, {"LANGCHAIN_TRACING_V2": "false"}),
    ("datadog", "ddtrace", {"DD_LLMOBS_ENABLED": "1"}, {"DD_LLMOBS_ENABLED": "0"}),
    ("weave", "weave", {}, {"WEAVE_DISABLED": "true"}),
    ("logfire", "logfire", {}, {"LOGFIRE_SEND_TO_LOGFIRE": "false"}),
    ("opik", "opik", {}, {"OPIK_TRACK_DISABLE": "true"}),
    ("newrelic", "newrelic", {"NEW_RELIC_AI_MONITORING_ENABLED": "true"}, {"NEW_RELIC_AI_MONITORING_ENABLED": "no"}),
]
"""A destination, what else sends there, what turns that on beside its keys, and what turns it off."""
HOSTS = [
    ("langfuse", "https://cloud.langfuse.com/api/public/otel"),
    ("langsmith", "https://api.smith.langchain.com/otel"),
    ("datadog", "https://otlp.datadoghq.com"),
    ("braintrust", "https://api.braintrust.dev/otel"),
    ("weave", "https://trace.wandb.ai/otel"),
    ("logfire", "https://logfire-eu.pydantic.dev"),
    ("opik", "https://www.comet.com/opik/api/v1/private/otel"),
    ("newrelic", "https://otlp.nr-data.net:443"),
    ("posthog", "https://us.i.posthog.com/i/v0/ai/otel"),
    ("honeycomb", "https://api.honeycomb.io:443"),
]


@pytest.fixture
def doubles(home, spancast, monkeypatch, tmp_path):
    """Return what is said of a destination in an environment where these packages are installed."""
    for name in OTEL:
        monkeypatch.delenv(f"OTEL_{name}", raising=False)
    for variables in KEYS.values():
        for name in variables:
            monkeypatch.delenv(name, raising=False)

    def look(destination, *packages, **variables):
        for name, value in {**KEYS.get(destination, {}), **variables, "SPANCAST_DESTINATIONS": destination}.items():
            monkeypatch.setenv(name, value)
        for name in packages:
            info = tmp_path / "installed" / f"{name.replace('-', '_')}-9.8.dist-info"
            info.mkdir(parents=True, exist_ok=True)
            (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 9.8\n")
        monkeypatch.syspath_prepend(tmp_path / "installed")
        status, printed, _ = spancast("doctor", "--json")
        assert "5ecret" not in printed
        found = json.loads(printed)
        assert status == 0
        assert [each["seen"] for each in found if each["what"] == f"destination {destination}"] == ["configured"]
        return [(each["state"], each["seen"]) for each in found if each["what"] == f"sent twice to {destination}"]

    return look


@pytest.mark.parametrize(("destination", "package", "on", "off"), SDKS)
def test_a_platforms_own_sdk_that_sends_there_is_told_with_the_cure(doubles, destination, package, on, off):
    ((state, seen),) = doubles(destination, package, **on)
    assert state == "note"
    assert f"may send the same calls there ({package} 9.8" in seen
    for name, value in on.items():
        assert f"{name}={value}" in seen
    (name,) = off
    assert f"Set {name}=" in seen


@pytest.mark.parametrize(("destination", "package", "on", "off"), SDKS)
def test_one_that_is_turned_off_is_not(doubles, destination, package, on, off):
    assert doubles(destination, package, **{**on, **off}) == []


@pytest.mark.parametrize(("destination", "package", "on", "off"), SDKS)
def test_one_that_is_not_installed_is_not(doubles, destination, package, on, off):
    assert doubles(destination, **on) == []


def test_braintrusts_sdk_has_no_variable_that_turns_it_off(doubles):
    ((_, seen),) = doubles("braintrust", "braintrust")
    assert seen.endswith("Where it traces the client, leave one of the two out.")


@pytest.mark.parametrize(("destination", "endpoint"), HOSTS)
def test_opentelemetrys_own_exporter_to_the_same_host_is_told(doubles, destination, endpoint):
    exporter = "opentelemetry-exporter-otlp-proto-http"
    ((_, seen),) = doubles(destination, exporter, OTEL_EXPORTER_OTLP_ENDPOINT=endpoint)
    assert f"OpenTelemetry's own exporter may send the same calls there ({exporter} 9.8" in seen
    assert "OTEL_EXPORTER_OTLP_ENDPOINT points there" in seen


@pytest.mark.parametrize(
    "variables",
    [
        {"OTEL_EXPORTER_OTLP_ENDPOINT": "https://api.eu1.honeycomb.io"},
        {"OTEL_EXPORTER_OTLP_ENDPOINT": "https://api.honeycomb.io:8443"},
        {"OTEL_EXPORTER_OTLP_ENDPOINT": "https://api.honeycomb.io:port"},
        {"OTEL_EXPORTER_OTLP_ENDPOINT": "https://api.honeycomb.io", "OTEL_TRACES_EXPORTER": "none"},
        {"OTEL_EXPORTER_OTLP_ENDPOINT": "https://api.honeycomb.io", "OTEL_SDK_DISABLED": "true"},
        {
            "OTEL_EXPORTER_OTLP_ENDPOINT": "https://api.honeycomb.io",
            "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://collector:4318/v1/traces",
        },
    ],
)
def test_one_that_sends_elsewhere_or_nowhere_is_not(doubles, variables):
    assert doubles("honeycomb", "opentelemetry-exporter-otlp-proto-http", **variables) == []


@pytest.mark.parametrize(("ours", "theirs", "same"), [(4318, 4317, True), (4318, 4318, True), (4318, 9000, False)])
def test_a_collector_is_one_by_grpc_and_by_http(doubles, ours, theirs, same):
    found = doubles(
        "otlp",
        "opentelemetry-exporter-otlp-proto-grpc",
        SPANCAST_DESTINATION_OTLP_ENDPOINT=f"http://localhost:{ours}",
        OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=f"http://localhost:{theirs}",
    )
    assert bool(found) is same


def test_an_exporter_of_ours_that_opentelemetry_uses_too_is_told(doubles):
    ((_, seen),) = doubles("honeycomb", OTEL_TRACES_EXPORTER="console,honeycomb")
    assert seen.startswith("OTEL_TRACES_EXPORTER also names honeycomb")
