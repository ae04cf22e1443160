"""What exporters may ask of the contract itself."""

import time

from hypothesis import given
from hypothesis import strategies as st

from spancast.contract import conflicting

NAMES = st.sets(st.lists(st.sampled_from(["a", "b", "", "gen_ai"]), min_size=1, max_size=5).map(".".join), max_size=12)


def test_a_name_conflicts_with_the_names_below_it_and_with_no_other() -> None:
    assert conflicting(["a", "a.b", "a.b.c", "a.bc", "ab", "b.c", "b.d"]) == {"a", "a.b"}
    assert conflicting([]) == frozenset()


@given(NAMES)
def test_without_the_names_that_conflict_no_name_is_a_prefix_of_another(names: set[str]) -> None:
    found = conflicting(names)
    assert found == {name for name in names if any(other.startswith(f"{name}.") for other in names)}
    assert not conflicting(names - found)


def test_ten_thousand_names_and_very_deep_ones_take_no_time() -> None:
    names = [*(f"a.b{number}.c" for number in range(10_000)), ".".join("x" * 512)]
    began = time.thread_time()
    assert conflicting(names) == frozenset()
    assert time.thread_time() - began < 1.0
