"""`spancast doctor`: what would keep Spancast from seeing, keeping or sending calls, and the cure."""

import argparse
import json
import platform
import shlex
import sqlite3
import stat
import sys
from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path
from tempfile import TemporaryFile
from typing import Literal

from spancast.base import homes
from spancast.bookkeeping.book import Book
from spancast.bookkeeping.late_costs import lookups
from spancast.bookkeeping.trouble import told
from spancast.cli import doubles, engine
from spancast.cli.arguments.filters import add_home
from spancast.cli.output import human
from spancast.delivery.outbox.outbox import Outbox
from spancast.destinations import discover
from spancast.errors import ConfigurationError, SpancastError
from spancast.hooks.table import HOOKS
from spancast.settings.resolve import resolve
from spancast.settings.settings import Settings

State = Literal["ok", "note", "wrong"]

_MARKS = {"ok": "ok   ", "note": "note ", "wrong": "WRONG"}
_CLIENTS = ("httpx", "httpx2", "aiohttp", "niquests", "urllib3", "requests")
_ON_THEM = (
    "openai",
    "openrouter",
    "anthropic",
    "langchain-openai",
    "langchain-openrouter",
    "pydantic-ai-slim",
    "litellm",
    "smolagents",
    "dspy",
    "llama-index-llms-openrouter",
    "instructor",
    "livekit-plugins-openai",
)
"""What is checked of what is built on the clients (`docs/clients.md`); only what is installed is worth a line."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One line: what was looked at, how it stands, and what was seen, with the cure where one is needed."""

    what: str
    state: State
    seen: str


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the verb."""
    parser.add_argument("--json", action="store_true", help="one array of {what, state, seen}")
    add_home(parser)


def run(args: argparse.Namespace) -> int:
    """Print the findings; return 1 when something is wrong."""
    findings = list(examine(args.home))
    if args.json:
        print(json.dumps([asdict(finding) for finding in findings], indent=2))
    else:
        width = max(len(finding.what) for finding in findings)
        for finding in findings:
            print(f"{_MARKS[finding.state]}  {finding.what:<{width}}  {finding.seen}")
    return 1 if any(finding.state == "wrong" for finding in findings) else 0


def examine(home: Path | None = None) -> Iterator[Finding]:
    """Look at everything there is to look at; at another `home` than the settings name where one is given."""
    yield Finding(
        "spancast",
        "ok",
        f"{metadata.version('spancast')} on {platform.python_implementation()} {platform.python_version()}",
    )
    try:
        found = resolve({"home": home})
    except ConfigurationError as error:
        yield Finding("settings", "wrong", str(error))
        return
    yield _enabled(found)
    yield _home(found)
    yield (ledger := _ledger(found))
    if ledger.state != "wrong":
        yield from _late_costs(found)
    yield from _outbox(found)
    yield _sqlite()
    yield from _clients()
    yield from _destinations(found)


def _enabled(found: Settings) -> Finding:
    if found.enabled:
        hosts = ", ".join(("openrouter.ai", *found.hosts))
        return Finding("settings", "ok", f"calls to {hosts} are seen; durability is {found.durability}")
    return Finding("settings", "note", "Nothing is instrumented: OTEL_SDK_DISABLED or SPANCAST_ENABLED says so.")


def _home(found: Settings) -> Finding:
    home = found.home
    if found.instead_of is not None:
        kept = "lie in memory alone" if found.durability == "memory" else f"are kept in {home}"
        return Finding("home", "wrong", f"{found.instead_of}. Records {kept}. Set SPANCAST_HOME to another directory.")
    existing = next(folder for folder in (home, *home.parents) if folder.exists())
    if not _can_be_written(existing):
        cure = "Set SPANCAST_HOME to a directory that can be written, or SPANCAST_DURABILITY=memory."
        return Finding("home", "wrong", f"{existing} cannot be written. {cure}")
    if home.exists() and _is_open_to_others(home):
        return Finding("home", "note", f"{home} can be written to by other users. {_OPEN} {_closing(home)}")
    return Finding("home", "ok", str(home))


def _is_open_to_others(home: Path) -> bool:
    return sys.platform != "win32" and bool(home.stat().st_mode & (stat.S_IWGRP | stat.S_IWOTH))


def _closing(home: Path) -> str:
    """Return how a home is closed to others; a mounted volume is often root's, who has opened it to all."""
    if homes.user() in (home.stat().st_uid, 0):
        return f"chmod 700 {shlex.quote(str(home))} mends it."
    return f"SPANCAST_HOME={shlex.quote(str(home / 'spancast'))} mends it: a directory that Spancast makes for itself."


