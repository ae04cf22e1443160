"""A Call as an OpenTelemetry span."""
