"""Answers written by hand, for what nobody has recorded; `tests/capture/fixtures/README.md` says after what."""

from pathlib import Path

FOLDER = Path(__file__).parents[1] / "capture" / "fixtures" / "unrecorded"


def plain_body(name: str) -> bytes:
    """Return the body of a plain answer."""
    return (FOLDER / f"{name}.json").read_bytes()


def events(name: str) -> list[bytes]:
    """Return the body of a streamed answer, an event or a comment a chunk."""
    body = (FOLDER / f"{name}.sse").read_bytes()
    return [event + b"\n\n" for event in body.removesuffix(b"\n\n").split(b"\n\n")]
