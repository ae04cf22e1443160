"""The ledger that a reporting verb reads, with all that the programs on this machine have written so far."""

import argparse
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from spancast.bookkeeping import trouble
from spancast.bookkeeping.book import Book
from spancast.errors import ConfigurationError, SpancastError
from spancast.latest import Latest
from spancast.settings.resolve import home_in_force, resolve

PATIENCE = 5.0
"""Seconds to wait for another process that is draining."""

NO_LEDGER = "There is no ledger yet: the first report makes it, when a program has made a call."
"""What there is to say where nothing can be done."""

NOTHING_YET = "No calls yet. Run a program with Spancast on:  spancast run -- python app.py"


def folder(args: argparse.Namespace) -> Path:
    """Return the directory of the ledger that is meant."""
    return args.home or home_in_force()


@contextmanager
def live(args: argparse.Namespace) -> Iterator[Latest]:
    """Give the ledger, to be brought up to date again and again."""
    home = _named(args.home) if args.home is not None else _of_settings()
    for aside in trouble.set_aside(home):
        print(f"{aside} was damaged; what is in it is not among these.", file=sys.stderr)
    with trouble.told(home), closing(Latest(home)) as latest:
        yield latest


def _named(home: Path) -> Path:
    """Return the directory that was named; raise `ConfigurationError` where there is none, which would seem empty."""
    if not home.is_dir():
        raise ConfigurationError(f"There is no directory {home}. Name one that programs have written to.")
    return home


def _of_settings() -> Path:
    """Return the directory by the settings, and say so where it is another than was wanted.

    Raises `SpancastError` where nothing else is there to see.
    """
    inforce = resolve({})
    if inforce.instead_of is not None and not (inforce.home / "ledger.db").is_file():
        raise SpancastError(f"{inforce.instead_of}. Read it as its owner, or a copy of it with --home.")
    if inforce.instead_of is not None:
        where = f"This is {inforce.home}, where programs of this user have written instead."
        print(f"{inforce.instead_of}. {where}", file=sys.stderr)
    return inforce.home


@contextmanager
def ledger(args: argparse.Namespace) -> Iterator[Book | None]:
    """Give the ledger, up to date; `None` where no program has written one yet."""
    with live(args) as latest:
        yield latest.book(PATIENCE, _complain)


def _complain() -> None:
    print("Another process is still booking; the newest calls may be missing.", file=sys.stderr)
