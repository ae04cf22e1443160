"""The arguments that every reporting verb shares: which ledger, which calls."""

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import get_args

from spancast.bookkeeping.answers.filter import Filter
from spancast.capture.values import text
from spancast.chosen import Chosen, Source, meant, nothing
from spancast.cli.arguments.when import moment
from spancast.cli.home import NOTHING_YET
from spancast.errors import ConfigurationError
from spancast.records.call import Outcome


def add_home(parser: argparse.ArgumentParser) -> None:
    """Add `--home`."""
    parser.add_argument("--home", type=_folder, metavar="PATH", help="the ledger's directory (default: SPANCAST_HOME)")


def add_filters(parser: argparse.ArgumentParser) -> None:
    """Add the arguments that say which calls are meant."""
    group = parser.add_argument_group("which calls")
    add_times(group)
    group.add_argument("--user", type=value, help=f"{USER}")
    group.add_argument("--session", type=value)
    group.add_argument("--model", type=value, help="the model that answered, or the one asked for")
    group.add_argument("--requested-model", "--requested_model", type=value, metavar="MODEL", help="the one asked for")
    group.add_argument("--provider", type=value)
    group.add_argument("--operation", type=value, help="chat, responses, embeddings, ...")
    group.add_argument("--app", type=value, help="the service.name of the program")
    group.add_argument("--key", type=value, metavar="KEY", help="the hash of the API key, its beginning, or its name")
    group.add_argument("--error-type", "--error_type", type=value, metavar="TYPE", help="what a failed call failed of")
    group.add_argument("--outcome", choices=get_args(Outcome))
    group.add_argument("--tag", type=_tag, action="append", default=[], metavar="KEY=VALUE", help="may be repeated")


USER = "by name, also where the setting user_hash has pseudonyms written; or by the pseudonym"
"""How a user is named."""


def add_times(group: argparse._ActionsContainer) -> None:
    """Add `--since` and `--until`."""
    group.add_argument("--since", type=_when, metavar="WHEN", help="from then on: 30m, 24h, 7d, today, 2026-11-01, ...")
    group.add_argument("--until", type=_when, metavar="WHEN", help="before then, exclusively")


def chosen(args: argparse.Namespace, costs: Source) -> Filter:
    """Return the filter that the arguments mean now: `7d` is later each time.

    `costs` are asked which keys there are. Raises `ConfigurationError` for the beginning of several.
    """
    said: Chosen = {
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
    return meant(said, costs)


def none_found(args: argparse.Namespace) -> str:
    """Return what to say where there is no call: that none is as was asked, or that none was made yet."""
    return NOTHING_YET if chosen(args, nothing) == Filter() else "No calls match."


def value(seen: str) -> str:
    """Return what is written on the command line as the ledger would hold it: cut, and of characters that there are."""
    found = text(seen)
    if found is None:
        raise argparse.ArgumentTypeError(f"{seen!r} is nothing to look for. Write a value, or leave the option out.")
    return found


def how_many(of: str, least: int = 1) -> Callable[[str], int]:
    """Return what reads a number of something from the command line."""

    def read(seen: str) -> int:
        if not seen.isascii() or not seen.isdigit() or int(seen) < least:
            raise argparse.ArgumentTypeError(f"{seen!r} is no number of {of}. Write {least} or more.")
        return min(int(seen), _MOST)

    return read


_MOST = 2**62
"""More than there can be of anything, and what a database can be asked for."""


def _when(seen: str) -> str:
    moment(seen)
    return seen


def _folder(seen: str) -> Path:
    if not seen.strip():
        raise argparse.ArgumentTypeError(f"{seen!r} is no directory. Name one, or leave --home out.")
    return Path(seen)


def _tags(given: Sequence[tuple[str, str]]) -> dict[str, str]:
    tags = dict(given)
    if len(tags) < len(set(given)):
        raise ConfigurationError("--tag names one key with two values, and a call has one at most. Ask for each alone.")
    return tags


def _tag(seen: str) -> tuple[str, str]:
    key, equals, wanted = seen.partition("=")
    if not key or not equals:
        raise argparse.ArgumentTypeError(f"{seen!r} is no tag. Write KEY=VALUE, such as feature=search.")
    return value(key), value(wanted)
