from unicodedata import combining, east_asian_width

from hypothesis import given
from hypothesis import strategies as st

from spancast.cli.output.table import UNLIMITED, Column, lines, wrapped

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
    titles = {width: next(lines(COLUMNS, [ROW], width)).split() for width in (60, 45, 30)}
    assert titles == {
        60: ["name", "model", "tokens", "cost"],
        45: ["name", "tokens", "cost"],
        30: ["name", "cost"],
    }


def test_long_texts_are_cut_and_numbers_never():
    assert list(lines(COLUMNS, [ROW], 20))[1] == "a name of …  $0.0001"


def test_a_user_with_a_very_long_name_is_cut_to_the_terminal():
    row = ("u" * 512, "vendor/model", "1,000", "$0.0001")
    assert list(lines(COLUMNS, [row], 41)) == [f"{'name':<24}  tokens     cost", f"{'u' * 23}…   1,000  $0.0001"]
    assert list(lines(COLUMNS, [row], 40)) == [f"{'name':<31}     cost", f"{'u' * 30}…  $0.0001"]


def test_wide_characters_take_two_columns_and_accents_none():
    columns, rows = (Column("name"), Column("cost", number=True)), [("東京都千代田区", "$1"), ("e\u0301te\u0301", "$2")]
    assert list(lines(columns, rows, 15)) == ["name       cost", "東京都千…    $1", "e\u0301te\u0301          $2"]


def test_a_value_cannot_move_the_cursor():
    assert list(lines((Column("name"),), [("\x1b[2Ja\nb",)], 80))[1] == "\ufffd[2Ja\ufffdb"


def test_a_long_table_is_printed_as_it_is_read():
    read = []
    rows = ((read.append(number), (str(number),))[1] for number in range(10_000))
    printed = lines((Column("number"),), rows, 80)
    next(printed)
    assert len(read) < 10_000
    assert len(list(printed)) == 10_000


def wide(line: str) -> int:
    return sum(0 if combining(each) else 2 if east_asian_width(each) in ("W", "F") else 1 for each in line)


names = st.text(max_size=30)
numbers = st.from_regex(r"[0-9]{1,8}", fullmatch=True)


@given(st.lists(st.tuples(names, names, numbers, numbers), max_size=5), st.integers(1, 60))
def test_no_line_is_wider_than_the_terminal(rows, width):
    assert all(wide(line) <= width for line in lines(COLUMNS, rows, width))


def test_a_line_that_cannot_fit_says_that_it_was_cut():
    assert list(lines(COLUMNS, [ROW], 12)) == ["name       …", "a name …  $…"]


def test_what_is_no_terminal_gets_every_value_whole():
    rows = [("u" * 20_000, "m", "1", "$1"), *[("u", "m", "1", "$1")] * 2000, ("v" * 500, "m", "1", "$1")]
    printed = list(lines(COLUMNS, rows, UNLIMITED))
    assert ("u" * 20_000 in printed[1], "v" * 500 in printed[-1]) == (True, True)


def test_values_are_painted_and_what_is_nothing_is_not():
    columns = (Column("name"), Column("errors", number=True, style="red"))
    rows = [("a", "0"), ("b", "-"), ("c", "12"), ("d", "")]
    assert list(lines(columns, rows, 20, lambda text, style: f"<{style} {text}>")) == [
        "<bold name  errors>",
        "a          0",
        "b          -",
        "c         <red 12>",
        "d",
    ]


def test_a_sentence_is_broken_to_the_terminal_and_cannot_move_the_cursor():
    assert wrapped("one two\x1b[2J three", 8) == ["one", "two\ufffd[2J", "three"]
