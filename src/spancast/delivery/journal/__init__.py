"""Where a finished call is safe at once: segments on disk, and who moves them on.

- `journal`  appends a record to this process's own segment; `frame` how it lies there, `memory` what waits for the disk
- `drainer`  moves the records of all segments into ledger and outbox; `pump` the thread that has it done
"""
