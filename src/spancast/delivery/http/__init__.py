"""Requests to platforms.

- `channel`   the connections of one destination, and the credential that some platforms grant first
- `wire`      one request and its answer; `deadline` its end, `addresses` where a name leads
- `allowance` the time there is; `backoff` the pauses after failures
- `secrets`   what is taken out of answers and errors
"""
