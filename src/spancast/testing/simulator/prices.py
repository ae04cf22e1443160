"""The prices of a model."""

from decimal import Decimal

import msgspec


class Prices(msgspec.Struct, frozen=True):
    """USD per token, unless stated otherwise."""

    prompt: Decimal
    completion: Decimal
    cache_read: Decimal | None = None
    """`None`: the model does not read from a cache."""
    cache_write: Decimal | None = None
    """`None`: cache writes cost the prompt price and are not counted."""
    cache_write_1h: Decimal | None = None
    """`None`: the model has no one-hour cache."""
    image: Decimal = Decimal()
    """Per token of a generated image."""
    unit: Decimal = Decimal()
    """USD per unit other than a token: a character of speech, a second of audio or video, a search."""


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
