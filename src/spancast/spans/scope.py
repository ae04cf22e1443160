"""The instrumentation scope of all our telemetry."""

from importlib.metadata import version

SCOPE = "spancast"
VERSION = version("spancast")
