"""Row 47: every record is accounted for at every instant, whatever happens to it."""

import time
from contextlib import closing
from decimal import Decimal

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from spancast.contract import Traits
from spancast.delivery.outbox.ack import AMBIGUOUS, Ack, Open, RecordWait
from spancast.delivery.outbox.limits import Limits
from spancast.delivery.outbox.outbox import Outbox
from spancast.records.content import Content
from spancast.records.late import LateFacts
from spancast_exporters.otlp import Otlp
from tests.support.calls import a_call
from tests.support.faults import modes
from tests.support.faults.clock import Clocks
from tests.support.faults.desk import Desk, assert_adds_up
from tests.support.plain import Plain
from tests.support.waiting import eventually

DAY = 86_400.0
NAMES = ("one", "two", "three")
LONG = "w" * 20_000


class Books(RuleBasedStateMachine):
    """An outbox that is given anything, in any order, by any number of processes."""

    @initialize()
    def begin(self) -> None:
        self.patch = pytest.MonkeyPatch()
        self.clocks = Clocks(self.patch)
        self.folder = self.home()
        self.outbox = Outbox(self.folder, Limits(1_000_000, age=30 * DAY, retention=7 * DAY))
        self.calls: list = []
        self.number = 0

    def home(self):
        import tempfile  # noqa: PLC0415 - Hypothesis gives a machine no fixture
        from pathlib import Path  # noqa: PLC0415 - the same

        return Path(tempfile.mkdtemp(dir=type(self).base))

    def apply(self, *records) -> None:
        self.number += 1
        self.outbox.apply("writer-000001.seg", self.number, records)

    @rule(count=st.integers(1, 40), names=st.sets(st.sampled_from(NAMES), min_size=1), words=st.booleans())
    def record(self, count, names, words) -> None:
        calls = [a_call(destinations=tuple(sorted(names)), content=words, generation_id="g") for _ in range(count)]
        self.calls += calls
        self.apply(*calls, *(Content(call_id=call.call_id, input_messages=LONG) for call in calls if words))

    @precondition(lambda self: self.calls)
    @rule(which=st.integers(0, 10_000), cost=st.integers(1, 9))
    def cost_comes(self, which, cost) -> None:
        call = self.calls[which % len(self.calls)]
        self.apply(LateFacts(at=time.time_ns(), source="generation", call_id=call.call_id, cost=Decimal(cost)))

    @precondition(lambda self: self.calls)
    @rule(which=st.integers(0, 10_000))
    def again(self, which) -> None:
        self.apply(self.calls[which % len(self.calls)])

    @rule(
        name=st.sampled_from(NAMES),
        limit=st.integers(1, 30),
        fates=st.lists(st.integers(0, 6), min_size=30, max_size=30),
        meanwhile=st.sampled_from([0.0, 0.0, 8.0, 31.0]),
    )
    def serve(self, name, limit, fates, meanwhile) -> None:
        waiting = self.outbox.take(name, limit)
        if meanwhile:
            self.time_passes(meanwhile)
        fated = list(zip((each.seq for each in waiting), fates, strict=False))
        kinds = [[seq for seq, fate in fated if fate == kind] for kind in range(7)]
        delivered, skipped, expired, dead, ambiguous, held, left = kinds
        self.outbox.ack(
            name,
            Ack(
                cursor=max((each.seq for each in waiting if not each.excepted), default=0),
                delivered=delivered,
                opened={each.seq: Open("update", each.call) for each in waiting if each.seq in delivered[:2]},
                skipped=dict.fromkeys(skipped, "sampled out"),
                expired=dict.fromkeys(expired, "too old"),
                dead=dict.fromkeys(dead, "HTTP 400") | dict.fromkeys(ambiguous, AMBIGUOUS),
                held={seq: RecordWait(time.time() + 30, "words expected") for seq in held},
                waiting=dict.fromkeys(left, "HTTP 503"),
            ),
        )

    @rule(name=st.sampled_from(NAMES), hours=st.integers(0, 900), ambiguous=st.booleans())
    def replay(self, name, hours, ambiguous) -> None:
        self.outbox.replay(name, time.time_ns() - hours * 3600 * 10**9, ambiguous=ambiguous)

    @rule(days=st.sampled_from([0.1, 1, 8, 31]))
    def time_passes(self, days) -> None:
        self.clocks.passed += days * DAY
        self.outbox.prune()

    @invariant()
    def adds_up(self) -> None:
        if hasattr(self, "outbox"):
            standings = self.outbox.standings()
            assert_adds_up(standings)
            assert all(standing.shed_usd >= 0 for standing in standings)

    def teardown(self) -> None:
        if hasattr(self, "outbox"):
            self.outbox.close()
            self.patch.undo()


@pytest.mark.parametrize(("examples", "steps"), [(12, 25), pytest.param(300, 60, marks=pytest.mark.slow)])
@pytest.mark.timeout(600)
def test_the_books_add_up_after_every_step(tmp_path, examples, steps):
    machine = type("Books", (Books,), {"base": tmp_path}).TestCase
    machine.settings = settings(max_examples=examples, stateful_step_count=steps, deadline=None, database=None)
    machine().runTest()


def test_the_books_add_up_at_every_instant_while_everybody_is_at_it(tmp_path, impatient):
    home = tmp_path / "busy"
    with closing(Desk(home, Limits(1_500_000, age=30 * DAY, retention=7 * DAY))) as desk:
        collectors = {
            "one": desk.collector(modes.flapping(modes.healthy, modes.status(503), modes.reset_after)),
            "two": desk.collector(modes.flapping(modes.healthy, modes.status(400), modes.status(413))),
        }
        couriers = [
            desk.start(desk.courier(Otlp(endpoint=collectors["one"].url), name="one")),
            desk.start(desk.courier(Plain(url=collectors["two"].url, traits=Traits(resend="duplicates")), name="two")),
        ]
        other = Outbox(home, Limits(1_500_000, age=30 * DAY, retention=7 * DAY))
        with closing(other):
            for number in range(12):
                desk.put(10, content="w" * 10_000, destinations=("one", "two", "three"))
                for courier in couriers:
                    courier.wake()
                if number % 4 == 0:
                    other.replay("two", 0, ambiguous=True)
                assert_adds_up(other.standings())
        for collector in collectors.values():
            collector.mode = modes.healthy
        for name in collectors:
            eventually(lambda name=name: desk.standing(name).waiting == 0, 60)
        assert desk.standing("three").captured == 120
