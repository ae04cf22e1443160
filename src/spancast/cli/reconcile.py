"""`spancast reconcile`: compare the ledger with what OpenRouter billed, to the cent."""

import argparse
import os
import re
import sys
import time
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from spancast.base.locks import FileLock
from spancast.bookkeeping.book import Book
from spancast.bookkeeping.reconciling.comparing import Comparing
from spancast.bookkeeping.reconciling.filling import Filling, filling
from spancast.bookkeeping.reconciling.reconciliation import Reconciliation
from spancast.cli.arguments.filters import add_home
from spancast.cli.arguments.when import moment
from spancast.cli.output.messages import NOTHING_YET
from spancast.cli.output.reconciled_json import one_object
from spancast.cli.output.reconciled_text import lines
from spancast.cli.support.ledger_access import PATIENCE_SECONDS, folder, ledger
from spancast.errors import ConfigurationError, SpancastError

_KEYS = ("OPENROUTER_MANAGEMENT_KEY", "OPENROUTER_API_KEY")
"""Where a key is looked for, in this order."""
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}")
"""Names that a shell exports; OpenRouter's keys contain hyphens."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the verb."""
    parser.add_argument(
        "--since",
        type=moment,
        metavar="WHEN",
        help="start: 24h, 7d, today, 2026-11-01, ... (default: the first call, 30 days ago at most)",
    )
    parser.add_argument("--until", type=moment, metavar="WHEN", help="end, exclusive (default: now)")
    source = parser.add_mutually_exclusive_group()
    source.add_argument(
        "--key-env",
        metavar="NAME",
        help=f"the variable that holds the management key (default: {', else '.join(_KEYS)}); "
        "with a non-management key, only that key's totals are compared",
    )
    source.add_argument(
        "--activity-csv", type=Path, metavar="FILE", help="a CSV from openrouter.ai/activity, which needs no key"
    )
    parser.add_argument("--all-keys", action="store_true", help="also spending by keys with no call in the ledger")
    parser.add_argument("--fill", action="store_true", help="add to the ledger what is missing")
    parser.add_argument("--json", action="store_true", help="one JSON object, every call and every digit")
    add_home(parser)


def run(args: argparse.Namespace) -> int:
    """Print what differs; return 0 when every cent is explained, else 1."""
    with ledger(args) as book:
        if book is None:
            raise SpancastError(NOTHING_YET)
        result = _compared(args, book)
    if args.json:
        print(one_object(result))
    else:
        for line in lines(result):
            print(line)
    return 0 if result.is_explained else 1


def _compared(args: argparse.Namespace, book: Book) -> Reconciliation:
    if args.activity_csv is None:
        return _with_key(args, book)
    from spancast.bookkeeping.reconciling import export, reconcile  # noqa: PLC0415 - --help needs none

    read = export.read(args.activity_csv)
    return _filled(args, book, reconcile.with_export(book, read, args.since, args.until, datetime.now(UTC)))


def _with_key(args: argparse.Namespace, book: Book) -> Reconciliation:
    from spancast.bookkeeping import openrouter  # noqa: PLC0415 - only where something is sent
    from spancast.bookkeeping.reconciling import reconcile  # noqa: PLC0415 - the same
    from spancast.bookkeeping.reconciling.account import NotManagementKeyError, OpenRouterAccount  # noqa: PLC0415 - the same
    from spancast.delivery.http.wire import Wire  # noqa: PLC0415 - the same

    key = _key(args.key_env)
    with closing(Wire()) as wire:
        account = OpenRouterAccount(wire, openrouter.base_url(), key, _wait)
        try:
            comparing = reconcile.with_account(book, account, args.since, args.until, all_keys=args.all_keys)
        except NotManagementKeyError:
            result = reconcile.with_key(book, account, key, args.since)
            if args.fill or args.until or args.all_keys:
                print("This is not a management key: only its totals so far are compared.", file=sys.stderr)
            return result
    return _filled(args, book, comparing)


def _wait(seconds: float) -> None:
    """Wait until a request may be repeated, and report a wait that a person would notice."""
    if seconds >= _REPORTED_SECONDS:
        reason = "OpenRouter's rate limit, or a failure"
        print(f"{reason}: the request is repeated in {seconds:.0f} s.", file=sys.stderr, flush=True)
    time.sleep(seconds)


_REPORTED_SECONDS = 2.0


def _key(name: str | None) -> str:
    """Return the key that a variable holds; raise `ConfigurationError` where none does."""
    if name is not None and not _VARIABLE.fullmatch(name):
        raise ConfigurationError(
            "--key-env takes the name of a variable, and what is given may be the key itself: it is not repeated here. "
            f"Export the key, and give the variable's name, such as --key-env {_KEYS[0]}."
        )
    for variable in _KEYS if name is None else (name,):
        key = os.environ.get(variable, "").strip()
        if key:
            return key
    if name is not None:
        raise ConfigurationError(f"There is no key in {name}. Put a management key of OpenRouter's into it.")
    raise ConfigurationError(
        f"There is no key to ask OpenRouter with. Put a management key into {_KEYS[0]}, name another variable by "
        "--key-env, or give a CSV of the activity page by --activity-csv."
    )


def _filled(args: argparse.Namespace, book: Book, comparing: Comparing) -> Reconciliation:
    """Return the result; with `--fill` that of the ledger as it is then. Two that fill take turns."""
    if not args.fill:
        return comparing.result(book)
    with FileLock((folder(args)) / "reconcile.lock"):
        return _fill_what_is_missing(args, book, comparing)


def _fill_what_is_missing(args: argparse.Namespace, book: Book, comparing: Comparing) -> Reconciliation:
    result = comparing.renewed(book).result(book)
    wanted = filling(result.calls)
    if not wanted:
        return result
    _fill(folder(args), book, wanted)
    return replace(comparing.renewed(book).result(book), filled=len(wanted.late_facts) + len(wanted.adjustments))


def _fill(home: Path, book: Book, wanted: Filling) -> None:
    """Add what is missing: costs through the journal, as whatever comes into the ledger, and adjustments beside it."""
    from spancast.bookkeeping.reconciling import adjustments  # noqa: PLC0415 - only where something is added
    from spancast.delivery.journal.drainer import Drainer  # noqa: PLC0415 - the same
    from spancast.delivery.journal.journal import Journal  # noqa: PLC0415 - the same
    from spancast.delivery.outbox.outbox import Outbox  # noqa: PLC0415 - the same

    with closing(Journal(home)) as journal:
        for late in wanted.late_facts:
            journal.append(late)
    with closing(Outbox(home)) as outbox:
        if not Drainer(home, [book, outbox]).drain(PATIENCE_SECONDS):
            raise SpancastError(
                "Another process is still booking. The costs are in the journal; reconcile again later."
            )
    adjustments.store(book, wanted.adjustments)
