"""Where a finished call is safe at once: segments on disk, and who moves them on.

- `journal`   appends records to this process's own segment; `frame` how they lie there
- `memory`    what waits for the disk
- `starving`  whether threads wait for each other, and not for the disk
- `drainer`   moves the records of all segments into ledger and outbox; `pump` the thread that has it done
"""
