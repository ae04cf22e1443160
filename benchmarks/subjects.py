"""What is compared: each library in an environment of its own, set up as its own documentation has it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Subject:
    """One row of the table."""

    name: str
    distribution: str
    """Whose version the row states."""
    setup: str
    """The function of `setups` that turns it on."""
    environment: str
    """The folder of its virtual environment, shared by rows of the same library."""
    requires: tuple[str, ...]
    content: str
    """Whether it keeps prompts and completions, as installed."""


CLIENTS = Subject(
    "clients",
    "spancast",
    "spancast_in_private_provider",
    "clients",
    ("httpx>=0.28", "httpx2>=2.12", "requests", "aiohttp>=3.12", "{root}"),
    "off",
)
"""The environment of the client libraries that are hooked."""

FANOUT = Subject(
    "fanout",
    "opentelemetry-exporter-otlp-proto-http",
    "bare",
    "fanout",
    ("opentelemetry-exporter-otlp-proto-http", "{root}"),
    "off",
)
"""The environment of both sides of `fanout.py`: they have the same protobuf and the same SDK."""

_SDK = ("openai>=3", "opentelemetry-sdk")
_OWN = ("openai>=3", "httpx>=0.28", "{root}")

SUBJECTS = (
    Subject("spancast", "spancast", "spancast_in_private_provider", "spancast", _OWN, "off"),
    Subject("spancast+sdk", "spancast", "spancast_in_sdk_provider", "spancast", _OWN, "off"),
    Subject("spancast+sdk+content", "spancast", "spancast_with_content", "spancast", _OWN, "on"),
    Subject("floor", "opentelemetry-sdk", "floor", "spancast", _OWN, "off"),
    Subject(
        "otel-genai",
        "opentelemetry-instrumentation-genai-openai",
        "otel_genai",
        "otel-genai",
        ("opentelemetry-instrumentation-genai-openai", *_SDK),
        "off",
    ),
    Subject(
        "traceloop",
        "opentelemetry-instrumentation-openai",
        "traceloop",
        "traceloop",
        ("opentelemetry-instrumentation-openai", *_SDK),
        "on",
    ),
    Subject(
        "openinference",
        "openinference-instrumentation-openai",
        "openinference",
        "openinference",
        ("openinference-instrumentation-openai", *_SDK),
        "on",
    ),
    Subject("langfuse", "langfuse", "langfuse", "langfuse", ("langfuse", "openai>=3"), "on"),
    Subject("logfire", "logfire", "logfire", "logfire", ("logfire", "openai>=3"), "on"),
)

SPANCAST = "spancast+sdk"
"""The row that the ratios are taken to: like the peers, it makes its spans for a provider that exports them."""
