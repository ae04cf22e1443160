"""`spancast doctor`: what would keep Spancast from recording, storing or sending calls, and the cure."""

import argparse
import json
import os
import platform
import shlex
import sqlite3
import stat
import sys
from collections.abc import Iterator, Mapping
from contextlib import closing, suppress
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path
from tempfile import TemporaryFile
from typing import Literal
from urllib.parse import urlsplit

from spancast.base import homes
from spancast.base.urls import origin
from spancast.bookkeeping.book import Book
from spancast.bookkeeping.late_costs import ledger_queue
from spancast.bookkeeping.trouble import ledger_errors
from spancast.capture.route import Routes
from spancast.cli.arguments.filters import add_home
from spancast.cli.output import human
from spancast.cli.support import duplicate_senders, sqlite_version
from spancast.delivery.outbox.accounts import Standing
from spancast.delivery.outbox.outbox import Outbox
from spancast.destinations import discover
from spancast.errors import ConfigurationError, SpancastError
from spancast.hooks.table import HOOKS
from spancast.settings import variables
from spancast.settings.resolve import resolve
from spancast.settings.settings import Settings

State = Literal["ok", "note", "wrong"]

_MARKS = {"ok": "ok   ", "note": "note ", "wrong": "WRONG"}
_CLIENTS = ("httpx", "httpx2", "aiohttp", "niquests", "urllib3", "requests")
_LIBRARIES = (
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
"""Libraries built on the clients (`docs/clients.md`); each is listed only if it is installed."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the output; the fields are its JSON keys."""

    what: str
    """The subject."""
    state: State
    seen: str
    """What was found, with the cure if one is needed."""


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
    """Yield all findings, for the home that the settings name or for another one."""
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
    yield from (Finding("variable", "wrong", sentence) for sentence in variables.misspelt())
    yield from _unwatched(found)
    yield _home(found)
    yield (ledger := _ledger(found))
    if ledger.state != "wrong":
        yield from _late_costs(found)
    standings: dict[str, Standing] = {}
    yield from _outbox(found, standings)
    yield _sqlite()
    yield from _clients()
    yield from _destinations(found, standings)


def _enabled(found: Settings) -> Finding:
    if found.enabled:
        hosts = ", ".join(("openrouter.ai", *found.hosts))
        return Finding("settings", "ok", f"calls to {hosts} are recorded; durability is {found.durability}")
    return Finding("settings", "note", "Nothing is instrumented: OTEL_SDK_DISABLED or SPANCAST_ENABLED says so.")


def _unwatched(found: Settings) -> Iterator[Finding]:
    """Yield the variables that send calls to a server whose calls are not recorded."""
    routes = Routes(found.hosts)
    for variable in _BASE_URLS:
        with suppress(ValueError):  # no URL: the client says so
            url = os.environ.get(variable, "").strip()
            parts = urlsplit(url)
            host, path = parts.hostname or "", f"{parts.path.rstrip('/')}/chat/completions"
            if (
                not host
                or host.endswith(_NOT_OPENROUTER)
                or routes.dialect("POST", parts.scheme, host, parts.port, path)
            ):
                continue
            cure = f"If it passes them on to OpenRouter, set SPANCAST_HOSTS={parts.netloc.rpartition('@')[2]}."
            yield Finding("base URL", "note", f"Calls to {origin(url)} ({variable}) are not recorded. {cure}")


_BASE_URLS = ("OPENROUTER_BASE_URL", "OPENROUTER_API_BASE", "OPENAI_BASE_URL", "OPENAI_API_BASE")
_NOT_OPENROUTER = "openai.com"
"""A service of its own, whose calls nobody expects to be recorded."""


def _home(found: Settings) -> Finding:
    home = found.home
    if found.instead_of is not None:
        where = "stay in memory" if found.durability == "memory" else f"are written to {home}"
        return Finding("home", "wrong", f"{found.instead_of}. Records {where}. Set SPANCAST_HOME to another directory.")
    existing = next(folder for folder in (home, *home.parents) if folder.exists())
    if not _can_be_written(existing):
        cure = "Set SPANCAST_HOME to a directory that can be written, or SPANCAST_DURABILITY=memory."
        return Finding("home", "wrong", f"{existing} cannot be written. {cure}")
    if home.exists() and _is_open_to_others(home):
        return Finding("home", "note", f"{home} is writable by other users. {_RISK} {_how_to_close(home)}")
    return Finding("home", "ok", str(home))


def _is_open_to_others(home: Path) -> bool:
    return sys.platform != "win32" and bool(home.stat().st_mode & (stat.S_IWGRP | stat.S_IWOTH))


def _how_to_close(home: Path) -> str:
    """Return how to close a home to others; a mounted volume often belongs to root, with access for all."""
    if homes.effective_user() in (home.stat().st_uid, 0):
        return f"chmod 700 {shlex.quote(str(home))} fixes it."
    return f"SPANCAST_HOME={shlex.quote(str(home / 'spancast'))} fixes it: Spancast creates that directory for itself."


_RISK = "They can remove records, and keep new ones from being booked."


def _can_be_written(folder: Path) -> bool:
    """Return whether a file can be created there, which permissions alone do not tell, in `/proc`, say."""
    try:
        TemporaryFile(dir=folder).close()
    except OSError:
        return False
    return True


def _ledger(found: Settings) -> Finding:
    aside = [path.name for path in sorted(found.home.glob("*.damaged-*[0-9]"))]
    kept = [f"{name} was damaged, and is kept; `sqlite3 {name} .recover` may recover its content" for name in aside]
    if not (found.home / "ledger.db").exists():
        none_yet = "No call has been booked yet. Try: spancast run -- python app.py"
        return Finding("ledger", "note", "; ".join([none_yet, *kept]))
    try:
        with ledger_errors(found.home), closing(Book(found.home)) as book:
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
    seen += kept
    return Finding("ledger", "note" if len(seen) > 1 else "ok", "; ".join(seen))


def _outbox(found: Settings, standings: dict[str, Standing]) -> Iterator[Finding]:
    """Yield what is wrong with the file in which spans wait for their destinations, and add what it says of them."""
    path = found.home / "outbox.db"
    if not path.exists():
        return
    try:
        with closing(Outbox(found.home)) as outbox:
            standings |= {standing.name: standing for standing in outbox.standings()}
    except SpancastError as error:
        yield Finding("outbox", "wrong", str(error))
    except (sqlite3.Error, OSError) as error:
        cure = "Move it away: the next program starts a new one. The ledger is another file."
        yield Finding("outbox", "wrong", f"{path} cannot be used: {error}. {cure}")


def _late_costs(found: Settings) -> Iterator[Finding]:
    """Yield how many unknown costs can be looked up, and how many lookups were given up."""
    if not (found.home / "ledger.db").is_file():
        return
    with closing(Book(found.home)) as book, suppress(sqlite3.Error, SpancastError):
        pending, given_up = ledger_queue.pending_count(book), ledger_queue.given_up_counts(book)
        failures = "".join(f"; {count:,} given up: {reason}" for reason, count in sorted(given_up.items()))
        if found.backfill_key is not None or found.backfill != "off":
            yield Finding("late costs", "ok", f"{pending:,} are being looked up{failures}")
        elif pending or given_up:
            cure = "Set SPANCAST_BACKFILL_KEY to look them up at OpenRouter."
            seen = f"{human.calls(pending)} of the last week without one{failures}. {cure}"
            yield Finding("late costs", "note", seen)


def _sqlite() -> Finding:
    return Finding("SQLite", "ok", sqlite_version.describe())


def _clients() -> Iterator[Finding]:
    for name in (*_CLIENTS, *_LIBRARIES):
        try:
            version = metadata.version(name)
        except metadata.PackageNotFoundError:
            if name in _CLIENTS:
                yield Finding(name, "note", "not installed here")
            continue
        hooked = any(hook.module == name for hook in HOOKS)
        yield Finding(name, "ok", f"{version}, hooked" if hooked else f"{version}, recorded through the client it uses")


def _destinations(found: Settings, standings: Mapping[str, Standing]) -> Iterator[Finding]:
    for destination in found.destinations:
        what = f"destination {destination.name}"
        try:
            exporter = discover.exporter(destination)
        except ConfigurationError as error:
            yield Finding(what, "wrong", str(error))
            continue
        yield _sending(what, standings.get(destination.name))
        for sentence in duplicate_senders.sentences(destination, exporter):
            yield Finding(f"sent twice to {destination.name}", "note", sentence)
    configured = {destination.name for destination in found.destinations}
    for name, standing in standings.items():
        if standing.waiting and name not in configured:
            cure = "Name it in SPANCAST_DESTINATIONS, or in spancast.toml."
            seen = f"{standing.waiting:,} waiting for it, and it is not configured here. {cure}"
            yield Finding(f"destination {name}", "wrong", seen)


def _sending(what: str, standing: Standing | None) -> Finding:
    """Return whether a destination that is configured takes what it is sent."""
    if standing is None or standing.state == "ready":
        return Finding(what, "ok", "configured")
    name = shlex.quote(standing.name)
    cure = f"`spancast check {name}` tests it. When that is mended, `spancast deliver` sends what waits."
    reason = (standing.reason or "no reason is known").rstrip(".")
    seen = f"{standing.state}, {standing.waiting:,} waiting: {reason}. {cure}"
    return Finding(what, "wrong" if standing.waiting or standing.state == "parked" else "note", seen)
