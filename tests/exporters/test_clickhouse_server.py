"""Through ClickHouse's own engine: its types, its tokens, its views, and the queries of OpenRouter's documentation."""

import json
import re
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from spancast.contract import Delivered
from spancast.testing.spans import hostile_spans
from spancast_exporters import _clickhouse
from spancast_exporters.clickhouse import Clickhouse
from tests.support.delivered import deliver, sent
from tests.support.environments import python_with
from tests.support.platforms.clickhouse import PASSWORD
from tests.support.servers import free_port, serving
from tests.support.shared import needs_shared
from tests.support.spans import RECORDED, SECOND, WORDS, a_trace, of_call, of_recording

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

SCRIPT = Path(__file__).parents[1] / "support" / "platforms" / "clickhouse_server.py"
PAGE = Path(__file__).parents[2] / "docs" / "clickhouse.md"
DOCUMENTED = {
    "cost by model": """
        SELECT toDate(TIMESTAMP) as day, MODEL, sum(TOTAL_COST) as total_cost, sum(TOTAL_TOKENS) as total_tokens,
          count() as request_count
        FROM OPENROUTER_TRACES
        WHERE TIMESTAMP >= now() - INTERVAL 30 DAY AND STATUS = 'ok' AND SPAN_TYPE = 'GENERATION'
        GROUP BY day, MODEL ORDER BY day DESC, total_cost DESC""",
    "user activity": """
        SELECT USER_ID, uniqExact(TRACE_ID) as trace_count, uniqExact(SESSION_ID) as session_count,
          sum(TOTAL_TOKENS) as total_tokens, sum(TOTAL_COST) as total_cost, avg(DURATION_MS) as avg_duration_ms
        FROM OPENROUTER_TRACES
        WHERE TIMESTAMP >= now() - INTERVAL 7 DAY AND SPAN_TYPE = 'GENERATION'
        GROUP BY USER_ID ORDER BY total_cost DESC""",
    "errors": """
        SELECT TRACE_ID, TIMESTAMP, MODEL, LEVEL, FINISH_REASON, METADATA, INPUT, OUTPUT
        FROM OPENROUTER_TRACES
        WHERE STATUS = 'error' AND TIMESTAMP >= now() - INTERVAL 1 HOUR ORDER BY TIMESTAMP DESC""",
    "providers": """
        SELECT PROVIDER_NAME, MODEL, avg(DURATION_MS) as avg_duration_ms, quantile(0.5)(DURATION_MS) as p50_duration_ms,
          quantile(0.95)(DURATION_MS) as p95_duration_ms, count() as request_count
        FROM OPENROUTER_TRACES
        WHERE TIMESTAMP >= now() - INTERVAL 7 DAY AND STATUS = 'ok' AND SPAN_TYPE = 'GENERATION'
        GROUP BY PROVIDER_NAME, MODEL HAVING request_count >= 10 ORDER BY avg_duration_ms""",
    "keys": """
        SELECT API_KEY_NAME, uniqExact(TRACE_ID) as trace_count, sum(TOTAL_COST) as total_cost,
          sum(PROMPT_TOKENS) as prompt_tokens, sum(COMPLETION_TOKENS) as completion_tokens
        FROM OPENROUTER_TRACES
        WHERE TIMESTAMP >= now() - INTERVAL 30 DAY AND SPAN_TYPE = 'GENERATION'
        GROUP BY API_KEY_NAME ORDER BY total_cost DESC""",
    "metadata": """
        SELECT TRACE_ID, JSONExtractString(METADATA, 'team') as custom_value,
          JSONExtractString(ATTRIBUTES, 'gen_ai.request.model') as requested_model
        FROM OPENROUTER_TRACES WHERE JSONHas(METADATA, 'team')""",
    "messages": """
        SELECT TRACE_ID, JSONExtractString(JSONExtractRaw(INPUT, 'messages'), 1, 'role') as first_message_role,
          JSONExtractString(JSONExtractRaw(INPUT, 'messages'), 1, 'content') as first_message_content
        FROM OPENROUTER_TRACES WHERE SPAN_TYPE = 'GENERATION' LIMIT 10""",
}
"""The queries of OpenRouter's page on ClickHouse, but for their line breaks; `team` stands for `custom_field`."""
OF_OPENROUTER = """
    CREATE TABLE theirs.OPENROUTER_TRACES (TRACE_ID String, SPAN_ID String, USER_ID String, SESSION_ID String,
      TIMESTAMP DateTime64(3), MODEL String, PROVIDER_NAME String, API_KEY_NAME String, STATUS String, LEVEL String,
      FINISH_REASON String, SPAN_TYPE String, DURATION_MS Float64, PROMPT_TOKENS UInt32, COMPLETION_TOKENS UInt32,
      TOTAL_TOKENS UInt32, TOTAL_COST Float64, INPUT String, OUTPUT String, METADATA String, ATTRIBUTES String,
      MODEL_PARAMETERS String) ENGINE = MergeTree ORDER BY TIMESTAMP"""
