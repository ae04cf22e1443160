"""`spancast ledger path`: where the file is."""

import argparse

from spancast.cli.arguments.filters import add_home
from spancast.cli.support.ledger_access import readable_folder


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    add_home(parser)


def run(args: argparse.Namespace) -> int:
    """Print the path, whether there is a file yet or not: for `sqlite3 "$(spancast ledger path)"`."""
    print((args.home or readable_folder(args)) / "ledger.db")
    return 0
