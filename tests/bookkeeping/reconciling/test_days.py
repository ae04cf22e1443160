from decimal import Decimal

import pytest

from spancast.bookkeeping.reconciling.days import DayTotals, day_of, read_activity
from spancast.errors import SpancastError
from tests.bookkeeping.reconciling.rows import AT, amount, row

DAY = 24 * 3600 * 10**9


def of_the_ledger(rows):
    tallies = {}
    for each in rows:
        tallies.setdefault(day_of(each), DayTotals()).add_call(each)
    return tallies


def activity(**known):
    given = {
        "date": "2026-11-26",
        "model": "m",
        "model_permaslug": "m-1",
        "provider_name": "p",
        "requests": 2,
        "usage": Decimal("0.002"),
        "byok_usage_inference": 0,
    }
    return given | known


def test_what_openrouter_says_and_what_the_ledger_has_agree_by_model_and_provider():
    calls = [row("0.0015", response_model="m-1", provider="p"), row("0.0005", response_model="m-1", provider="p")]
    told, own = read_activity([activity()]), of_the_ledger(calls)
    assert told.keys() == own.keys() == {"2026-11-26"}
    assert own["2026-11-26"].agrees(told["2026-11-26"])
    assert (own["2026-11-26"].calls, told["2026-11-26"].calls) == (2, 2)


def test_groups_that_only_add_up_together_do_not_agree():
    calls = [row("0.002", response_model="other", provider="p")]
    assert not of_the_ledger(calls)["2026-11-26"].agrees(read_activity([activity()])["2026-11-26"])


def test_what_providers_took_must_agree_too():
    calls = [row("0.002", response_model="m-1", provider="p", is_byok=True, upstream_cost=Decimal("0.04"))]
    own = of_the_ledger(calls)["2026-11-26"]
    assert not own.agrees(read_activity([activity()])["2026-11-26"])
    assert own.agrees(read_activity([activity(byok_usage_inference=Decimal("0.04"))])["2026-11-26"])


def test_calls_that_cost_nothing_make_no_difference():
    assert of_the_ledger([row("0", response_model="free")])["2026-11-26"].agrees(DayTotals())


def test_rows_of_several_endpoints_and_days_add_up():
    told = read_activity([activity(), activity(date="2026-11-26 00:00:00"), activity(date="2026-11-27")])
    assert {day: tally.total for day, tally in told.items()} == {
        "2026-11-26": amount("0.004"),
        "2026-11-27": amount("0.002"),
    }


def test_a_day_ends_at_midnight_utc():
    before = (AT // 86_400 + 1) * DAY - 1
    assert of_the_ledger([row(started_at=before), row(started_at=before + 1)]).keys() == {"2026-11-26", "2026-11-27"}


@pytest.mark.parametrize(
    ("call", "is_open"),
    [
        (row(), False),
        (row(None), True),
        (row("0.1", cost_source="prices"), True),
        (row(None, generation_id=None), False),
        (row(None, http_status=429), False),
    ],
)
def test_a_day_is_open_while_openrouter_may_state_a_cost_of_it(call, is_open):
    assert of_the_ledger([call])["2026-11-26"].is_open is is_open


@pytest.mark.parametrize(
    "wrong", [{"date": None}, {"date": "yesterday"}, {"date": "2026-02-30"}, {"usage": "much"}, {"usage": True}]
)
def test_a_row_that_says_no_day_or_no_dollars_is_an_error(wrong):
    with pytest.raises(SpancastError):
        read_activity([activity(**wrong)])
    with pytest.raises(SpancastError, match="has no usage"):
        read_activity([{name: value for name, value in activity().items() if name != "usage"}])
