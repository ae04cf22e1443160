"""Calls to book, and programs that write them."""

import os
import secrets
import subprocess
import sys
from pathlib import Path

from spancast.bookkeeping.book import Book
from spancast.records.call import Call

ROOT = Path(__file__).parents[2]


def call(**known) -> Call:
    """Return a call that was completed, unless told otherwise."""
    given = {"call_id": secrets.token_hex(16), "operation": "chat", "started_at": 1_790_000_000_000_000_000}
    return Call(**(given | {"outcome": "completed"} | known))


def emptied(book: Book) -> Book:
    """Return the book without what is in it: a new one for each example takes its time."""
    with book.writing() as connection:
        tables = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
        for (table,) in tables:
            connection.execute(f"DELETE FROM {table}")
    return book


def opened(**known) -> Call:
    """Return a call that is under way."""
    return call(outcome=None, **known)


def python(script: str, *arguments: object) -> subprocess.Popen[str]:
    """Start a Python program that can import what this one can, with pipes to its input and output."""
    path = os.pathsep.join([str(ROOT / "src"), str(ROOT / "exporters"), str(ROOT)])
    return subprocess.Popen(
        [sys.executable, "-c", script, *map(str, arguments)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": path},
    )


def output(script: str, *arguments: object) -> str:
    """Run a Python program to its end and return what it printed."""
    with python(script, *arguments) as process:
        printed, complaints = process.communicate(timeout=60)
    assert process.returncode == 0, complaints
    return printed
