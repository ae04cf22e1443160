"""A call as a row of a table."""

from spancast.bookkeeping.answers.calls import CallRow
from spancast.cli.output import human
from spancast.cli.output.table import Column

COLUMNS = (
    Column("started (UTC)", number=True, rank=1),
    Column("operation", rank=5),
    Column("model", least=18),
    Column("provider", rank=4),
    Column("user", rank=1, least=14),
    Column("outcome", least=len("completed")),
    Column("finish", rank=7),
    Column("input", number=True, rank=3),
    Column("output", number=True, rank=3),
    Column("took", number=True, rank=2),
    Column("first token", number=True, rank=6),
    Column("cost", number=True),
)


def cells(row: CallRow) -> tuple[str, ...]:
    """Return the values of the columns."""
    return (
        human.time(row.started_at),
        row.operation,
        human.text(row.response_model or row.request_model),
        human.text(row.provider),
        human.text(row.user),
        row.outcome if row.error_type is None else row.error_type,
        human.text(row.finish_reason),
        human.count(row.input_tokens),
        human.count(row.output_tokens),
        human.span(row.duration),
        human.span(row.time_to_first_token),
        human.dollars(row.cost),
    )
