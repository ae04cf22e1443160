"""Queries: single calls, costs by group, and latency by group.

- `filter`            which calls
- `dimensions`        what they are grouped by
- `calls`             single calls
- `costs`             costs by group
- `report`            the result of `costs`
- `latency`           durations, times to first token and throughput by group
- `sources`           the SQL: from the stored sums where they suffice, else from single calls
- `column_sums`       what these queries add up to
- `adjustment_sums`   the same for adjustments
- `top_users`         the users who spent most, found without reading all of them
- `clickhouse`        costs from ClickHouse instead
"""
