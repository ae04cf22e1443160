"""Numbers that several modules count in."""

NS_PER_SECOND = 10**9
"""Nanoseconds; times and durations of records are in them."""

INT64_MAX = 2**63 - 1
"""The largest integer that an SQLite column, a protobuf `int64` and most readers of JSON hold."""
