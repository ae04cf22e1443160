"""How answers that leave something out are asked for in smaller pieces, until they do not."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spancast.bookkeeping.reconciling.account import Page
from spancast.bookkeeping.reconciling.billed import Billed
from spancast.bookkeeping.reconciling.generations import complete
from spancast.bookkeeping.reconciling.period import Period
from spancast.errors import SpancastError
from tests.bookkeeping.reconciling.rows import amount

DAY = datetime(2026, 11, 26, tzinfo=UTC)
SPAN = Period(DAY, DAY + timedelta(days=1))
KEYS = ["one", "two"]


class Analytics:
    """Tells at most so many of its generations, each a second of the day and a key."""

    def __init__(self, generations, rows):
        self.generations = generations
        self.rows = rows
        self.asked = 0

    def ask(self, period, keys):
        self.asked += 1
        found = [
            {"generation_id": str(number)}
            for number, (second, key) in enumerate(self.generations)
            if DAY + timedelta(seconds=second) in period and (keys is None or key in keys)
        ]
        return Page(found[: self.rows], len(found) > self.rows)


def ids(analytics, keys=KEYS):
    return sorted(row["generation_id"] for _, _, rows in complete(analytics.ask, SPAN, keys) for row in rows)


@given(st.sets(st.tuples(st.integers(0, 86_399), st.sampled_from(KEYS)), max_size=60), st.integers(1, 5))
def test_every_generation_is_told_once(generations, rows):
    analytics = Analytics(sorted(generations), rows)
    assert ids(analytics) == sorted(map(str, range(len(generations))))


def test_a_day_that_fits_is_one_question():
    analytics = Analytics([(second, "one") for second in range(1000)], 1000)
    assert len(ids(analytics)) == 1000
    assert analytics.asked == 1


def test_a_day_slightly_too_large_is_three():
    analytics = Analytics([(second * 80, "one") for second in range(1000)], 600)
    ids(analytics)
    assert analytics.asked == 3


def test_what_one_second_of_all_keys_leaves_out_is_told_key_by_key():
    assert len(ids(Analytics([(7, "one"), (7, "two")], 1))) == 2


@pytest.mark.parametrize("keys", [None, ["one"]])
def test_what_cannot_be_had_in_smaller_pieces_is_an_error(keys):
    with pytest.raises(SpancastError, match="list of the generations of 2026-11-26 00:00:07 is truncated"):
        ids(Analytics([(7, "one"), (7, "one")], 1), keys)


@pytest.mark.parametrize(
    ("generation_id", "at"),
    [
        ("gen-1795694400-abcdefghij0123456789", datetime(2026, 11, 26, 12, tzinfo=UTC)),
        ("gen-emb-1795694400-abcdefghij0123456789", datetime(2026, 11, 26, 12, tzinfo=UTC)),
        ("resp_abc", None),
    ],
)
def test_a_generation_tells_by_its_id_when_it_began(generation_id, at):
    assert Billed(generation_id=generation_id, amount=amount("0"), is_byok=False).at == at
