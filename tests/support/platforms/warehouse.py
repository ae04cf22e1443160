"""Rows of OPENROUTER_TRACES as a warehouse takes them: by the columns and types that a page of ours gives the table."""

import json
import re
from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

PAGES = Path(__file__).parents[3] / "docs"


def statements(page: str) -> list[str]:
    """Return the SQL of a page."""
    return re.findall(r"```sql\n(.*?)```", (PAGES / page).read_text("utf-8"), re.DOTALL)


def table_of(page: str) -> str:
    """Return the statement that makes the table."""
    (found,) = [
        each for each in statements(page) if "OPENROUTER_TRACES" in each.upper() and each.startswith("CREATE TABLE")
    ]
    return found


def columns_of(page: str) -> dict[str, str]:
    """Return the types of the columns by their names."""
    inside = table_of(page).partition("(\n")[2].partition("\n)")[0]
    columns = (line.strip().rstrip(",").partition(" ") for line in inside.splitlines())
    return {name: kind for name, _, kind in columns}


def plain(statement: str) -> str:
    """Return a statement without the breaks and spaces that mean nothing."""
    return re.sub(r"\s*([(),])\s*", r"\1", " ".join(statement.split()))


def check(row: dict[str, Any], columns: dict[str, str], valid: dict[str, Callable[[Any], bool]]) -> None:
    """Assert that a row has only columns of the table, all that must be there, and values that its types take."""
    assert set(row) <= set(columns), set(row) - set(columns)
    needed = {name for name, kind in columns.items() if kind.endswith("NOT NULL")}
    assert needed | {"TIMESTAMP", "SPAN_TYPE", "STATUS", "LEVEL", "TAGS"} <= set(row)
    for name, value in row.items():
        kind = columns[name].removesuffix(" NOT NULL")
        assert valid[kind](value), f"{name} is {value!r}, which is no {kind}"


def is_text(value: Any) -> bool:
    return isinstance(value, str)


def is_count(value: Any) -> bool:
    return type(value) is int and 0 <= value < 10**38


def is_dollars(value: Any) -> bool:
    """Text of digits: a number in JSON is a float to many who read it."""
    return isinstance(value, str) and re.fullmatch(r"-?\d{1,20}(\.\d{1,38})?", value) is not None


def is_texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(each, str) for each in value)


def is_value(value: Any) -> bool:
    """What JSON has: no null, which would be one of JSON's and not SQL's."""
    return value is not None


def is_json_text(value: Any) -> bool:
    return isinstance(value, str) and json.loads(value) is not None


def is_time(value: Any) -> bool:
    return isinstance(value, str) and datetime.fromisoformat(value).microsecond >= 0


def dollars(rows: list[dict[str, Any]]) -> Decimal:
    """Return the sum of TOTAL_COST."""
    return sum((Decimal(row["TOTAL_COST"]) for row in rows if "TOTAL_COST" in row), Decimal(0))
