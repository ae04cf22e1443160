"""What is kept of what an application does.

- `call`      one call; `resource` what OpenTelemetry says of the application that made it
- `late`      what is said of a call after its end; `early`, before its store has the call
- `content`   its words, a record of their own
- `foreign`   a span of the application's own
- `record`    any of these
"""
