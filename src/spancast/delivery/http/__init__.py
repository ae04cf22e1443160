"""HTTP requests to platforms.

- `addresses`   the addresses of a host, looked up in bounded time
- `allowance`   the time that one pass of a courier may take
- `backoff`     pauses after failures
- `channel`     the connections of one destination, and the credential that some platforms grant first
- `deadline`    a network backend whose every wait ends at one deadline
- `secrets`     removing an exporter's secrets from replies and errors
- `wire`        one request and its reply
"""
