from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spancast.bookkeeping.answers.calls import calls
from spancast.bookkeeping.answers.filter import Filter
from spancast.bookkeeping.book import Book, writer_of
from tests.bookkeeping.records import call, opened

SEGMENT = "writer-000001.seg"


@pytest.fixture
def book(tmp_path):
    book = Book(tmp_path)
    yield book
    book.close()


def rows(book: Book) -> list:
    return list(calls(book, Filter()))


def test_a_call_is_booked_with_all_that_the_ledger_keeps(book):
    booked = call(
        operation="responses",
        server_address="openrouter.ai",
        http_status=200,
        duration=1_500_000_000,
        time_to_first_token=250_000_000,
        streamed=True,
        request_model="openai/gpt-5",
        request_models=("openai/gpt-5", "qwen/qwen3"),
        generation_id="gen-1",
        response_id="resp_1",
        response_model="openai/gpt-5-2025",
        provider="Azure",
        finish_reasons=("stop", None, "length"),
        native_finish_reasons=("completed", None),
        input_tokens=10,
        output_tokens=20,
        cached_tokens=0,
        cache_write_tokens=3,
        reasoning_tokens=5,
        cost=Decimal("0.00010"),
        upstream_cost=Decimal("2E-7"),
        is_byok=False,
        user="u",
        session="s",
        tags={'a "quoted" key': "ß", "b": ""},
        trace_id="1" * 32,
        span_id="2" * 16,
    )
    book.apply(SEGMENT, 1, [booked])
    (row,) = rows(book)
    same = [name for name in row.__slots__ if hasattr(booked, name) and name != "native_finish_reason"]
    assert {name: getattr(row, name) for name in same} == {name: getattr(booked, name) for name in same}
    assert (row.finish_reason, row.native_finish_reason) == ("stop,length", "completed")
    assert str(row.cost) == "0.00010"


def test_what_is_unknown_stays_unknown(book):
    book.apply(SEGMENT, 1, [call()])
    (row,) = rows(book)
    stated = {"seq", "call_id", "operation", "request_models", "outcome", "streamed", "tags", "started_at", "more"}
    assert {name for name in row.__slots__ if getattr(row, name) is not None} == stated


def test_an_answer_that_says_zero_is_booked_as_zero(book):
    book.apply(SEGMENT, 1, [call(cost=Decimal(0), input_tokens=0, is_byok=False)])
    (row,) = rows(book)
    assert (row.cost, row.input_tokens, row.is_byok) == (Decimal(0), 0, False)


@given(
    st.lists(
        st.tuples(st.integers(0, 3), st.sampled_from([None, "killed", "completed"]), st.integers(0, 9)), max_size=25
    )
)
def test_any_records_in_any_order_leave_the_first_end_of_each_call(tmp_path_factory, records):
    book = Book(tmp_path_factory.mktemp("home"))
    ends: dict[str, tuple[str, int]] = {}
    begun = set()
    for number, outcome, tokens in records:
        record = call(call_id=str(number), outcome=outcome, input_tokens=tokens)
        book.apply(SEGMENT, 1, [record])
        book.apply(SEGMENT, 1, [record])
        begun.add(str(number))
        if (
            outcome
            and ends.get(str(number), ("killed",))[0] == "killed"
            and (outcome, str(number) in ends)
            != (
                "killed",
                True,
            )
        ):
            ends[str(number)] = (outcome, tokens)
    assert {row.call_id: (row.outcome, row.input_tokens) for row in rows(book)} == ends
    assert {each.call_id for each in book.orphans(())} == begun - set(ends)
    book.close()


def test_one_batch_may_hold_the_beginning_and_the_end_of_a_call(book):
    pending = opened()
    book.apply(SEGMENT, 1, [call(call_id=pending.call_id), pending])
    assert len(rows(book)) == 1
    assert book.orphans(()) == []


def test_calls_under_way_are_given_back_as_they_were_unless_their_writer_lives(book):
    pending = opened(user="u", tags={"a": "b"}, request_models=("m",))
    book.apply(SEGMENT, 1, [pending])
    assert book.orphans({"writer"}) == []
    assert book.orphans({"another"}) == [pending]


def test_the_offset_of_a_segment_never_goes_back(book):
    assert book.committed_offset(SEGMENT) == 0
    book.apply(SEGMENT, 70, [])
    book.apply(SEGMENT, 30, [])
    assert book.committed_offset(SEGMENT) == 70
    book.forget(SEGMENT)
    assert book.committed_offset(SEGMENT) == 0


def test_one_absurd_number_does_not_stop_the_booking(book):
    absurd = call(input_tokens=2**64, output_tokens=2**63 - 1, cost=Decimal("NaN"), upstream_cost=Decimal("1E+40"))
    book.apply(SEGMENT, 1, [absurd, call()])
    row, _ = rows(book)
    assert (row.input_tokens, row.output_tokens) == (None, 2**63 - 1)
    assert (row.cost, row.upstream_cost) == (None, Decimal("1E+40"))


def test_a_call_that_comes_again_does_not_stop_the_booking_when_its_kind_was_deleted_by_hand(book):
    first, second = call(provider="P"), call(provider="Q")
    book.apply(SEGMENT, 1, [first])
    with book.writing() as connection:
        connection.execute("DELETE FROM kinds")
    book.apply(SEGMENT, 2, [first, second])
    with book.reading() as connection:
        assert connection.execute("SELECT count(*) FROM entries").fetchone()[0] == 2


def test_two_calls_of_one_generation_are_two(book):
    book.apply(SEGMENT, 1, [call(generation_id="gen-1"), call(generation_id="gen-1")])
    assert len(rows(book)) == 2


def test_damage_is_counted_by_place(book):
    for at in (10, 10, 20):
        book.note_damage(SEGMENT, [at], "unreadable")
    assert book.damage() == 2


def test_a_segment_is_named_after_its_writer():
    assert writer_of("00ab-000002.seg") == "00ab"
