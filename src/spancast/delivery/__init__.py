"""What happens to a call once it is known: kept safe, booked, and brought to every destination.

- `journal`  the front door: on disk before the caller goes on; a drainer moves it into the ledger and the outbox
- `outbox`   what waits for destinations, and the accounts of what became of it
- `courier`  brings what waits to one destination; `worker` is the thread that has it done
- `otlp`     a span as OTLP bytes, encoded once for all destinations
- `http`     one request to a platform, and its answer
"""
