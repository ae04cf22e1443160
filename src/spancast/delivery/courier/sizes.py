"""How much a platform accepts in one request, learned from its refusals."""

from spancast.contract import Span, Traits
from spancast.delivery.courier.batch import Item


class Sizes:
    """The limits of one destination, known to this process."""

    def __init__(self, traits: Traits) -> None:
        self._several = self._one = traits.max_bytes + 1
        """Bytes of the smallest request that was refused, with several spans and with one."""

    def too_large(self, size: int, spans: int) -> bool:
        """Whether a request of so many bytes would be refused, and need not be tried."""
        return size >= (self._one if spans == 1 else self._several)

    def refused(self, size: int, spans: int) -> None:
        """Note that a request was refused as too large."""
        if spans == 1:
            self._one = min(self._one, size)
        else:
            self._several = min(self._several, size)


def parts(items: list[Item]) -> list[list[Item]]:
    """Split the items in two, in order, as evenly by weight as possible, so that one large span is soon alone."""
    weights = [weight(item.span) for item in items]
    half, cut, passed = sum(weights) / 2, 1, weights[0]
    while cut < len(items) - 1 and passed + weights[cut] / 2 <= half:
        passed += weights[cut]
        cut += 1
    return [items[:cut], items[cut:]]


def halves(items: list[Item]) -> list[list[Item]]:
    """Split the items in two groups of equal count."""
    middle = len(items) // 2
    return [items[:middle], items[middle:]]


def weight(span: Span) -> int:
    """Return the approximate size of a span in bytes."""
    texts = (*span.attributes.values(), *span.content.values())
    return _BASE_BYTES + len(span.name) + sum(len(text) for text in texts if isinstance(text, str))


_BASE_BYTES = 500
"""The approximate size of a span without its texts."""
