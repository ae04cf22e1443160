"""`spancast prices`: what OpenRouter's models cost, as estimates use it."""

import argparse
from collections.abc import Iterator, Sequence
from contextlib import closing
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import msgspec

from spancast.base.suggest import did_you_mean
from spancast.base.units import NS_PER_SECOND
from spancast.bookkeeping import prices
from spancast.bookkeeping.prices import ListedModel, Prices
from spancast.bookkeeping.pricing import Override, Pricing, pricing
from spancast.cli.arguments.filters import add_home
from spancast.cli.output import human
from spancast.cli.output.table import Column, lines, terminal_width
from spancast.errors import SpancastError
from spancast.settings.resolve import home_in_force

DYNAMIC = "dynamic"
_MILLION = 10**6
_PER_MILLION = ("prompt", "completion", "input_cache_read", "input_cache_write", "internal_reasoning")
_EACH = ("request", "web_search")
_encode = msgspec.json.Encoder(decimal_format="number").encode


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the verb."""
    parser.add_argument("model", nargs="?", metavar="MODEL", help="a model, or a part of its name (default: all)")
    parser.add_argument("--json", action="store_true", help="one JSON object, prices as OpenRouter writes them")
    parser.add_argument("--refresh", action="store_true", help="fetch the prices again")
    add_home(parser)


def run(args: argparse.Namespace) -> int:
    """Print the prices."""
    known = _prices(args.home or home_in_force(), refresh=args.refresh)
    models = known.models if args.model is None else _matching(known, args.model)
    if args.json:
        print(_json(known, models))
        return 0
    for line in lines(_COLUMNS, map(_cells, models), terminal_width()):
        print(line)
    fetched = human.time(round(known.fetched_at * NS_PER_SECOND))
    print(f"US dollars a million tokens, a request, a search; fetched {fetched} UTC.")
    return 0


def _prices(home: Path, *, refresh: bool) -> Prices:
    from spancast.bookkeeping.late_costs.estimator import fetch  # noqa: PLC0415 - the same
    from spancast.delivery.http.wire import Wire  # noqa: PLC0415 - only where something is sent

    kept = None if refresh else prices.load(home)
    if kept is not None:
        return kept
    with closing(Wire()) as connection:
        found = fetch(connection)
    prices.save(home, found)
    return found


def _matching(known: Prices, wanted: str) -> Sequence[ListedModel]:
    exact = known.find(wanted)
    found = [model for model in known.models if wanted.lower() in model.id.lower()] if exact is None else [exact]
    if not found:
        similar = did_you_mean(wanted, [model.id for model in known.models])
        cure = similar or "spancast prices lists them all; --refresh fetches them again."
        raise SpancastError(f"OpenRouter lists no model {wanted!r}. {cure}")
    return found


def _json(known: Prices, models: Sequence[ListedModel]) -> str:
    found = {
        "fetched_at": datetime.fromtimestamp(known.fetched_at, UTC).isoformat(timespec="seconds"),
        "age_s": round(known.age, 3),
        "models": [
            {
                "id": model.id,
                "canonical_slug": model.canonical_slug,
                "alias_of": model.alias_of,
                "pricing": model.pricing,
            }
            for model in models
        ],
    }
    return _encode(found).decode()


_COLUMNS = (
    Column("model"),
    Column("input", number=True),
    Column("output", number=True),
    Column("cache read", number=True, rank=2),
    Column("cache write", number=True, rank=3),
    Column("reasoning", number=True, rank=5),
    Column("request", number=True, rank=4),
    Column("search", number=True, rank=4),
    Column("varies", rank=1),
)


def _cells(model: ListedModel) -> tuple[str, ...]:
    read = pricing(model.pricing)
    tokens = (_cell(read, name, _MILLION) for name in _PER_MILLION)
    return (model.id, *tokens, *(_cell(read, name, 1) for name in _EACH), "; ".join(_variations(model, read)))


def _cell(read: Pricing, name: str, times: int) -> str:
    rate = read.base.get(name)
    return DYNAMIC if rate is not None and rate < 0 else human.dollars(None if rate is None else rate * times)


def _variations(model: ListedModel, read: Pricing) -> Iterator[str]:
    if model.alias_of is not None:
        yield f"alias of {model.alias_of}"
    if read.discount:
        yield f"{read.discount * 100:f} % off"
    yield from map(_condition, read.overrides)


def _condition(override: Override) -> str:
    above = "" if override.above is None else f"above {override.above:,f} tokens"
    always = (override.start, override.end) == _ALL_DAY
    window = "" if always else f"{_clock(override.start)}-{_clock(override.end)} UTC"
    days = "" if override.days is None else "on " + ", ".join(sorted(override.days))
    unclear = "" if override.is_understood else "on an unknown condition"
    return " ".join(part for part in (above, window, days, unclear) if part)


_ALL_DAY = (Decimal(0), Decimal(2400))


def _clock(number: Decimal) -> str:
    hours, minutes = divmod(int(number), 100)
    return f"{hours:02d}:{minutes:02d}"
