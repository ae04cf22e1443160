"""What a loss of power may leave of a program's files: its system calls, played again up to an instant.

A file keeps what was synced. Of what was written to it since, any page may be there or not. A name keeps what the sync
of its directory has made of it; of what was done to a directory since, a beginning may be there. That is stricter than
most file systems are, and no stricter than POSIX.
"""

import random
import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

CALLS = (
    "openat,write,pwrite64,ftruncate,fsync,fdatasync,rename,renameat,renameat2,unlink,unlinkat,mkdir,mkdirat,close,dup"
)
PAGE = 4096
_LINE = re.compile(r"^(\d+) +(\d+\.\d+) (\w+)\((.*)\) += (-?\d+)")
_STRING = re.compile(r'"((?:\\x[0-9a-f]{2})*)"')


@dataclass(frozen=True)
class Call:
    """One system call that succeeded."""

    at: float
    name: str
    strings: tuple[bytes, ...]
    numbers: tuple[int, ...]
    result: int


def traced(script: str, *arguments: object, log: Path, environment: dict[str, str]) -> list[Call]:
    """Run a Python program under strace, and return its calls in their order."""
    subprocess.run(
        [
            "strace",
            "-f",
            "-ttt",
            "-xx",
            "-s",
            "10000000",
            "-e",
            f"trace={CALLS}",
            "-o",
            log,
            sys.executable,
            "-c",
            script,
            *map(str, arguments),
        ],
        env=environment,
        check=True,
        timeout=100,
    )
    return list(_calls(log.read_text()))


def _calls(log: str) -> Iterator[Call]:
    unfinished: dict[str, str] = {}
    for raw in log.splitlines():
        line = raw
        thread = line.split(" ", 1)[0]
        if line.endswith("<unfinished ...>"):
            unfinished[thread] = line.removesuffix("<unfinished ...>").rstrip()
            continue
        resumed = re.match(r"^(\d+) +\d+\.\d+ <\.\.\. \w+ resumed>(.*)$", line)
        if resumed:
            line = unfinished.pop(thread, "") + resumed[2]
        found = _LINE.match(line)
        if found is None or int(found[5]) < 0:
            continue
        strings = tuple(bytes.fromhex(each.replace("\\x", "")) for each in _STRING.findall(found[4]))
        numbers = tuple(int(each) for each in re.findall(r"(?<![\w\\\"])-?\d+(?![\w\"])", _STRING.sub("", found[4])))
        yield Call(float(found[2]), found[3], strings, numbers, int(found[5]))


@dataclass
class _File:
    durable: bytearray = field(default_factory=bytearray)
    size: int = 0
    pending: list[tuple[int, bytes]] = field(default_factory=list)
    """Offset and bytes of each page written since the last sync; no bytes cut the file there."""

    def write(self, at: int, data: bytes) -> None:
        self.size = max(self.size, at + len(data))
        while data:
            room = PAGE - at % PAGE
            self.pending.append((at, data[:room]))
            at, data = at + room, data[room:]

    def sync(self) -> None:
        for at, data in self.pending:
            _apply(self.durable, at, data)
        self.pending.clear()

    def after_a_loss(self, chance: random.Random) -> bytes:
        left = bytearray(self.durable)
        for at, data in self.pending:
            if chance.random() < 0.5:
                _apply(left, at, data)
        return bytes(left)


def _apply(content: bytearray, at: int, data: bytes) -> None:
    if not data:
        del content[at:]
        return
    content.extend(bytes(max(0, at + len(data) - len(content))))
    content[at : at + len(data)] = data


class Disk:
    """The files under one folder, as calls change them."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._open: dict[int, tuple[str, _File | None]] = {}
        self._names: dict[str, _File] = {}
        self._durable: dict[str, _File] = {}
        self._pending: dict[str, list[tuple[str, _File | None]]] = {}

    def do(self, call: Call) -> None:
        """Take the next call."""
        getattr(self, f"_{call.name}", lambda _: None)(call)

    def after_a_loss(self, folder: Path, chance: random.Random) -> None:
        """Write down, in another folder, what may be left."""
        names = dict(self._durable)
        for pending in self._pending.values():
            for name, file in pending[: chance.randint(0, len(pending))]:
                names.pop(name, None) if file is None else names.update({name: file})
        for name, file in names.items():
            if not name.endswith("-shm"):
                path = folder / Path(name).relative_to(self._folder)
                path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
                path.write_bytes(file.after_a_loss(chance))

    def _name(self, string: bytes) -> str | None:
        name = string.decode()
        return name if name.startswith(f"{self._folder}/") or name == str(self._folder) else None

    def _note(self, name: str, file: _File | None) -> None:
        self._pending.setdefault(str(Path(name).parent), []).append((name, file))
        self._names.pop(name, None) if file is None else self._names.update({name: file})

    def _openat(self, call: Call) -> None:
        name = self._name(call.strings[0]) if call.strings else None
        self._open.pop(call.result, None)
        if name is None:
            return
        if Path(name).suffix or "-" in Path(name).name:
            if name not in self._names:
                self._note(name, _File())
            self._open[call.result] = name, self._names[name]
        else:
            self._open[call.result] = name, None

    def _dup(self, call: Call) -> None:
        if call.numbers[0] in self._open:
            self._open[call.result] = self._open[call.numbers[0]]

    def _close(self, call: Call) -> None:
        self._open.pop(call.numbers[0], None)

    def _write(self, call: Call) -> None:
        _, file = self._open.get(call.numbers[0], ("", None))
        if file is not None:
            file.write(file.size, call.strings[0][: call.result])

    def _pwrite64(self, call: Call) -> None:
        _, file = self._open.get(call.numbers[0], ("", None))
        if file is not None:
            file.write(call.numbers[-1], call.strings[0][: call.result])

    def _ftruncate(self, call: Call) -> None:
        _, file = self._open.get(call.numbers[0], ("", None))
        if file is not None:
            file.size = call.numbers[1]
            file.pending.append((call.numbers[1], b""))

    def _fsync(self, call: Call) -> None:
        name, file = self._open.get(call.numbers[0], ("", None))
        if file is not None:
            file.sync()
        for entry, of in self._pending.pop(name, []):
            self._durable.pop(entry, None) if of is None else self._durable.update({entry: of})

    _fdatasync = _fsync

    def _rename(self, call: Call) -> None:
        old, new = (self._name(each) for each in call.strings[:2])
        if old is not None and new is not None and old in self._names:
            file = self._names[old]
            self._note(old, None)
            self._note(new, file)

    _renameat = _renameat2 = _rename

    def _unlink(self, call: Call) -> None:
        name = self._name(call.strings[0])
        if name is not None and name in self._names:
            self._note(name, None)

    _unlinkat = _unlink


def losses(calls: Sequence[Call], folder: Path, points: Sequence[int], scratch: Path) -> Iterator[tuple[int, Path]]:
    """Yield, for each point, a folder with what a loss of power behind so many calls may leave of `folder`."""
    disk, chance, wanted = Disk(folder), random.Random(1), set(points)
    for number, call in enumerate(calls):
        disk.do(call)
        if number in wanted:
            left = scratch / f"{number}"
            left.mkdir(parents=True, mode=0o700)
            disk.after_a_loss(left, chance)
            yield number, left
