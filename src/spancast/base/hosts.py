"""Which host names mean this machine."""

import ipaddress


def is_loopback(host: str) -> bool:
    """Whether a host name or IP address means this machine: 127.0.0.0/8, ::1, `localhost`, `*.localhost` (RFC 6761)."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")
