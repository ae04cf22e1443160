"""Costs from ClickHouse instead of the ledger.

- `client`  sends the queries
- `query`   writes their SQL
"""
