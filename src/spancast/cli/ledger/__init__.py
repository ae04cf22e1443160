"""`spancast ledger`: the file itself, for its owner: where it is, whether it is sound, what is kept, a copy of it."""

import argparse
from collections.abc import Mapping
from contextlib import nullcontext
from importlib import import_module
from typing import cast

from spancast.bookkeeping.trouble import ledger_errors
from spancast.cli import VerbModule
from spancast.cli.support.ledger_access import folder

DEEDS: Mapping[str, str] = {
    "path": "print where the file is",
    "check": "check the whole file, and compare its sums with its calls",
    "rebuild": "recompute its sums from its calls",
    "export": "write its calls to a file: CSV, lines of JSON, Parquet, FOCUS",
    "prune": "remove old calls; their sums stay",
}
"""Each has a module of its name here, with `add_arguments(parser)` and `run(args)`, like a verb."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the verb."""
    deeds = parser.add_subparsers(dest="deed", required=True, metavar="WHAT")
    for name, meaning in DEEDS.items():
        sentence = f"{meaning[0].upper()}{meaning[1:]}."
        _module(name).add_arguments(deeds.add_parser(name, help=meaning, description=sentence, allow_abbrev=False))


def run(args: argparse.Namespace) -> int:
    """Run the subcommand; return 1 if something is wrong with the ledger."""
    # The path of a ledger that cannot be read is needed to repair it.
    with nullcontext() if args.deed == "path" else ledger_errors(folder(args)):
        return _module(args.deed).run(args)


def _module(name: str) -> VerbModule:
    return cast("VerbModule", import_module(f"{__name__}.{name}"))
