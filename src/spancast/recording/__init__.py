"""Turns a request into an exchange, and the exchange into a record and a span; the hooks call it.

- `recorder`   opens the exchange of a request, and records the Call that results
- `attempts`   which requests are further attempts of one request
- `retrying`   the retry loops of other libraries
- `aftermath`  work on a finished Call in background threads: its content, event and metrics
"""
