"""What the hooks talk to: a request becomes an exchange, and the exchange a record and a span.

- `recorder`   opens the exchange, and keeps what comes of it
- `attempts`   which requests are tries of one call; `retrying` knows the loops of other libraries
- `aftermath`  what is done behind the caller's back: words written, metrics recorded
"""
