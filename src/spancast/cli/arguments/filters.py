"""The arguments that every reporting verb shares: which ledger, which calls."""

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import get_args

from spancast.bookkeeping.answers.filter import Filter
from spancast.call_filter import CallFilter, CostsQuery, no_costs, to_filter
from spancast.capture.values import text
from spancast.cli.arguments.when import moment
from spancast.cli.output.messages import NOTHING_YET
from spancast.errors import ConfigurationError
from spancast.records.call import Outcome


def add_home(parser: argparse.ArgumentParser) -> None:
    """Add `--home`."""
    parser.add_argument("--home", type=_folder, metavar="PATH", help="the ledger's directory (default: SPANCAST_HOME)")


def add_filters(parser: argparse.ArgumentParser) -> None:
    """Add the arguments that filter calls."""
    group = parser.add_argument_group("filters")
    add_times(group)
    group.add_argument("--user", type=value, help=f"{USER}")
    group.add_argument("--session", type=value)
    group.add_argument("--model", type=value, help="the model that responded, or the requested one")
    group.add_argument("--requested-model", "--requested_model", type=value, metavar="MODEL", help="the requested one")
    group.add_argument("--provider", type=value)
    group.add_argument("--operation", type=value, help="chat, responses, embeddings, ...")
    group.add_argument("--app", type=value, help="the service.name of the program")
    group.add_argument("--key", type=value, metavar="KEY", help="the API key's hash, a beginning of it, or its name")
    group.add_argument("--error-type", "--error_type", type=value, metavar="TYPE", help="error type of a failed call")
    group.add_argument("--outcome", choices=get_args(Outcome))
    group.add_argument("--tag", type=_tag, action="append", default=[], metavar="KEY=VALUE", help="may be repeated")


USER = "the user's name, even if user_hash stores pseudonyms; or a pseudonym"
"""The help text for a user."""


def add_times(group: argparse._ActionsContainer) -> None:
    """Add `--since` and `--until`."""
    group.add_argument("--since", type=_when, metavar="WHEN", help="start: 30m, 24h, 7d, today, 2026-11-01, ...")
    group.add_argument("--until", type=_when, metavar="WHEN", help="end, exclusive")


def call_filter(args: argparse.Namespace, costs: CostsQuery) -> Filter:
    """Return the filter that the arguments mean now; see `spancast.call_filter.to_filter`."""
    criteria: CallFilter = {
        "since": args.since,
        "until": args.until,
        "user": args.user,
        "session": args.session,
        "model": args.model,
        "requested_model": args.requested_model,
        "provider": args.provider,
        "operation": args.operation,
        "app": args.app,
        "key": args.key,
        "error_type": args.error_type,
        "outcome": args.outcome,
        "tags": _tags(args.tag),
    }
    return to_filter(criteria, costs)


def no_match(args: argparse.Namespace) -> str:
    """Return the message for an empty result: no call matches, or, without filters, there is none yet."""
    return NOTHING_YET if call_filter(args, no_costs) == Filter() else "No calls match."


def value(argument: str) -> str:
    """Parse a value as the ledger stores it: truncated, and without invalid characters."""
    stored = text(argument)
    if stored is None:
        raise argparse.ArgumentTypeError(f"{argument!r} is empty. Write a value, or leave the option out.")
    return stored


def number_of(what: str, least: int = 1) -> Callable[[str], int]:
    """Return a parser for a number of something."""

    def parse(argument: str) -> int:
        if not argument.isascii() or not argument.isdigit() or int(argument) < least:
            raise argparse.ArgumentTypeError(f"{argument!r} is not a number of {what}. Write {least} or more.")
        return min(int(argument), _MAX_NUMBER)

    return parse


_MAX_NUMBER = 2**62
"""More than there can be of anything, and within SQLite's integers."""


def _when(argument: str) -> str:
    moment(argument)
    return argument


def _folder(argument: str) -> Path:
    if not argument.strip():
        raise argparse.ArgumentTypeError(f"{argument!r} is not a directory. Name one, or leave --home out.")
    return Path(argument)


def _tags(given: Sequence[tuple[str, str]]) -> dict[str, str]:
    tags = dict(given)
    if len(tags) < len(set(given)):
        raise ConfigurationError("--tag has two values for one key, and a call has at most one. Query each separately.")
    return tags


def _tag(argument: str) -> tuple[str, str]:
    key, equals, tag = argument.partition("=")
    if not key or not equals:
        raise argparse.ArgumentTypeError(f"{argument!r} is not a tag. Write KEY=VALUE, such as feature=search.")
    return value(key), value(tag)
