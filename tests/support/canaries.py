"""The keys that the suite calls OpenRouter with, looked for in all that its tests leave in homes, and send.

Whatever test makes a call makes it with a key of OpenRouter's shape, so that each is a canary.
"""

import gzip
import re
import zlib
from pathlib import Path

KEY = re.compile(rb"sk-or-v1-[\w-]+")
OURS = re.compile(r".*\.(seg|new|bad|lock)|(ledger|outbox)\.db.*|prices\.json")
"""The names of the files that Spancast writes."""

sent: set[str] = set()
"""Where platforms were sent a key, since somebody last emptied this."""


def kept(folder: Path) -> set[str]:
    """Return where the files that Spancast wrote in a folder hold a key."""
    files = [path for path in folder.rglob("*") if OURS.fullmatch(path.name) and path.is_file()]
    return {f"{path.relative_to(folder)}: {key}" for path in files for key in _keys(_content(path))}


def _content(path: Path) -> bytes:
    """Return what is in a file; nothing of a segment that was booked and removed meanwhile."""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return b""


def note(where: str, *parts: bytes | str) -> None:
    """Note the keys in what a platform was sent."""
    for part in parts:
        sent.update(f"{where}: {key}" for key in _keys(_plain(part.encode() if isinstance(part, str) else part)))


def _keys(content: bytes) -> set[str]:
    return {found.decode() for found in KEY.findall(content)}


def _plain(body: bytes) -> bytes:
    try:
        return gzip.decompress(body) if body[:2] == b"\x1f\x8b" else body
    except (OSError, EOFError, zlib.error):
        return body
