"""The faults that a file may have."""

KINDS = ("flip", "truncate", "zeros", "garbage", "insert", "double")


def mutated(data: bytes, kind: str, at: float, length: float, garbage: bytes) -> tuple[bytes, range]:
    """Return the data with one fault in it, and the bytes of the original that the fault may cost."""
    begin = int(at * (len(data) - 1))
    end = min(len(data), begin + 1 + int(length * 300))
    if kind == "flip":
        flipped = bytearray(data)
        flipped[begin] ^= garbage[0] or 1
        return bytes(flipped), range(begin, begin + 1)
    if kind == "truncate":
        return data[:begin], range(begin, len(data))
    if kind == "zeros":
        return data[:begin] + bytes(end - begin) + data[end:], range(begin, end)
    if kind == "garbage":
        return data[:begin] + garbage + data[begin + len(garbage) :], range(begin, min(begin + len(garbage), len(data)))
    if kind == "insert":
        return data[:begin] + garbage + data[begin:], range(begin, begin + 1)
    return data[:end] + data[begin:end] + data[end:], range(end, min(end + 1, len(data)))