_OPEN = "They can take records away, and keep new ones from being booked."


def _can_be_written(folder: Path) -> bool:
    """Whether a file can be made there, which permissions alone do not tell: of `/proc`, say, for its owner."""
    try:
        TemporaryFile(dir=folder).close()
    except OSError:
        return False
    return True


def _ledger(found: Settings) -> Finding:
    if not (found.home / "ledger.db").exists():
        return Finding("ledger", "note", "No call has been booked yet. Try: spancast run -- python app.py")
    try:
        with told(found.home), closing(Book(found.home)) as book:
            with book.reading() as connection:
                (count,) = connection.execute("SELECT count(*) FROM entries").fetchone()
            damage = book.damage()
            lost, lost_cost = book.losses()
    except SpancastError as error:
        return Finding("ledger", "wrong", str(error))
    seen = [f"{human.calls(count)} booked"]
    if damage:
        seen.append(f"{damage:,} damaged records were skipped")
    if lost:
        seen.append(f"{sum(lost.values()):,} records were lost ({', '.join(lost)}), ${lost_cost:f}")
    seen += [f"{path.name} was damaged, and is kept" for path in sorted(found.home.glob("*.damaged-*[0-9]"))]
    return Finding("ledger", "note" if len(seen) > 1 else "ok", "; ".join(seen))


def _outbox(found: Settings) -> Iterator[Finding]:
    """Say what keeps the file from being used in which spans wait for their destinations."""
    path = found.home / "outbox.db"
    if not path.exists():
        return
    try:
        with closing(Outbox(found.home)) as outbox:
            outbox.standings()
    except SpancastError as error:
        yield Finding("outbox", "wrong", str(error))
    except (sqlite3.Error, OSError) as error:
        cure = "Move it away: the next program starts a new one. The ledger is another file."
        yield Finding("outbox", "wrong", f"{path} cannot be used: {error}. {cure}")


def _late_costs(found: Settings) -> Iterator[Finding]:
    """Say how many costs are unknown that OpenRouter could be asked for, and which were asked for in vain."""
    if not (found.home / "ledger.db").is_file():
        return
    with closing(Book(found.home)) as book, suppress(sqlite3.Error, SpancastError):
        wanted, vain = lookups.unasked(book), lookups.tried(book)
        in_vain = "".join(f"; {count:,} given up: {why}" for why, count in sorted(vain.items()))
        if found.backfill_key is not None or found.backfill != "off":
            yield Finding("late costs", "ok", f"{wanted:,} are asked for{in_vain}")
        elif wanted or vain:
            cure = "Set SPANCAST_BACKFILL_KEY to ask OpenRouter for them."
            yield Finding("late costs", "note", f"{human.calls(wanted)} of the last week without one{in_vain}. {cure}")


def _sqlite() -> Finding:
    return Finding("SQLite", "ok", engine.standing())


def _clients() -> Iterator[Finding]:
    for name in (*_CLIENTS, *_ON_THEM):
        try:
            version = metadata.version(name)
        except metadata.PackageNotFoundError:
            if name in _CLIENTS:
                yield Finding(name, "note", "not installed here")
            continue
        hooked = any(hook.module == name for hook in HOOKS)
        yield Finding(name, "ok", f"{version}, hooked" if hooked else f"{version}, seen through the client it uses")


def _destinations(found: Settings) -> Iterator[Finding]:
    for destination in found.destinations:
        what = f"destination {destination.name}"
        try:
            exporter = discover.exporter(destination)
        except ConfigurationError as error:
            yield Finding(what, "wrong", str(error))
            continue
        yield Finding(what, "ok", "configured")
        for double in doubles.of(destination, exporter):
            yield Finding(f"sent twice to {destination.name}", "note", double)
