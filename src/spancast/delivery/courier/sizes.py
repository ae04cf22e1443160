"""What a platform takes in one request, as far as it has shown: what was too large is not tried again as large."""

from spancast.contract import Span, Traits
from spancast.delivery.courier.batch import Item


class Sizes:
    """The sizes of one destination, learned while this process runs."""

    def __init__(self, traits: Traits) -> None:
        self._several = self._one = traits.max_bytes + 1
        """Bytes of the smallest request that was too large, of several spans and of one."""

    def too_large(self, size: int, spans: int) -> bool:
        """Whether a request of so many bytes need not be tried."""
        return size >= (self._one if spans == 1 else self._several)

    def refused(self, size: int, spans: int) -> None:
        """Learn that a request was too large."""
        if spans == 1:
            self._one = min(self._one, size)
        else:
            self._several = min(self._several, size)


def parts(items: list[Item]) -> list[list[Item]]:
    """Return the items in two groups, in order, that weigh as much alike as can be: one fat span soon stands alone."""
    weights = [weight(item.span) for item in items]
    half, cut, passed = sum(weights) / 2, 1, weights[0]
    while cut < len(items) - 1 and passed + weights[cut] / 2 <= half:
        passed += weights[cut]
        cut += 1
    return [items[:cut], items[cut:]]


def halves(items: list[Item]) -> list[list[Item]]:
    """Return the items in two groups of as many."""
    middle = len(items) // 2
    return [items[:middle], items[middle:]]


def weight(span: Span) -> int:
    """Return about how many bytes a span has."""
    texts = (*span.attributes.values(), *span.content.values())
    return _FRAME + len(span.name) + sum(len(text) for text in texts if isinstance(text, str))


_FRAME = 500
"""About the bytes of a span without its texts."""
