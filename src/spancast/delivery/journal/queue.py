"""Records that threads wait with until one of them writes all of theirs at once."""

import threading
from collections import deque
from contextlib import suppress


class Entry:
    """A record that is to be written, by its own thread or by another that has the turn."""

    __slots__ = ("done", "framed", "waits", "written")

    def __init__(self, framed: bytes) -> None:
        self.framed = framed
        self.done = self.written = False
        self.waits = threading.Lock()
        self.waits.acquire()  # until it is done

    def end(self, *, written: bool) -> None:
        """Let its own thread go on."""
        self.written, self.done = written, True
        self.waits.release()


class Queue:
    """Entries, oldest first. From any thread."""

    def __init__(self) -> None:
        self.entries: deque[Entry] = deque()

    def add(self, framed: bytes) -> Entry:
        """Queue a record."""
        entry = Entry(framed)
        self.entries.append(entry)
        return entry

    def take(self, size: int) -> list[Entry]:
        """Return the oldest, up to `size` bytes and one more; whoever takes them ends each."""
        taken, found = [], 0
        while self.entries and found < size:
            with suppress(IndexError):  # its own thread has just withdrawn it
                taken.append(self.entries.popleft())
                found += len(taken[-1].framed)
        return taken

    def withdraw(self, entry: Entry) -> None:
        """Take a record back that nobody has taken up; one that was is kept twice, and booked once."""
        if not entry.done:
            with suppress(ValueError):
                self.entries.remove(entry)
