"""Compares the ledger with what OpenRouter billed: matches the calls in both, and reports every difference.

- `reconcile`        the three comparisons: with an account, with an export, with one key's totals
- `comparing`        a statement and the part of the ledger that it is compared with
- `reconciliation`   the result
- `comparison`       calls and bills, matched one by one
- `why`              why a call is not billed
- `statement`        what was billed in a period
- `days`             totals by day
- `generations`      single generations
- `account`          OpenRouter's API of an account
- `totals`           the totals that a key states of itself
- `export`           the CSV of the activity page
- `survey`           the ledger's totals by day
- `filling`          what `--fill` adds to the ledger
- `adjustments`      its audit trail
- `amount`           dollars, of the credits and of the account's own keys
- `billed`           a generation as billed
- `period`           a time range
- `reading`          reads fields of a row
"""
