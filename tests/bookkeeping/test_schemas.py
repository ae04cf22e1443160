"""A ledger of every version that was released is opened by today's code, and says what it said."""

import sqlite3
from collections import defaultdict
from contextlib import closing
from decimal import Decimal, localcontext

import pytest

from spancast.bookkeeping import upkeep
from spancast.bookkeeping.answers.calls import calls
from spancast.bookkeeping.answers.costs import costs
from spancast.bookkeeping.answers.filter import Filter
from spancast.bookkeeping.book import Book
from spancast.bookkeeping.schema import MIGRATIONS
from spancast.records.late import LateFacts
from tests.bookkeeping.records import call
from tests.bookkeeping.schemas.calls import CALLS, LOST, LOST_COST, UNDER_WAY
from tests.bookkeeping.schemas.dump import FOLDER, dump

VERSIONS = sorted(int(path.stem) for path in FOLDER.glob("*.sql"))
SAME = (
    "operation",
    "started_at",
    "outcome",
    "server_address",
    "http_status",
    "error_type",
    "error_message",
    "duration",
    "user",
    "session",
    "time_to_first_token",
    "streamed",
    "request_model",
    "request_models",
    "generation_id",
    "response_id",
    "response_model",
    "provider",
    "input_tokens",
    "output_tokens",
    "cached_tokens",
    "cache_write_tokens",
    "reasoning_tokens",
    "cost",
    "upstream_cost",
    "is_byok",
    "key_hash",
    "tags",
    "trace_id",
    "span_id",
)
"""What a row has under the name that a Call has it under."""


def restored(folder, version):
    with closing(sqlite3.connect(folder / "ledger.db")) as connection:
        connection.executescript((FOLDER / f"{version}.sql").read_text("utf-8"))
        connection.commit()
    return Book(folder)


@pytest.fixture(params=VERSIONS)
def book(request, tmp_path):
    with closing(restored(tmp_path, request.param)) as opened:
        yield opened


def test_there_is_a_ledger_of_every_version():
    assert list(range(1, len(MIGRATIONS) + 1)) == VERSIONS


def test_the_newest_is_what_todays_code_makes(tmp_path):
    """Where this fails a version was changed that may be on people's disks, or its file is to be made: README.md."""
    (tmp_path / "made").mkdir()
    dump(tmp_path / "made")
    with closing(restored(tmp_path, len(MIGRATIONS))):
        assert tables(tmp_path) == tables(tmp_path / "made")


def tables(folder):
    with closing(sqlite3.connect(folder / "ledger.db")) as connection:
        return {tuple(row) for row in connection.execute("SELECT type, name, sql FROM sqlite_master")}


def test_it_is_of_todays_version_then(book, tmp_path):
    with book.reading() as connection:
        assert connection.execute("PRAGMA user_version").fetchone()[0] == len(MIGRATIONS)
    assert upkeep.check(book) == []


def test_its_calls_are_what_they_were(book):
    rows = {row.call_id: row for row in calls(book, Filter())}
    assert set(rows) == {each.call_id for each in CALLS}
    for each in CALLS:
        row = rows[each.call_id]
        for name in SAME:
            assert getattr(row, name) == getattr(each, name), (each.call_id, name)
    first, second, _, failed, _ = (rows[each.call_id] for each in CALLS)
    assert (first.app, first.finish_reason, first.native_finish_reason) == ("shop", "stop", "completed")
    assert (first.more["upstream_input_cost"], first.more["upstream_output_cost"]) == ("0.00012", "0.0003")
    assert first.more["parameters"] == {"temperature": 0.5, "seed": 7}
    assert (first.more["output_chunks"], second.more["metadata"]) == (12, {"k": "v"})
    assert failed.more["retry_after"] == 1.5


def test_its_sums_are_what_they_were(book):
    expected: defaultdict[str | None, Decimal] = defaultdict(Decimal)
    with localcontext(prec=100):
        for each in CALLS:
            if each.cost is not None:
                expected[each.user] += round(each.cost, 12)
        found = {row.group["user"]: row.cost for row in costs(book, ["user"], Filter()).rows if row.cost is not None}
        assert found == expected
        assert costs(book, [], Filter()).total.cost == sum(expected.values())
    assert costs(book, ["month"], Filter()).total.calls == len(CALLS)


def test_what_it_knew_besides_is_known(book):
    assert [each.call_id for each in book.orphans(())] == [UNDER_WAY.call_id]
    assert (book.losses(), book.damage(), book.committed_offset("writer-000001.seg")) == ((LOST, LOST_COST), 1, 1000)


def test_it_goes_on(book):
    more = call(user="u_42", cost=Decimal(1))
    book.apply(
        "writer-000002.seg", 1, [*CALLS, more, LateFacts(at=1, source="response", job_id="job-1", cost=Decimal(2))]
    )
    assert len(list(calls(book, Filter()))) == len(CALLS) + 1
    assert next(row.cost for row in calls(book, Filter()) if row.response_id == "job-1") == Decimal(2)
    assert upkeep.check(book) == []
