import sqlite3
from contextlib import closing

from spancast.bookkeeping.rows import insert


def test_rows_are_put_down_whatever_they_leave_out():
    rows = [(1, None, "x"), (2, b"y".hex(), None), (3, None, None), (4, None, "z")]
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.execute("CREATE TABLE t(a, b, c)")
        insert(connection, "t", ("a", "b", "c"), rows)
        assert connection.execute("SELECT * FROM t ORDER BY a").fetchall() == rows


def test_nothing_is_no_row():
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.execute("CREATE TABLE t(a)")
        insert(connection, "t", ("a",), [])
        assert connection.execute("SELECT * FROM t").fetchall() == []
