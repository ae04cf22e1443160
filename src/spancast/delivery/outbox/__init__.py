"""What waits for destinations, in `outbox.db`, and what has become of it.

- `outbox`      the file, as couriers see it; `schema` its tables, `payload` a record in it
- `intake`      records as they come in; `contents` the words of calls, `late_costs` costs that come later
- `ack`         what a courier enters of a batch; `accounts` the counts that always add up
- `limits`      how much is kept, and for how long; `cap`, `retention` and `eviction` see to it
- `replay`      what a destination is to be sent again
"""
