"""`spancast ledger`: the file itself, for its owner: where it is, whether it is sound, what is kept, a copy of it."""

import argparse
from collections.abc import Mapping
from contextlib import nullcontext
from importlib import import_module
from typing import cast

from spancast.bookkeeping.trouble import told
from spancast.cli import VerbModule
from spancast.cli.home import folder

DEEDS: Mapping[str, str] = {
    "path": "print where the file is",
    "check": "read it whole, and compare its sums with its calls",
    "rebuild": "make its sums anew from its calls",
    "export": "write its calls to a file: CSV, lines of JSON, Parquet, FOCUS",
    "prune": "remove single calls of long ago; their sums stay",
}
"""What can be done. Each has a module of its name here, with `add_arguments(parser)` and `run(args)`, as a verb has."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the verb."""
    deeds = parser.add_subparsers(dest="deed", required=True, metavar="WHAT")
    for name, meaning in DEEDS.items():
        sentence = f"{meaning[0].upper()}{meaning[1:]}."
        _module(name).add_arguments(deeds.add_parser(name, help=meaning, description=sentence, allow_abbrev=False))


def run(args: argparse.Namespace) -> int:
    """Do it; return 1 when something is wrong with the ledger."""
    # Whoever asks for the path may have to see to the file.
    with nullcontext() if args.deed == "path" else told(folder(args)):
        return _module(args.deed).run(args)


def _module(name: str) -> VerbModule:
    return cast("VerbModule", import_module(f"{__name__}.{name}"))
