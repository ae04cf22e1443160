from datetime import UTC, datetime
from decimal import Decimal

import pytest

from spancast.bookkeeping.reconciling.amount import NOTHING
from spancast.bookkeeping.reconciling.comparison import compare
from spancast.bookkeeping.reconciling.filling import filling
from spancast.bookkeeping.reconciling.why import SETTLING, Scope, why
from tests.bookkeeping.reconciling.rows import AT, amount, bill, row

LATER = datetime.fromtimestamp(AT, UTC) + SETTLING * 2
SCOPE = Scope(server="openrouter.ai", keys=frozenset({"own"}), now=LATER)


def compared(rows, bills, adjustments=None, scope=SCOPE):
    return compare(rows, lambda _: True, bills, adjustments or {}, scope)


def test_a_call_and_its_bill_are_matched_by_the_generation_id():
    one, other = row("0.001"), row("0.002")
    found = compared([one, other], [bill(other.generation_id, "0.00200"), bill(one.generation_id)])
    assert [each.call_id for each in found.matched] == [other.call_id, one.call_id]
    assert (found.parts, found.ledger, found.adjusted) == ((), amount("0.003"), NOTHING)


def test_the_noise_of_doubles_is_no_difference():
    one = row("0.0076509169")
    assert len(compared([one], [bill(one.generation_id, "0.0076509169000000005")]).matched) == 1


@pytest.mark.parametrize(
    ("call", "billed", "reason", "delta"),
    [
        (row("0.001"), ("0.002",), "amount", amount("0.001")),
        (row("0.002"), ("0.001",), "amount", amount("-0.001")),
        (row(None), ("0.001",), "unknown", amount("0.001")),
        (row("0.001", cost_source="prices"), ("0.002",), "estimated", amount("0.001")),
        (row("0.001"), ("0.001", "0.02"), "amount", amount("0", "0.02")),
        (row("0.001", is_byok=True), ("0.001", "0.02"), "unknown", amount("0", "0.02")),
    ],
)
def test_what_differs_is_told_with_both_amounts(call, billed, reason, delta):
    found = compared([call], [bill(call.generation_id, *billed)])
    (different,) = found.different
    assert (different.reason, different.delta, different.is_explained) == (reason, delta, False)
    assert (found.matched, found.ours_only, found.theirs_only) == ((), (), ())


def test_what_was_put_right_is_explained():
    one = row("0.001")
    (different,) = compared([one], [bill(one.generation_id, "0.003")], {one.generation_id: amount("0.002")}).different
    assert different.is_explained
    assert different.adjusted == amount("0.002")


def test_what_was_put_right_in_vain_is_told():
    one = row("0.001")
    (different,) = compared([one], [bill(one.generation_id)], {one.generation_id: amount("-0.001")}).different
    assert (different.delta, different.is_explained) == (amount("0.001"), False)


def test_two_calls_of_one_generation_are_held_against_one_bill():
    first = row("0.001")
    second = row("0.001", generation_id=first.generation_id)
    (different,) = compared([first, second], [bill(first.generation_id)]).different
    assert (different.reason, different.delta) == ("booked twice", amount("-0.001"))
    both = compared([first, second], [bill(first.generation_id, "0.002")])
    assert (len(both.matched), both.parts) == (1, ())


REASONS = [
    (row("0.1", server_address="gateway.local"), "another server", True),
    (row("0.1", server_address="eu.openrouter.ai"), "not billed", False),
    (row("0.1", key_hash="foreign"), "another account", True),
    (row("0.1", key_hash=None), "not billed", False),
    (row("0"), "free", True),
    (row("0", upstream_cost=Decimal(1), is_byok=True), "not billed", False),
    (row("0.1", started_at=int(LATER.timestamp()) * 10**9), "too recent", False),
    (row(None, started_at=int(LATER.timestamp()) * 10**9), "too recent", False),
    (row("0.1", generation_id=None), "no generation id", False),
    (row("0.1"), "not billed", False),
    (row(None, http_status=429, outcome="error"), "failed", True),
    (row(None, outcome="error"), "failed", True),
    (row(None, outcome="killed"), "killed", True),
    *((row(None, outcome=outcome), "cancelled", True) for outcome in ("closed", "cancelled", "abandoned")),
    (row(None), "not billed", True),
    (row(None, operation="video", generation_id=None), "not finished", False),
]


@pytest.mark.parametrize(("call", "reason", "is_explained"), REASONS)
def test_why_a_call_is_not_billed(call, reason, is_explained):
    assert why(call, SCOPE) == reason
    (alone,) = compared([call], []).ours_only
    assert (alone.why, alone.is_explained) == (reason, is_explained)


