"""The statement that is sent, carried out by fakesnow: its rows, its sums, and the queries of Broadcast's names."""

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

from spancast.contract import Delivered, Request
from spancast.testing.spans import hostile_spans
from spancast_exporters.snowflake import Snowflake
from tests.support.delivered import deliver, sent
from tests.support.environments import python_with
from tests.support.platforms import warehouse
from tests.support.platforms.snowflake import TOKEN
from tests.support.servers import free_port, serving
from tests.support.shared import needs_shared
from tests.support.spans import RECORDED, SECOND, WORDS, a_trace, of_call, of_recording

pytestmark = pytest.mark.slow

SCRIPT = Path(__file__).parents[1] / "support" / "platforms" / "snowflake_server.py"
NEEDS = ("fakesnow[server]==0.12.1", "snowflake-connector-python<5")
COSTS = [3 + Decimal(number) * Decimal("0.000000000000000007") for number in range(1, 501)]
"""Of nineteen digits, which no float holds."""
LAST_MONTH = "TIMESTAMP >= DATEADD(day, -30, CURRENT_TIMESTAMP()) AND SPAN_TYPE = 'GENERATION'"
ASKED = {
    "SELECT DATE_TRUNC('day', TIMESTAMP) AS DAY, MODEL, SUM(TOTAL_TOKENS), COUNT(*) FROM {table} "
    f"WHERE {LAST_MONTH} AND STATUS = 'ok' GROUP BY DAY, MODEL": (1, ["openai/gpt-5-mini-2025-08-07", "12800.0", "10"]),
    "SELECT USER_ID, COUNT(DISTINCT TRACE_ID), COUNT(DISTINCT SESSION_ID) FROM {table} "
    f"WHERE {LAST_MONTH} AND STATUS = 'ok' GROUP BY USER_ID": (0, ["u_42", "1", "1"]),
    "SELECT LEVEL, MODEL FROM {table} WHERE STATUS = 'error' AND TIMESTAMP >= DATEADD(hour, -1, CURRENT_TIMESTAMP())": (
        0,
        ["ERROR", "openai/gpt-5-mini"],
    ),
    "SELECT PROVIDER_NAME, PERCENTILE_CONT(0.95) WITHIN GROUP (ORDER BY DURATION_MS) AS P95 FROM {table} "
    f"WHERE {LAST_MONTH} AND STATUS = 'ok' GROUP BY PROVIDER_NAME HAVING COUNT(*) >= 10": (0, ["Azure", "2000.0"]),
    "SELECT API_KEY_NAME, SUM(PROMPT_TOKENS) FROM {table} "
    f"WHERE {LAST_MONTH} AND STATUS = 'ok' GROUP BY API_KEY_NAME": (0, ["f" * 64, "12000.0"]),
    'SELECT DISTINCT METADATA:team::STRING, ATTRIBUTES:"gen_ai.request.model"::STRING FROM {table} '
    "WHERE METADATA:team IS NOT NULL": (0, ["blue", "openai/gpt-5-mini"]),
    "SELECT DISTINCT INPUT:messages[0]:role::STRING, INPUT:messages[0]:content::STRING FROM {table} "
    "WHERE STATUS = 'ok' AND SPAN_TYPE = 'GENERATION'": (0, ["system", "You are terse."]),
}
"""What OpenRouter's page on Snowflake asks of the table, in its functions; the first row, from a column on."""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    python, port = python_with("receivers/snowflake", *NEEDS, alone=True), free_port()
    command = [python, "-P", SCRIPT, str(port), TOKEN]
    with serving(command, f"http://127.0.0.1:{port}/ping", {}, tmp_path_factory.mktemp("snowflake")):
        yield f"http://127.0.0.1:{port}"


class Database:
    """A table of its own."""

    def __init__(self, url: str, table: str) -> None:
        self.settings = {"account": "a", "token": TOKEN, "endpoint": url, "database": "OBS", "table": table}
        self.exporter = Snowflake(**self.settings)
        self.name = f"OBS.PUBLIC.{table}"

    def does(self, statement: str) -> list[list[str | None]]:
        """Carry out a statement; return what it finds, as text."""
        headers = {"authorization": f"Bearer {TOKEN}"}
        reply = sent(
            Request(url=self.exporter.url, body=json.dumps({"statement": statement}).encode(), headers=headers)
        )
        assert reply.status == 200, reply.body
        found: list[list[str | None]] = json.loads(reply.body)["data"]
        return found

    def insert(self, spans: list[Any]) -> None:
        for encoded in self.exporter.encode(spans, datetime.now(UTC)):
            reply = sent(encoded.request)
            assert self.exporter.judge(encoded, reply) == Delivered(), reply.body

    def told(self) -> str | None:
        return self.exporter.diagnose(sent(self.exporter.probe(datetime.now(UTC))))


@pytest.fixture
def database(server: str, request: pytest.FixtureRequest) -> Database:
    made = Database(server, re.sub(r"\W", "_", request.node.name))
    made.does(warehouse.table_of("snowflake.md").replace("SNOWFLAKE_LEARNING_DB.PUBLIC.OPENROUTER_TRACES", made.name))
    return made


