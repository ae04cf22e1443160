"""The journal: finished calls on disk before the caller goes on, and moving them from there.

- `drainer`     moves the records of all segments into the ledger and the outbox
- `frame`       how a record is stored in a segment
- `journal`     appends records to this process's own segment
- `memory`      records that wait in memory while the disk takes none
- `pump`        the thread that drains, and wakes the couriers
- `queue`       records that threads queue for one of them to write
- `reading`     the records of a segment, and the damage between them
- `segments`    the segment that this process appends to, and those it has yet to sync
- `starvation`  how late the operating system and the interpreter run our threads
"""
