"""Records that threads queue while another thread writes; one of them then writes all of them at once."""

import threading
from collections import deque
from contextlib import suppress


class Entry:
    """A record to be written by its own thread or by the one that holds the journal's lock."""

    __slots__ = ("done", "framed", "pending", "written")

    def __init__(self, framed: bytes) -> None:
        self.framed = framed
        self.done = self.written = False
        self.pending = threading.Lock()
        """Held until the record is done, so that its own thread can wait for it."""
        self.pending.acquire()

    def finish(self, *, written: bool) -> None:
        """Wake the record's own thread."""
        self.written, self.done = written, True
        self.pending.release()


class Queue:
    """Entries, oldest first. Thread-safe."""

    def __init__(self) -> None:
        self.entries: deque[Entry] = deque()

    def add(self, framed: bytes) -> Entry:
        """Queue a record."""
        entry = Entry(framed)
        self.entries.append(entry)
        return entry

    def take(self, size: int) -> list[Entry]:
        """Remove and return the oldest entries until they have `size` bytes; the caller must `finish` each."""
        taken, total = [], 0
        while self.entries and total < size:
            with suppress(IndexError):  # its own thread has just withdrawn it
                taken.append(self.entries.popleft())
                total += len(taken[-1].framed)
        return taken

    def withdraw(self, entry: Entry) -> None:
        """Remove an entry that no thread has taken; a taken one is stored twice, and booked once."""
        if not entry.done:
            with suppress(ValueError):
                self.entries.remove(entry)
