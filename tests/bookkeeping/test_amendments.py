"""A row is filled by a late word exactly as the record is, whatever comes first, and however often."""

from contextlib import closing
from decimal import Decimal

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spancast.base.store import Store
from spancast.bookkeeping.answers.calls import calls
from spancast.bookkeeping.answers.filter import Filter
from spancast.bookkeeping.book import MIGRATIONS, Book
from spancast.records.late import LateFacts, filled
from tests.bookkeeping.records import call

SEGMENT = "writer-000001.seg"
SAME = (
    "generation_id",
    "provider",
    "response_model",
    "error_type",
    "input_tokens",
    "output_tokens",
    "cached_tokens",
    "cache_write_tokens",
    "reasoning_tokens",
    "cost",
    "cost_source",
    "upstream_cost",
    "is_byok",
)


@pytest.fixture
def book(tmp_path):
    with closing(Book(tmp_path)) as opened:
        yield opened


def only(book):
    (row,) = calls(book, Filter())
    return row


def bill(**facts) -> LateFacts:
    return LateFacts(**{"at": 1, "source": "response", "job_id": "job-1", "cost": Decimal("0.050"), **facts})


def video(**facts):
    return call(**{"operation": "video", "response_id": "job-1", "status": "pending", **facts})


def maybe(values):
    return st.none() | values


costs = st.sampled_from([Decimal(0), Decimal("0.0000120"), Decimal(3)])
counts = st.integers(0, 9)
facts = {
    "provider": maybe(st.sampled_from(["Azure", "OpenAI"])),
    "generation_id": maybe(st.sampled_from(["gen-1", "gen-2"])),
    "response_model": maybe(st.just("m")),
    "error_type": maybe(st.just("failed")),
    "input_tokens": maybe(counts),
    "output_tokens": maybe(counts),
    "reasoning_tokens": maybe(counts),
    "cost": maybe(costs),
    "upstream_cost": maybe(costs),
    "is_byok": maybe(st.booleans()),
    "status": maybe(st.sampled_from(["pending", "completed"])),
}
outcomes = st.sampled_from(["completed", "closed", "killed"])


@settings(max_examples=30, deadline=None)
@given(first=st.fixed_dictionaries(facts), outcome=outcomes, words=st.lists(st.fixed_dictionaries(facts), max_size=3))
def test_a_row_and_its_record_become_the_same(tmp_path_factory, first, outcome, words):
    record = call(outcome=outcome, cost_source=None if first["cost"] is None else "response", **first)
    with closing(Book(tmp_path_factory.mktemp("home"))) as book:
        book.apply(SEGMENT, 1, [record])
        for number, word in enumerate(words):
            late = LateFacts(
                at=number, source=("prices", "generation", "response")[number], call_id=record.call_id, **word
            )
            record = filled(record, late)
            book.apply(SEGMENT, 1, [late])
            book.apply(SEGMENT, 1, [late])
        row = only(book)
    assert {name: getattr(row, name) for name in SAME} == {name: getattr(record, name) for name in SAME}
    assert row.more.get("status") == record.status


@pytest.mark.parametrize(("outcome", "tokens"), [("completed", 1), ("closed", 250), ("killed", 250)])
def test_running_counts_give_way_and_whole_ones_do_not(book, outcome, tokens):
    record = call(outcome=outcome, output_tokens=1)
    late = LateFacts(at=1, source="generation", call_id=record.call_id, output_tokens=250)
    book.apply(SEGMENT, 1, [record, late])
    assert only(book).output_tokens == filled(record, late).output_tokens == tokens


def test_a_bill_that_comes_before_its_call_waits_for_it(book):
    book.apply(SEGMENT, 1, [bill()])
    book.apply(SEGMENT, 2, [video()])
    assert (only(book).cost, only(book).cost_source) == (Decimal("0.050"), "response")


def test_a_word_that_waits_is_kept_once_however_often_it_is_said(book):
    for number in range(5):
        book.apply(SEGMENT, number, [bill(at=number)])
    with book.reading() as connection:
        assert connection.execute("SELECT count(*) FROM late").fetchone()[0] == 1
    book.apply(SEGMENT, 9, [video()])
    with book.reading() as connection:
        assert connection.execute("SELECT count(*) FROM late").fetchone()[0] == 0


def test_a_job_that_two_requests_were_answered_with_is_billed_once(book):
    book.apply(SEGMENT, 1, [video(), video()])
    book.apply(SEGMENT, 2, [bill(), bill()])
    assert [row.cost for row in calls(book, Filter())] == [Decimal("0.050"), None]


def test_a_chat_whose_answer_has_the_id_of_a_job_is_no_job(book):
    book.apply(SEGMENT, 1, [call(response_id="job-1"), bill()])
    assert only(book).cost is None


def test_a_ledger_of_the_version_before_is_brought_up_to_date(tmp_path):
    old = Store(tmp_path / "ledger.db", MIGRATIONS[:1])
    with old.transaction() as connection:
        connection.execute("INSERT INTO late (key, payload) VALUES ('job job-1', ?)", (msgspec.msgpack.encode(bill()),))
    old.close()
    with closing(Book(tmp_path)) as book:
        book.apply(SEGMENT, 1, [video()])
        assert only(book).cost == Decimal("0.050")
