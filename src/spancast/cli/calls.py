"""`spancast calls`: every call, newest last."""

import argparse
import json
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from decimal import Decimal
from itertools import chain

from spancast.bookkeeping.book import MORE
from spancast.bookkeeping.calls import CallRow, calls
from spancast.cli import human
from spancast.cli.filters import add_filters, add_home, chosen, none_found
from spancast.cli.home import NOTHING_YET, ledger
from spancast.cli.table import Column, lines, terminal_width
from spancast.money import plain


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the verb."""
    parser.add_argument("--limit", type=_limit, metavar="N", help="only the newest N")
    parser.add_argument("--json", action="store_true", help="one JSON object a line, all values exact")
    add_filters(parser)
    add_home(parser)


def run(args: argparse.Namespace) -> int:
    """Print the calls."""
    with ledger(args) as book:
        if book is None:
            if not args.json:
                print(NOTHING_YET)
            return 0
        rows = calls(book, chosen(args), args.limit)
        if args.json:
            for row in rows:
                print(json.dumps(_json(row)))
        else:
            _print_table(rows, none_found(args))
    return 0


def _limit(text: str) -> int:
    if not text.isascii() or not text.isdigit() or int(text) == 0:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of calls. Write 1 or more.")
    return int(text)


def _json(row: CallRow) -> dict[str, object]:
    return {
        "call_id": row.call_id,
        "generation_id": row.generation_id,
        "response_id": row.response_id,
        "operation": row.operation,
        "request_model": row.request_model,
        "request_models": row.request_models,
        "response_model": row.response_model,
        "provider": row.provider,
        "server_address": row.server_address,
        "finish_reason": row.finish_reason,
        "native_finish_reason": row.native_finish_reason,
        "outcome": row.outcome,
        "http_status": row.http_status,
        "error_type": row.error_type,
        "error_message": row.error_message,
        "streamed": row.streamed,
        "input_tokens": row.input_tokens,
        "output_tokens": row.output_tokens,
        "cached_tokens": row.cached_tokens,
        "cache_write_tokens": row.cache_write_tokens,
        "reasoning_tokens": row.reasoning_tokens,
        "cost_usd": _amount(row.cost),
        "upstream_cost_usd": _amount(row.upstream_cost),
        "cost_source": row.cost_source,
        "spent_usd": _amount(row.spent),
        "is_byok": row.is_byok,
        "user": row.user,
        "session": row.session,
        "tags": row.tags,
        "started_at": _iso(row.started_at),
        "duration_s": _seconds(row.duration),
        "time_to_first_token_s": _seconds(row.time_to_first_token),
        "trace_id": row.trace_id,
        "span_id": row.span_id,
        "key_hash": row.key_hash,
        **{_MORE.get(name, name): row.more.get(name) for name in MORE},
    }


_MORE = {
    "upstream_input_cost": "upstream_input_cost_usd",
    "upstream_output_cost": "upstream_output_cost_usd",
    "server_tool_cost": "server_tool_cost_usd",
    "retry_after": "retry_after_s",
    "audio_seconds": "audio_s",
}
"""What has a unit is called by it."""


def _amount(cost: Decimal | None) -> str | None:
    return None if cost is None else plain(cost)


def _iso(nanoseconds: int) -> str:
    seconds, rest = divmod(nanoseconds, 10**9)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{rest // 1000:06d}Z"


def _seconds(nanoseconds: int | None) -> float | None:
    return None if nanoseconds is None else nanoseconds / 10**9


_COLUMNS = (
    Column("started (UTC)", rank=1),
    Column("operation", rank=5),
    Column("model"),
    Column("provider", rank=4),
    Column("user", rank=1),
    Column("outcome"),
    Column("finish", rank=7),
    Column("input", number=True, rank=3),
    Column("output", number=True, rank=3),
    Column("took", number=True, rank=2),
    Column("first token", number=True, rank=6),
    Column("cost", number=True),
)


def _print_table(rows: Iterator[CallRow], none_found: str) -> None:
    first = next(rows, None)
    if first is None:
        print(none_found)
        return
    total = _Total()
    for line in lines(_COLUMNS, total.counting(chain([first], rows)), terminal_width()):
        print(line)
    print(f"{human.calls(total.calls)}, {human.dollars(total.cost)}.")
    if total.unknown:
        print(f"{human.calls(total.unknown)} of unknown cost, which the sum leaves out.")
    if total.refused:
        print(human.refused(total.refused))


class _Total:
    """What a table that is printed as it is read adds up to."""

    def __init__(self) -> None:
        self.calls = 0
        self.unknown = 0
        self.refused = 0
        self.cost: Decimal | None = None

    def counting(self, rows: Iterable[CallRow]) -> Iterator[tuple[str, ...]]:
        for row in rows:
            self.calls += 1
            if row.refused:
                self.refused += 1
            elif row.cost is None:
                self.unknown += 1
            else:
                self.cost = (self.cost or Decimal()) + row.cost
            yield _cells(row)


def _cells(row: CallRow) -> tuple[str, ...]:
    return (
        human.time(row.started_at),
        row.operation,
        human.text(row.response_model or row.request_model),
        human.text(row.provider),
        human.text(row.user),
        row.outcome if row.error_type is None else row.error_type,
        human.text(row.finish_reason),
        human.count(row.input_tokens),
        human.count(row.output_tokens),
        human.span(row.duration),
        human.span(row.time_to_first_token),
        human.dollars(row.cost),
    )
