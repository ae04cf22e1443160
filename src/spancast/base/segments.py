"""The file names of the journal's segments: `<writer>-<number>.seg`."""


def writer_of(segment: str) -> str:
    """Return the writer that a segment's name begins with."""
    return segment.rpartition("-")[0]
