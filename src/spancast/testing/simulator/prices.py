"""What a model costs."""

from decimal import Decimal

import msgspec


class Prices(msgspec.Struct, frozen=True):
    """USD a token, unless said otherwise."""

    prompt: Decimal
    completion: Decimal
    cache_read: Decimal | None = None
    """`None`: nothing is read from a cache."""
    cache_write: Decimal | None = None
    """`None`: writing to the cache costs what the prompt costs, and is not counted."""
    cache_write_1h: Decimal | None = None
    """`None`: no prompt stays in the cache for longer than any other."""
    image: Decimal = Decimal()
    """Of an image that the model makes."""
    unit: Decimal = Decimal()
    """Of what the model is priced by beside tokens: a character to speak, a second to hear or film, a search."""


def usd(prompt: str = "0", completion: str = "0", **more: str) -> Prices:
    """Return prices written as decimals."""
    return Prices(Decimal(prompt), Decimal(completion), **{name: Decimal(price) for name, price in more.items()})


def times(prices: Prices, factor: Decimal) -> Prices:
    """Return all prices multiplied."""
    stated: dict[str, Decimal | None] = msgspec.structs.asdict(prices)
    return msgspec.structs.replace(
        prices, **{name: price * factor for name, price in stated.items() if price is not None}
    )


FREE = usd()
