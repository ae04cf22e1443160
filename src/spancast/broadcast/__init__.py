"""What each destination is sent: which calls, and how.

- `policy`     which calls a destination is sent, by its filters and its keys
- `sampling`   the share of the calls, by session or trace
- `shape`      a span as a destination receives it, before its exporter encodes it
- `hierarchy`  its place and name by the `trace` of its request
- `rooting`    its parent, where the destination is not sent all spans
- `content`    all content of a span, that of its events included
- `redaction`  the content as the destination's redactor leaves it
- `safe`       repairs what an exporter could not encode
"""
