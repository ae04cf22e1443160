"""What waits for destinations, in `outbox.db`, and what has become of it.

- `accounts`    the counters of each destination, which always add up
- `ack`         what a courier reports of a batch
- `cap`         what is shed when the outbox is full
- `contents`    the content of calls: prompts and completions
- `eviction`    removing records, counted for each destination that waited for them
- `intake`      records that enter the outbox
- `late_costs`  costs that arrive after their call
- `limits`      how much the outbox keeps, and for how long
- `outbox`      the file, as drainers and couriers use it
- `payload`     a record as bytes in the file
- `replay`      records that a destination is to be sent again
- `retention`   removing records because of their age
- `schema`      the tables, and their migrations
- `settlement`  entering what became of a batch
"""
