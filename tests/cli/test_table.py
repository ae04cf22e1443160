from hypothesis import given
from hypothesis import strategies as st

from spancast.cli.table import Column, lines

COLUMNS = (
    Column("name"),
    Column("model", rank=2),
    Column("tokens", number=True, rank=1),
    Column("cost", number=True),
)
ROW = ("a name of some length", "vendor/model", "1,000", "$0.0001")


def test_numbers_stand_right_and_texts_left():
    assert list(lines(COLUMNS, [("a", "m", "1", "$10"), ("bc", "n", "100", "$1")], 80)) == [
        "name  model  tokens  cost",
        "a     m           1   $10",
        "bc    n         100    $1",
    ]


def test_less_important_columns_go_first():
    titles = {width: next(lines(COLUMNS, [ROW], width)).split() for width in (60, 45, 35)}
    assert titles == {
        60: ["name", "model", "tokens", "cost"],
        45: ["name", "tokens", "cost"],
        35: ["name", "cost"],
    }


def test_long_texts_are_cut_and_numbers_never():
    assert list(lines(COLUMNS, [ROW], 20))[1] == "a name of …  $0.0001"


def test_a_value_cannot_move_the_cursor():
    assert list(lines((Column("name"),), [("\x1b[2Ja\nb",)], 80))[1] == "\ufffd[2Ja\ufffdb"


def test_a_long_table_is_printed_as_it_is_read():
    read = []
    rows = ((read.append(number), (str(number),))[1] for number in range(10_000))
    printed = lines((Column("number"),), rows, 80)
    next(printed)
    assert len(read) < 10_000
    assert len(list(printed)) == 10_000


names = st.text(max_size=30)
numbers = st.from_regex(r"[0-9]{1,8}", fullmatch=True)


@given(st.lists(st.tuples(names, names, numbers, numbers), max_size=5))
def test_no_line_is_wider_than_the_terminal(rows):
    assert all(len(line) <= 40 for line in lines(COLUMNS, rows, 40))
