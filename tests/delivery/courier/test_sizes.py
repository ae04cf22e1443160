"""What a platform takes in one request, and how spans are taken apart for it."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from spancast.contract import Traits
from spancast.delivery.courier.batch import Item
from spancast.delivery.courier.sizes import Sizes, parts
from tests.support.calls import a_call, to_span


def items(*weights: int) -> list[Item]:
    span = to_span(a_call())
    return [Item(seq, replace(span, content={"words": "w" * weight})) for seq, weight in enumerate(weights)]


def seqs(groups: list[list[Item]]) -> list[list[int]]:
    return [[item.seq for item in group] for group in groups]


def test_nothing_is_too_large_at_first_but_what_the_platform_says():
    sizes = Sizes(Traits(max_bytes=100))
    assert [sizes.too_large(size, spans) for size in (100, 101) for spans in (1, 2)] == [False, False, True, True]


def test_what_was_too_large_for_several_spans_is_not_taken_for_too_large_for_one():
    sizes = Sizes(Traits())
    sizes.refused(50, 2)
    assert [sizes.too_large(size, 2) for size in (49, 50)] == [False, True]
    assert not sizes.too_large(50, 1)
    sizes.refused(70, 1)
    assert [sizes.too_large(size, 1) for size in (69, 70)] == [False, True]


def test_a_larger_refusal_teaches_nothing():
    sizes = Sizes(Traits())
    sizes.refused(50, 2)
    sizes.refused(80, 2)
    assert sizes.too_large(50, 2)


def test_spans_alike_are_halved():
    assert seqs(parts(items(0, 0, 0, 0))) == [[0, 1], [2, 3]]


def test_a_fat_span_stands_at_an_edge_and_then_alone():
    first, second = parts(items(0, 0, 99_999, 0, 0, 0, 0, 0))
    assert seqs([first, second]) == [[0, 1, 2], [3, 4, 5, 6, 7]]
    assert seqs(parts(first)) == [[0, 1], [2]]


@given(weights=st.lists(st.integers(0, 10_000), min_size=2, max_size=40))
def test_both_parts_hold_something_and_all_of_it_in_order(weights):
    first, second = seqs(parts(items(*weights)))
    assert (bool(first), bool(second), first + second) == (True, True, [*range(len(weights))])
