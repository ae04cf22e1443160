"""What makes a body long and states nothing: an image or a sound, written into its JSON as base64."""

import string

LONGEST = 4096
"""Characters of base64 in a row from which on they are taken for an image or a sound."""

_ALPHABET = (string.ascii_letters + string.digits + "+/=_-").encode()
_IS_BASE64 = bytes(ord("b") if byte in _ALPHABET else ord(" ") for byte in range(256))
_RUN = b"b" * LONGEST


def without_media(written: bytes) -> bytes:
    """Return JSON, or the beginning of some, without what is as good as surely an image or a sound.

    It stays JSON: so long a run of these characters stands inside a string only, and leaves it a string when it goes.
    """
    kinds = written.translate(_IS_BASE64)
    kept, end = [], 0
    start = kinds.find(_RUN)
    while start >= 0:
        kept.append(written[end:start])
        behind = kinds.find(b" ", start)
        end = len(written) if behind < 0 else behind
        start = kinds.find(_RUN, end)
    return b"".join([*kept, written[end:]])
