"""Bringing what waits in the outbox to one destination.

- `batch`        the records of one pass, and what has become of them
- `courier`      the passes, one after the other
- `doubt`        spans that a platform may have or not
- `pacing`       when a destination is sent something again, and how much
- `preparation`  what is decided without a request, and the spans of the other records
- `sending`      requests, and acting on the replies
- `sizes`        how much fits into one request
"""