"""A table of the documented columns alone, of the plainest types that they could have."""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    python, port = python_with("receivers/clickhouse", "chdb==4.4.0", alone=True), free_port()
    command = [python, "-P", SCRIPT, str(port), PASSWORD]
    with serving(command, f"http://127.0.0.1:{port}/ping", {}, tmp_path_factory.mktemp("clickhouse")):
        yield f"http://127.0.0.1:{port}"


class Database:
    """A database of its own, with the table."""

    def __init__(self, url: str, name: str) -> None:
        self.exporter = Clickhouse(endpoint=url, password=PASSWORD, database=name)
        self.settings = {"endpoint": url, "password": PASSWORD, "database": name}
        self.does(f"CREATE DATABASE {name}")

    def does(self, statement: str) -> None:
        reply = sent(self.exporter._query(statement))
        assert reply.status == 200, reply.body

    def rows(self, query: str) -> list[dict[str, Any]]:
        """Return what a query finds; decimals and numbers beyond 2**53 are text."""
        reply = sent(self.exporter._query(f"{query} FORMAT JSONEachRow"))
        assert reply.status == 200, reply.body
        return [json.loads(line) for line in reply.body.splitlines()]

    def insert(self, spans: list[Any]) -> None:
        for encoded in self.exporter.encode(spans, datetime.now(UTC)):
            assert self.exporter.judge(encoded, sent(encoded.request)) == Delivered()


@pytest.fixture
def database(server: str, request: pytest.FixtureRequest) -> Database:
    made = Database(server, re.sub(r"\W", "_", request.node.name))
    made.does(_clickhouse.create(f"{made.exporter.database}.OPENROUTER_TRACES"))
    return made


