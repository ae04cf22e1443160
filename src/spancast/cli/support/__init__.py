"""What several verbs need to do their work.

- `couriers`           finding destinations, and sending until a deadline
- `duplicate_senders`  other software that sends the same calls
- `ledger_access`      the ledger, up to date
- `show_latency`       the output of `costs --show latency`
- `sqlite_version`     whether SQLite has the WAL-reset bug
"""
