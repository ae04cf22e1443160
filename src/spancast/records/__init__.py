"""The records of what an application does, as the journal and the stores hold them.

- `call`      one call to OpenRouter
- `resource`  what the OpenTelemetry resource states of the application that made it
- `late`      what OpenRouter states of a call after its exchange, such as its cost
- `content`   the content of a call, a record of its own; `redacted` what a redactor may change in it
- `app_span`  a span of the application
- `record`    any of these
"""
