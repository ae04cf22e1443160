"""What each destination is sent: which calls, and how.

- `policy`     whether a destination wants a call, by its filters, its keys and its `sampling`
- `shape`      a span as a destination is to have it, before its exporter sees it
- `hierarchy`  where it stands by its request's `trace`; `rooting`, under which span that travels too
- `redaction`  its `words`, as the destination's redactor leaves them
- `safe`       whatever an application has put on it, such that every exporter can encode it
"""
