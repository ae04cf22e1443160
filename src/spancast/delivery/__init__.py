"""What happens to a finished call: it is stored safely, and sent to every destination.

- `courier`       brings what waits to one destination
- `gauges`        the state of the destinations as OpenTelemetry metrics
- `http`          one request to a platform, and its reply
- `journal`       calls on disk before the caller goes on, and moving them into the ledger and the outbox
- `otlp`          a span as OTLP bytes, encoded once for all destinations
- `otlp_message`  the protobuf messages of OTLP
- `outbox`        what waits for destinations, and what has become of it
- `worker`        a thread that works in rounds
"""
