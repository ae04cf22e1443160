"""What is kept of a span that is none of ours: nothing that no record can hold, and no more of it than there is room.

An application puts on its spans what it likes: a prompt of 100 MB, an integer of a thousand digits, text that is no
Unicode, a list with nothing in between. Each becomes the nearest thing that can be written down, as at a destination
(`spancast.broadcast.safe`), so that the span travels; what is cut is marked where it was cut.
"""

from collections.abc import Mapping
from typing import Any

from opentelemetry.sdk.trace import Event

from spancast.base import guard
from spancast.base.bounded import TRUNCATED, encodable, whole
from spancast.base.scrub import names_secret, without_secrets
from spancast.records.call import Scalar
from spancast.records.foreign import Happening, Value
from spancast.trace.spoken import SPOKEN_EVENTS, parted

ROOM = 800_000
"""Bytes of all that is no words; a record of the journal holds 3 MiB."""
LONGEST = 400_000
"""Bytes of one text of it: in so many are as many characters as a destination is sent of one, whatever it says."""
ROOM_FOR_WORDS = 1_600_000
"""Bytes of the words of a span."""
_ONE = 16
"""Bytes of a value beside its text."""
_MARGIN = 4096
"""Characters behind a cut that are looked at, too: a secret that is cut through would not be known for one."""


class Keeper:
    """Goes through one span, once."""

    def __init__(self, *, words: bool) -> None:
        """`words` says whether what was asked and answered is kept."""
        self._words = words
        self._plain, self._spoken = _Room(ROOM, LONGEST), _Room(ROOM_FOR_WORDS, ROOM_FOR_WORDS)

    def text(self, seen: str) -> str:
        """Return a text of the span's own, such as its name."""
        return self._plain.text(seen)

    def attributes(self, seen: Mapping[str, Any]) -> dict[str, Value]:
        """Return attributes that are no words."""
        return self._plain.attributes(seen)

    def words(self, seen: Mapping[str, Any]) -> dict[str, Value]:
        """Return those that are; none where words are not kept."""
        return self._spoken.attributes(seen) if self._words else {}

    def happening(self, event: Event) -> Happening:
        """Return an event."""
        plain, spoken = parted(event.attributes or {})
        if event.name.startswith(SPOKEN_EVENTS):
            plain, spoken = {}, {**plain, **spoken}
        return Happening(self.text(event.name), event.timestamp, {**self.attributes(plain), **self.words(spoken)})

    def done(self) -> None:
        """Count a span of which something had to be cut or made another."""
        if self._plain.is_cut or self._spoken.is_cut:
            guard.count("span cut: a record holds no more")
        if self._plain.is_mended or self._spoken.is_mended:
            guard.count("span mended: a record holds no such value")


class _Room:
    """Room for so many bytes."""

    def __init__(self, room: int, longest: int) -> None:
        self._room, self._longest = room, longest
        self.is_cut = self.is_mended = False

    def attributes(self, seen: Mapping[str, Any]) -> dict[str, Value]:
        """Return attributes without what is a secret by its name, or looks like one."""
        kept: dict[str, Value] = {}
        for name, value in seen.items():
            if self._room <= 0:
                self.is_cut = True
                break
            if not names_secret(name.rpartition(".")[2]):
                known = self._fitting(name)
                kept[known] = self._value(value)
        return kept

    def text(self, seen: str) -> str:
        """Return a text without what looks like a secret, that UTF-8 can hold, and as long as there is room for."""
        looked_at = self._most + _MARGIN
        kept = without_secrets(seen[:looked_at])
        if len(seen) > looked_at:  # what stands at the end of that may be the half of a secret
            return self._fitting(kept[:-_MARGIN], is_cut=True)
        return self._fitting(kept)

    @property
    def _most(self) -> int:
        return max(0, min(self._longest, self._room))

    def _fitting(self, seen: str, *, is_cut: bool = False) -> str:
        kept, most = str(self._mended(seen, encodable(seen))), self._most
        size = len(kept) if kept.isascii() else len(kept.encode())
        if is_cut or size > most:
            kept, size = kept.encode()[:most].decode("utf-8", "ignore") + TRUNCATED, min(size, most)
            self.is_cut = True
        self._room -= size + _ONE
        return kept

    def _value(self, seen: Any) -> Value:
        return self._plain(seen) if isinstance(seen, str | bool | int | float) else self._list(seen)

    def _list(self, seen: Any) -> tuple[Scalar, ...]:
        """Return the values of a list; OpenTelemetry lets some of them be nothing."""
        kept: list[Scalar] = []
        for value in seen:
            if self._room <= 0:
                self.is_cut = True
                break
            if value is None:
                self.is_mended = True
            else:
                kept.append(self._plain(value))
        return tuple(kept)

    def _plain(self, seen: Scalar) -> Scalar:
        if isinstance(seen, str):
            return self.text(seen)
        self._room -= _ONE
        if isinstance(seen, int) and not isinstance(seen, bool):
            return self._mended(seen, whole(seen))
        return seen

    def _mended(self, seen: Scalar, kept: Scalar) -> Scalar:
        self.is_mended = self.is_mended or kept != seen
        return kept
