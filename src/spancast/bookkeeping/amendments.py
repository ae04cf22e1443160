"""What is said of a call after it was booked: the row is filled as `spancast.late.filled` fills the record."""

from sqlite3 import Connection

from spancast import money
from spancast.late import Late


def fill(connection: Connection, late: Late) -> bool:
    """Fill the row that the word is about; return whether there is one."""
    where = "call_id = :call_id" if late.call_id is not None else _FIRST_OF_JOB
    done = connection.execute(f"UPDATE calls SET {_SET} WHERE {where}", _values(late))  # noqa: S608 - made of the names here
    if late.call_id is not None and late.cost is not None and late.source != "prices":
        connection.execute("DELETE FROM lookups WHERE call_id = ?", (late.call_id,))
    return done.rowcount > 0


_COUNTS = (
    "input_tokens",
    "output_tokens",
    "total_tokens",
    "cached_tokens",
    "cache_write_tokens",
    "reasoning_tokens",
)
_FACTS = (
    "generation_id",
    "provider",
    "response_model",
    "error_type",
    "upstream_cost",
    "upstream_cost_text",
    "is_byok",
)
_PRICE = ("cost", "cost_text", "cost_source")
_FIRST_OF_JOB = """
    seq = (SELECT min(seq) FROM calls WHERE response_id = :job_id AND operation IN ('video', 'batch'))
"""
"""A request that a client library repeats may be answered with the same job, which is billed once."""
_BETTER = "(cost_text IS NULL OR (cost_source = 'prices' AND :cost_source <> 'prices')) AND :cost_text IS NOT NULL"
_CUT = "outcome <> 'completed' AND :cost_source = 'generation'"
_SET = ", ".join(
    (
        *(f"{column} = CASE WHEN {_BETTER} THEN :{column} ELSE {column} END" for column in _PRICE),
        *(f"{column} = coalesce({column}, :{column})" for column in _FACTS),
        *(
            f"{column} = iif({_CUT}, coalesce(:{column}, {column}), coalesce({column}, :{column}))"
            for column in _COUNTS
        ),
        "more = CASE WHEN :status IS NULL THEN more ELSE json_set(more, '$.status', :status) END",
    )
)


def _values(late: Late) -> dict[str, object]:
    cost, upstream = money.stated(late.cost), money.stated(late.upstream_cost)
    plain = {field: getattr(late, field) for field in late.__struct_fields__}
    return plain | {
        "cost": money.column(cost),
        "cost_text": None if cost is None else money.plain(cost),
        "cost_source": late.source,
        "upstream_cost": money.column(upstream),
        "upstream_cost_text": None if upstream is None else money.plain(upstream),
    }
