"""The ledger that a reporting verb reads, up to date with what the programs on this machine have written."""

import argparse
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from spancast.bookkeeping import trouble
from spancast.bookkeeping.book import Book
from spancast.errors import ConfigurationError, SpancastError
from spancast.live_ledger import LiveLedger, is_written
from spancast.settings.resolve import home_in_force, resolve
from spancast.settings.settings import Settings

PATIENCE_SECONDS = 5.0
"""For another process that is draining."""


def folder(args: argparse.Namespace) -> Path:
    """Return the ledger's directory."""
    return args.home or home_in_force()


@contextmanager
def live(args: argparse.Namespace) -> Iterator[LiveLedger]:
    """Provide a ledger that can be brought up to date repeatedly."""
    home = readable_folder(args)
    for aside in trouble.set_aside(home):
        print(f"{aside} was damaged; its calls are missing here.", file=sys.stderr)
    with trouble.ledger_errors(home), closing(LiveLedger(home)) as latest:
        yield latest


def _named(home: Path) -> Path:
    """Return the directory of `--home`; raise `ConfigurationError` if it does not exist, since it would look empty."""
    if not home.is_dir():
        raise ConfigurationError(f"There is no directory {home}. Name one that programs have written to.")
    return home


def readable_folder(args: argparse.Namespace) -> Path:
    """Return the ledger's directory; report it if it is a replacement for an unusable one.

    Raises:
        ConfigurationError: `--home` names no directory.
        SpancastError: The directory of the settings is unusable, and its replacement has no ledger.
    """
    if args.home is not None:
        return _named(args.home)
    settings = resolve({})
    report_replacement(settings)
    return settings.home


def report_replacement(settings: Settings, *, may_be_empty: bool = False) -> None:
    """Report that the home directory replaces an unusable one; raise `SpancastError` if nothing was written to it."""
    if settings.instead_of is None:
        return
    if not may_be_empty and not is_written(settings.home):
        raise SpancastError(f"{settings.instead_of}. Run this as its owner, or on a copy of it with --home.")
    where = f"This is {settings.home}, where programs of this user write instead."
    print(f"{settings.instead_of}. {where}", file=sys.stderr)


@contextmanager
def ledger(args: argparse.Namespace) -> Iterator[Book | None]:
    """Provide the ledger, up to date; `None` if no program has written one yet."""
    with live(args) as latest:
        yield latest.book(PATIENCE_SECONDS, _warn)


def _warn() -> None:
    print("Another process is still booking; the newest calls may be missing.", file=sys.stderr)
