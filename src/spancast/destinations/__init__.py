"""Where spans are sent, as the user configures it.

- `configured`   the destinations that settings name: lists, TOML tables and variables
- `destination`  one destination and its options
- `discover`     finds the exporter of a destination
- `fields`       the fields of a call that filters can use
- `filters`      which calls a destination is sent
- `keys`         API keys, by their hashes and names
- `options`      checks options against the types of an exporter's fields
- `otel_sink`    a span exporter of OpenTelemetry as a destination
- `regex`        regular expressions that match in bounded time
"""