def statements() -> list[str]:
    return re.findall(r"```sql\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)


def total(rows: list[dict[str, Any]], name: str = "TOTAL_COST") -> Decimal:
    return sum((Decimal(row[name]) for row in rows), Decimal(0))


EXACT = "toString(sum(TOTAL_COST)) AS TOTAL_COST"


@needs_shared
def test_recorded_calls_are_read_back_with_their_dollars(database: Database, tmp_path: Path) -> None:
    spans = [of_recording(name, operation) for name, operation, _ in RECORDED]
    spans = [replace(span, span_id=f"{number:016x}") for number, span in enumerate(spans, 1)]
    assert deliver(tmp_path, spans, "clickhouse", **database.settings).delivered == len(spans)
    name = database.exporter._table
    found = database.rows(f"SELECT SPAN_ID, MODEL, toString(TOTAL_COST) AS COST FROM {name} ORDER BY SPAN_ID")
    dollars = [None if row["COST"] is None else Decimal(row["COST"]) for row in found]
    assert dollars == [None if span.generation is None else span.generation.spent for span in spans]
    assert [row["MODEL"] for row in found] == [span.generation and span.generation.response_model for span in spans]


def test_the_sum_of_many_costs_is_exact_and_a_batch_sent_again_is_not_doubled(database: Database) -> None:
    costs = [Decimal(number) * Decimal("0.000000000000000007") for number in range(1, 601)]
    spans = [of_call(span_id=f"{number:016x}", cost=cost) for number, cost in enumerate(costs, 1)]
    for _ in range(3):
        database.insert(spans)
    (row,) = database.rows(f"SELECT count() AS CALLS, {EXACT} FROM {database.exporter._table}")
    assert (int(row["CALLS"]), Decimal(row["TOTAL_COST"])) == (600, sum(costs))


def test_parts_of_a_batch_have_tokens_of_their_own(database: Database) -> None:
    spans = [of_call(span_id=f"{number:016x}") for number in range(1, 9)]
    for part in (spans[:4], spans[4:], spans[:4], spans[4:]):
        database.insert(part)
    (row,) = database.rows(f"SELECT count() AS CALLS, uniqExact(SPAN_ID) AS SPANS FROM {database.exporter._table}")
    assert (int(row["CALLS"]), int(row["SPANS"])) == (8, 8)
    found = database.exporter.found(spans, sent(database.exporter.read_back(spans, datetime.now(UTC))))
    assert found == {span.span_id: True for span in spans}


def test_a_batch_across_two_months_sent_again_is_not_doubled(database: Database) -> None:
    month = 31 * 86_400 * SECOND
    spans = [of_call(span_id=f"{number:016x}", started_at=1_790_000_000 * SECOND + number * month) for number in (1, 2)]
    database.insert(spans)
    database.insert(spans)
    (row,) = database.rows(f"SELECT count() AS CALLS FROM {database.exporter._table}")
    assert int(row["CALLS"]) == 2


@pytest.mark.parametrize("what", DOCUMENTED)
def test_the_queries_of_openrouters_page_run_unchanged(server: str, what: str) -> None:
    database = Database(server, f"documented_{what.replace(' ', '_')}")
    database.does(_clickhouse.create(database.exporter._table))
    now = time.time_ns() - SECOND
    calls = [of_call(WORDS, span_id=f"{number:016x}", started_at=now, key_hash="f" * 64) for number in range(1, 11)]
    failed = replace(a_trace()[3], start=now)
    database.insert([*calls, failed])
    query = DOCUMENTED[what].replace("OPENROUTER_TRACES", database.exporter._table)
    first = database.rows(query)[0]
    expected = {
        "cost by model": {"MODEL": "openai/gpt-5-mini-2025-08-07", "total_cost": 0.00106000000000001},
        "user activity": {"USER_ID": "u_42", "total_cost": 0.00106000000000001},
        "errors": {"LEVEL": "ERROR", "MODEL": "openai/gpt-5-mini"},
        "providers": {"PROVIDER_NAME": "Azure", "avg_duration_ms": 2000},
        "keys": {"API_KEY_NAME": "f" * 64, "total_cost": 0.00106000000000001},
        "metadata": {"custom_value": "blue", "requested_model": "openai/gpt-5-mini"},
        "messages": {"first_message_role": "system", "first_message_content": "You are terse."},
    }
    assert {name: first[name] for name in expected[what]} == expected[what]


def test_the_statements_of_our_page_keep_cost_by_user_exact_though_a_batch_is_sent_again(server: str) -> None:
    database = Database(server, "paged")
    made, (grant,), (table, view), (query,) = _sorted([each.replace("default.", "paged.") for each in statements()])
    for statement in (*made, table, view):
        database.does(statement)
    assert grant.startswith("GRANT SELECT, INSERT ON paged.OPENROUTER_TRACES")
    now = time.time_ns() - SECOND
    users = ("u_1", "u_1", "u_2", None)
    costs = [Decimal("0.000000000000000001"), Decimal("0.1"), Decimal("0.2"), None]
    spans = [
        of_call(span_id=f"{number:016x}", user=user, cost=cost, started_at=now)
        for number, (user, cost) in enumerate(zip(users, costs, strict=True), 1)
    ]
    for _ in range(3):
        database.insert(spans)
    database.insert([of_call(span_id="00000000000000aa", user="u_2", cost=Decimal("0.3"), started_at=now)])
    database.does("OPTIMIZE TABLE paged.OPENROUTER_COST_BY_USER FINAL")
    exact = query.replace("sum(TOTAL_COST) AS TOTAL_COST", EXACT).replace("ORDER BY TOTAL_COST", "ORDER BY USER_ID")
    found = {row["USER_ID"]: (int(row["CALLS"]), Decimal(row["TOTAL_COST"])) for row in database.rows(exact)}
    assert found == {"u_1": (2, Decimal("0.100000000000000001")), "u_2": (2, Decimal("0.5")), "": (1, Decimal(0))}
    assert [row["USER_ID"] for row in database.rows(query)] == ["u_2", "u_1", ""]
    (row,) = database.rows("SELECT sum(UNKNOWN_COSTS) AS UNKNOWN FROM paged.OPENROUTER_COST_BY_USER")
    assert int(row["UNKNOWN"]) == 1


def _sorted(seen: list[str]) -> tuple[list[str], list[str], list[str], list[str]]:
    """Return the statements of the page: the table, the grant, the sums with their view, and the query."""
    sums = [each for each in seen if each.startswith("CREATE") and "COST_BY_USER" in each]
    made = [each for each in seen if each.startswith("CREATE") and each not in sums]
    starting = {word: [each for each in seen if each.startswith(word)] for word in ("GRANT", "SELECT")}
    return made, starting["GRANT"], sums, starting["SELECT"]


def test_a_table_that_was_made_for_openrouter_does_as_well(server: str) -> None:
    database = Database(server, "theirs")
    database.does(OF_OPENROUTER)
    probe = sent(database.exporter.probe(datetime.now(UTC)))
    assert database.exporter.diagnose(probe) is None
    database.insert([*a_trace()[:1], of_call(WORDS), *a_trace()[2:]])
    found = database.rows(
        "SELECT USER_ID, TOTAL_COST, DURATION_MS FROM theirs.OPENROUTER_TRACES ORDER BY TOTAL_COST DESC"
    )
    assert found[0] == {"USER_ID": "u_42", "TOTAL_COST": 0.000106000000000001, "DURATION_MS": 2000}


def test_whatever_an_application_has_put_on_a_span_is_taken(database: Database) -> None:
    spans = [replace(span, span_id=f"{number:016x}") for number, span in enumerate(hostile_spans().values(), 1)]
    for span in spans:
        database.insert([span])
    (row,) = database.rows(f"SELECT count() AS ROWS FROM {database.exporter._table}")
    assert int(row["ROWS"]) == len(spans)


def test_the_probe_says_what_to_run_where_there_is_no_table_and_running_it_is_the_cure(server: str) -> None:
    exporter = Clickhouse(endpoint=server, password=PASSWORD, database="cured")
    told = exporter.diagnose(sent(exporter.probe(datetime.now(UTC))))
    assert told is not None
    for statement in told.partition("Run: ")[2].split("; "):
        assert sent(exporter._query(statement)).status == 200
    assert exporter.diagnose(sent(exporter.probe(datetime.now(UTC)))) is None
    assert sent(exporter._query("SELECT count() FROM cured.OPENROUTER_TRACES")).body == b"0\n"


def test_another_table_and_a_wrong_password_are_told(server: str) -> None:
    database = Database(server, "other")
    database.does("CREATE TABLE other.OPENROUTER_TRACES (a String) ENGINE = MergeTree ORDER BY a")
    told = database.exporter.diagnose(sent(database.exporter.probe(datetime.now(UTC))))
    assert "has other columns" in (told or "")
    stranger = Clickhouse(endpoint=server, password="wrong", database="other")
    assert "CLICKHOUSE_PASSWORD" in (stranger.diagnose(sent(stranger.probe(datetime.now(UTC)))) or "")
