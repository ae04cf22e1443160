"""The arguments that every reporting verb shares: which ledger, which calls."""

import argparse
from pathlib import Path
from typing import get_args

from spancast.bookkeeping.filter import Filter
from spancast.call import Outcome
from spancast.cli.home import NOTHING_YET
from spancast.cli.when import moment


def add_home(parser: argparse.ArgumentParser) -> None:
    """Add `--home`."""
    parser.add_argument("--home", type=_folder, metavar="PATH", help="the ledger's directory (default: SPANCAST_HOME)")


def add_filters(parser: argparse.ArgumentParser) -> None:
    """Add the arguments that say which calls are meant."""
    group = parser.add_argument_group("which calls")
    group.add_argument(
        "--since", type=moment, metavar="WHEN", help="from then on: 30m, 24h, 7d, today, 2026-11-01, ..."
    )
    group.add_argument("--until", type=moment, metavar="WHEN", help="before then, exclusively")
    group.add_argument("--user")
    group.add_argument("--session")
    group.add_argument("--model", help="the model that answered, or the one asked for")
    group.add_argument("--provider")
    group.add_argument("--operation", help="chat, responses, embeddings, ...")
    group.add_argument("--app", help="the service.name of the program")
    group.add_argument("--outcome", choices=get_args(Outcome))
    group.add_argument("--tag", type=_tag, action="append", default=[], metavar="KEY=VALUE", help="may be repeated")


def chosen(args: argparse.Namespace) -> Filter:
    """Return the filter that the arguments mean."""
    return Filter(
        since=args.since,
        until=args.until,
        user=args.user,
        session=args.session,
        model=args.model,
        provider=args.provider,
        operation=args.operation,
        app=args.app,
        outcome=args.outcome,
        tags=dict(args.tag),
    )


def none_found(args: argparse.Namespace) -> str:
    """Return what to say where there is no call: that none is as was asked, or that none was made yet."""
    return NOTHING_YET if chosen(args) == Filter() else "No calls match."


def _folder(text: str) -> Path:
    if not text.strip():
        raise argparse.ArgumentTypeError(f"{text!r} is no directory. Name one, or leave --home out.")
    return Path(text)


def _tag(text: str) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    if not key or not equals:
        raise argparse.ArgumentTypeError(f"{text!r} is no tag. Write KEY=VALUE, such as feature=search.")
    return key, value
