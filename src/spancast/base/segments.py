"""The names of the journal's segments: `<writer>-<number>.seg`."""


def writer_of(segment: str) -> str:
    """Return the writer whose segment it is."""
    return segment.rpartition("-")[0]