def test_a_row_is_what_the_span_was(database: Database) -> None:
    database.insert([of_call(WORDS, user='ada\'s \\ "ü" ?')])
    (found,) = database.does(
        "SELECT TRACE_ID, USER_ID, TIMESTAMP::VARCHAR, TOTAL_TOKENS, TOTAL_COST::VARCHAR, "
        "INPUT:messages[0]:content::VARCHAR, METADATA:trace_name::VARCHAR, TAGS[0]::VARCHAR, PARENT_SPAN_ID "
        f"FROM {database.name}"
    )
    span = of_call(WORDS)
    assert found[:2] == [span.trace_id, 'ada\'s \\ "ü" ?']
    assert str(found[2]).startswith("2026-09-21 14:13:20")
    assert (found[3], Decimal(str(found[4]))) == ("1280", Decimal("0.000106000000000001"))
    assert found[5:] == ["You are terse.", span.trace_name, "feature:search", span.parent_span_id]


def test_the_sum_of_many_costs_is_exact_and_a_batch_sent_again_is_not_doubled(database: Database) -> None:
    spans = [of_call(span_id=f"{number:016x}", cost=cost) for number, cost in enumerate(COSTS, 1)]
    for part in (spans, spans, spans[:7], spans[100:300]):
        database.insert(part)
    found = database.does(f"SELECT TOTAL_COST::VARCHAR FROM {database.name}")  # fakesnow's own SUM is one of floats
    assert (len(found), sum(Decimal(str(cost)) for (cost,) in found)) == (500, sum(COSTS))


def test_a_cost_that_comes_late_is_the_rows_own_and_an_unknown_one_is_null(database: Database) -> None:
    unknown = {"cost": None, "upstream_cost": None, "upstream_input_cost": None, "upstream_output_cost": None}
    late, free = "00000000000000aa", of_call(span_id="00000000000000bb", **{**unknown, "cost": Decimal(0)})
    database.insert([of_call(**unknown), of_call(span_id=late, **unknown), free])
    database.insert([of_call(span_id=late, cost=Decimal("0.3"))])
    database.insert([of_call(span_id=late, **unknown)])
    found = database.does(f"SELECT SPAN_ID, TOTAL_COST::VARCHAR FROM {database.name} ORDER BY SPAN_ID")
    dollars = {str(span_id)[-2:]: cost and Decimal(cost) for span_id, cost in found}
    assert dollars == {"aa": Decimal("0.3"), "bb": Decimal(0), "31": None}


@needs_shared
def test_recorded_calls_are_read_back_with_their_dollars(database: Database, tmp_path: Path) -> None:
    spans = [of_recording(name, operation) for name, operation, _ in RECORDED]
    spans = [replace(span, span_id=f"{number:016x}") for number, span in enumerate(spans, 1)]
    assert deliver(tmp_path, spans, "snowflake", **database.settings).delivered == len(spans)
    found = database.does(f"SELECT MODEL, TOTAL_COST::VARCHAR FROM {database.name} ORDER BY SPAN_ID")
    assert [cost and Decimal(cost) for _, cost in found] == [cost and Decimal(cost) for _, _, cost in RECORDED]
    assert [model for model, _ in found] == [span.generation and span.generation.response_model for span in spans]


def test_the_query_of_our_page_sums_by_user(database: Database) -> None:
    now = time.time_ns() - SECOND
    users = ("u_1", "u_1", "u_2")
    database.insert(
        [of_call(span_id=f"{n:016x}", user=user, cost=Decimal(n), started_at=now) for n, user in enumerate(users, 1)]
    )
    database.insert(a_trace()[:1])
    (query,) = [each for each in warehouse.statements("snowflake.md") if each.startswith("SELECT")]
    found = database.does(query.replace("SNOWFLAKE_LEARNING_DB.PUBLIC.OPENROUTER_TRACES", database.name))
    assert sorted((user, calls, Decimal(str(cost))) for user, calls, cost in found) == [
        ("u_1", "2", Decimal(3)),
        ("u_2", "1", Decimal(3)),
    ]


def test_what_openrouters_page_asks_is_answered(database: Database) -> None:
    now = time.time_ns() - SECOND
    calls = [of_call(WORDS, span_id=f"{number:016x}", started_at=now, key_hash="f" * 64) for number in range(1, 11)]
    database.insert([*calls, replace(a_trace()[3], start=now)])
    for query, (start, expected) in ASKED.items():
        (first, *_) = database.does(query.replace("{table}", database.name))
        assert first[start:] == expected, query


def test_whatever_an_application_has_put_on_a_span_is_taken(database: Database) -> None:
    spans = [replace(span, span_id=f"{number:016x}") for number, span in enumerate(hostile_spans().values(), 1)]
    for span in spans:
        database.insert([span])
    assert database.does(f"SELECT COUNT(*) FROM {database.name}") == [[str(len(spans))]]


def test_the_probe_says_what_to_run_and_running_it_is_the_cure(server: str) -> None:
    database = Database(server, "CURED")
    told = database.told()
    assert told is not None
    database.does(told.partition("Run: ")[2])
    assert database.told() is None
    assert database.does(f"SELECT COUNT(*) FROM {database.name}") == [["0"]]


def test_a_wrong_token_is_told(server: str) -> None:
    stranger = Snowflake(account="a", token="wrong-token", endpoint=server)
    assert "SNOWFLAKE_TOKEN" in (stranger.diagnose(sent(stranger.probe(datetime.now(UTC)))) or "")
