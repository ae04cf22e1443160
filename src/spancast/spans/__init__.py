"""Records as the spans that exporters are given.

- `attributes`     the attributes of a Call, for its live span and for the one that is exported
- `broadcast_ids`  the ids that OpenRouter's Broadcast gives its own span of a generation
- `scope`          the instrumentation scope of all our telemetry
- `export`         a Call, or one of the application's own spans, as exporters are given it
- `cache`          the same span made once for all destinations
- `parsing`        a Call, parsed from the attributes of its span
"""
