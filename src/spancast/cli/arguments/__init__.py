"""Arguments that several verbs take.

- `filters`  which ledger, and which calls
- `seconds`  durations
- `when`     points in time
"""
