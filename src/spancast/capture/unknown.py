"""A route that nobody knows yet: what headers tell of it, and nothing that would be a guess."""

from spancast.capture import plain
from spancast.capture.dialect import Dialect

UNKNOWN = Dialect(operation="unknown", take=plain.take, opaque=True)