def test_what_is_outside_does_not_count():
    own, foreign = row("0.1"), row("0.2", key_hash="foreign")
    assert compared([own, foreign], []).ledger == amount("0.1")


def test_a_bill_of_a_call_outside_is_matched_all_the_same():
    foreign = row("0.001", server_address="gateway.local", key_hash="foreign")
    found = compared([foreign], [bill(foreign.generation_id)])
    assert (len(found.matched), found.ledger) == (1, amount("0.001"))


def test_a_call_that_is_not_meant_may_have_a_bill_and_needs_none():
    early, other = row(), row()
    found = compare([early, other], lambda _: False, [bill(early.generation_id)], {}, SCOPE)
    assert ([each.call_id for each in found.matched], found.parts) == ([early.call_id], ())


def test_a_bill_without_a_call_is_theirs():
    (theirs,) = compared([], [bill("gen-1", "0.5")], {"gen-1": amount("0.2")}).theirs_only
    assert (theirs.delta, theirs.is_explained) == (amount("0.3"), False)
    assert compared([], [bill("gen-1", "0")]).theirs_only[0].is_explained


def test_batches_are_held_against_all_their_bills_together():
    jobs = [row("0.3", operation="batch", generation_id=None), row("0.1", operation="batch", generation_id=None)]
    bills = [bill(f"gen-batch-{AT}-{number}", "0.1") for number in range(4)]
    found = compared(jobs, bills)
    assert ([each.call_id for each in found.matched], found.parts) == ([None] * 4, ())
    assert found.ledger == amount("0.4")
    short = compared(jobs, bills[:3])
    assert (len(short.ours_only), len(short.theirs_only), short.ledger) == (2, 3, amount("0.4"))


def test_an_unknown_cost_is_said_and_another_is_noted():
    unknown, wrong, alone, recent = (
        row(None, outcome="closed"),
        row("0.001"),
        row("0.1"),
        row("0.1", started_at=int(LATER.timestamp()) * 10**9),
    )
    bills = [
        bill(unknown.generation_id, "0.5", provider="Azure", output_tokens=7),
        bill(wrong.generation_id, "0.003"),
        bill("gen-theirs", "0.7", app="Cron"),
    ]
    wanted = filling(compared([unknown, wrong, alone, recent], bills))
    (late,) = wanted.late_facts
    assert (late.call_id, late.cost, late.source) == (unknown.call_id, Decimal("0.5"), "analytics")
    assert (late.provider, late.output_tokens, late.is_byok, late.upstream_cost) == ("Azure", 7, False, None)
    assert [(each.kind, each.call_id, each.delta, each.booked, each.billed) for each in wanted.adjustments] == [
        ("different", wrong.call_id, amount("0.002"), Decimal("0.001"), Decimal("0.003")),
        ("theirs_only", None, amount("0.7"), None, Decimal("0.7")),
        ("ours_only", alone.call_id, amount("-0.1"), Decimal("0.1"), Decimal(0)),
    ]


def test_what_was_put_right_in_part_is_put_right_for_the_rest():
    one, alone = row("0.001"), row("0.1")
    adjusted = {one.generation_id: amount("0.0005"), alone.generation_id: amount("-0.04"), "gen-1": amount("0.2")}
    wanted = filling(compared([one, alone], [bill(one.generation_id, "0.003"), bill("gen-1", "0.5")], adjusted))
    assert [(each.kind, each.delta) for each in wanted.adjustments] == [
        ("different", amount("0.0015")),
        ("theirs_only", amount("0.3")),
        ("ours_only", amount("-0.06")),
    ]


def test_what_cannot_be_filled_in_is_noted_beside():
    """The ledger knows that the account's own keys did not pay; that stands, and the difference is noted."""
    one = row(None, is_byok=False)
    wanted = filling(compared([one], [bill(one.generation_id, "0.1", "2")]))
    assert [late.cost for late in wanted.late_facts] == [Decimal("0.1")]
    assert [each.delta for each in wanted.adjustments] == [amount("0", "2")]


def test_a_providers_own_bill_that_is_unknown_is_filled_in():
    one = row("0.1", is_byok=None)
    (late,) = filling(compared([one], [bill(one.generation_id, "0.1", "2")])).late_facts
    assert (late.upstream_cost, late.is_byok) == (Decimal(2), True)


def test_an_estimate_gives_way_to_the_bill():
    one = row("0.1", cost_source="prices")
    wanted = filling(compared([one], [bill(one.generation_id, "0.2")]))
    assert ([late.cost for late in wanted.late_facts], wanted.adjustments) == ([Decimal("0.2")], ())


def test_where_all_matches_there_is_nothing_to_add():
    one = row()
    assert not filling(compared([one], [bill(one.generation_id)]))
