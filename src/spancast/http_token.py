"""What HTTP and what is built on it call a token."""

import re

TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
"""The name of a header (RFC 9110 §5.6.2), and the key of an entry (W3C Baggage)."""
