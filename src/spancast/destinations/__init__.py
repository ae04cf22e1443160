"""Where spans are sent, as its owner says it.

- `destination`  one place, and what it is given; `configured` reads those that the settings write
- `discover`     the exporter that one means; `options` the exporter's own fields
- `filters`      which calls it wants, over the `fields` of a call; `regex`, and the `keys` that made them
- `otel_sink`    a span exporter of OpenTelemetry's in an exporter's place
"""
