"""`spancast costs --from`: what ClickHouse is asked, and what becomes of its answers and errors."""

import json
import re
from base64 import b64encode
from collections.abc import Callable
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from spancast.cli import main
from tests.support.platform import Platform, Received, answer, in_json
from tests.support.platforms.clickhouse import SPEAKS, failing

USER, PASSWORD = "re@der", "p@ss/w0rd"
LOGIN = "re%40der:p%40ss%2Fw0rd"
TABLE = {"database": "default", "table": "OPENROUTER_TRACES"}
Run = Callable[..., tuple[int, str, str]]


class ClickHouse:
    """Answers with rows to a query that binds what it is given, and nothing else."""

    def __init__(self, *rows: list[Any]) -> None:
        self.rows = rows
        self.parameters: dict[str, str] = {}
        self.sql = ""

    def __call__(self, handler: BaseHTTPRequestHandler, received: Received) -> bool:
        assert received.headers["authorization"] == "Basic " + b64encode(f"{USER}:{PASSWORD}".encode()).decode()
        assert PASSWORD not in received.path
        given = dict(parse_qsl(urlsplit(received.path).query, keep_blank_values=True, strict_parsing=True))
        assert all(name.startswith("param_") for name in given)
        self.sql = received.body.decode()
        self.parameters = {name.removeprefix("param_"): value for name, value in given.items()}
        assert {name for name, _ in re.findall(r"\{(\w+):(String|Int64|Identifier)\}", self.sql)} == set(
            self.parameters
        )
        assert self.sql.endswith(" FORMAT JSONCompact")
        body = {"meta": [], "data": self.rows, "rows": len(self.rows)}
        return in_json(200, body, **{"x-clickhouse-summary": "{}"})(handler, received)


def row(*group: str | None, calls: int = 1, priced: int = 1, refused: int = 0, cost: str | None = "0.1") -> list[Any]:
    """Return a row of an answer; a 64-bit number is a number or text, as the version has it."""
    return [*group, str(calls), 0, priced, refused, 0, 1, 1, 0, 0, "3", "4", "0", "0", cost]


@pytest.fixture
def asked(home: object, spancast: Run) -> Callable[..., tuple[ClickHouse, int, str, str]]:
    def ask(*rows: list[Any], arguments: tuple[str, ...] = (), path: str = "") -> tuple[ClickHouse, int, str, str]:
        clickhouse = ClickHouse(*rows)
        with Platform(clickhouse).open() as platform:
            url = f"clickhouse://{LOGIN}@127.0.0.1:{platform.port}{path}"
            status, printed, complaint = spancast("costs", "--json", "--from", url, *arguments)
        return clickhouse, status, printed, complaint

    return ask


def test_sums_are_exact_and_what_is_unknown_is_null(asked) -> None:
    rows = [row("a", cost="0.100000000000000001"), row(None, calls=3, priced=0, refused=1, cost=None)]
    rows.append(row("b", cost="12345678901234567.000000000001"))
    _, status, printed, _ = asked(*rows)
    found = json.loads(printed)
    assert status == 0
    assert [(each["user"], each["cost_usd"], each["unknown_cost_calls"]) for each in found["rows"]] == [
        ("b", "12345678901234567.000000000001", 0),
        ("a", "0.1", 0),
        (None, None, 2),
    ]
    assert (found["total"]["calls"], found["total"]["cost_usd"]) == (5, "12345678901234567.100000000001")
    assert (found["rows"][1]["input_tokens"], found["rows"][1]["cached_tokens"]) == (3, None)


def test_every_value_is_bound(asked) -> None:
    names = {name: f"it's {name}'; \\ DROP" for name in ("user", "session", "model", "provider", "app")}
    names |= {"key": "a" * 64, "requested-model": "a\tb\nc", "error-type": "429"}
    arguments = [part for name, value in names.items() for part in (f"--{name}", value)]
    arguments += [
        "--outcome",
        "error",
        "--tag",
        "plan=gold:9",
        "--since",
        "2026-11-01",
        "--until",
        "2026-11-01T00:00:00.0015Z",
    ]
    clickhouse, status, _, _ = asked(arguments=(*arguments, "--by", "tag:it's", "day"), path="/sha%70e?table=other")
    first = int(datetime(2026, 11, 1, tzinfo=UTC).timestamp()) * 1000
    assert status == 0
    assert clickhouse.parameters == {
        **{name: value.replace("\\", "\\\\") for name, value in names.items() if "-" not in name},
        "requested_model": "a\\tb\\nc",
        "error_type": "429",
        "outcome": "error",
        "tag_0": "plan:gold:9",
        "of_group_0": "it's:",
        "since": str(first),
        "until": str(first + 2),
        "database": "shape",
        "table": "other",
    }
    assert "DROP" not in clickhouse.sql


def test_absurd_times_are_before_or_after_every_call(asked) -> None:
    clickhouse, _, _, _ = asked(arguments=("--since", "0001-01-01", "--until", "9999-12-31"))
    assert clickhouse.parameters == TABLE | {"since": "0", "until": "9000000000000"}


def test_nothing_found_says_where(home: object, spancast: Run) -> None:
    with Platform(ClickHouse()).open() as platform:
        _, printed, _ = spancast("costs", "--from", f"clickhouse://{LOGIN}@127.0.0.1:{platform.port}")
        assert printed == f"No calls match in default.OPENROUTER_TRACES at 127.0.0.1:{platform.port}.\n"


@pytest.mark.parametrize(
    ("given", "says"),
    [
        (failing(403, 516, "AUTHENTICATION_FAILED", f"{PASSWORD}"), "refuses the user 're@der' or the password"),
        (failing(404, 60, "UNKNOWN_TABLE"), "There is no table default.OPENROUTER_TRACES at 127.0.0.1:"),
        (failing(404, 81, "UNKNOWN_DATABASE"), "`spancast check clickhouse` explains how to create it"),
        (failing(403, 497, "ACCESS_DENIED"), "Run: GRANT SELECT ON default.OPENROUTER_TRACES TO re@der"),
        (failing(404, 47, "UNKNOWN_IDENTIFIER"), "lacks a column that the query needs"),
        (failing(500, 241, "MEMORY_LIMIT_EXCEEDED"), "answers HTTP 500, code 241"),
        (answer(502, body=b"Bad Gateway"), "answers HTTP 502 to the query"),
        (answer(401), "refuses the user"),
        (in_json(200, {"hello": "there"}), "is not one of ClickHouse"),
        (answer(200, SPEAKS, b'{"data": [["a", 1'), "is not one of ClickHouse"),
        (in_json(200, {"data": [], "rows": 1}), "is not one of ClickHouse"),
        (in_json(200, {"data": [["a", 1]], "rows": 1}), "is not one of ClickHouse"),
    ],
)
def test_what_is_wrong_is_told_in_a_line_without_the_password(home: object, spancast: Run, given, says: str) -> None:
    with Platform(given).open() as platform:
        status, printed, complaint = spancast("costs", "--from", f"clickhouse://{LOGIN}@127.0.0.1:{platform.port}")
    assert (status, printed, complaint.count("\n")) == (1, "", 1)
    assert says in complaint
    assert PASSWORD not in complaint
    assert LOGIN not in complaint


def test_no_server_is_told(home: object, spancast: Run) -> None:
    with Platform().open() as platform:
        port = platform.port
    status, _, complaint = spancast("costs", "--from", f"clickhouse://{LOGIN}@127.0.0.1:{port}")
    assert (status, complaint.count("\n")) == (1, 1)
    assert f"ClickHouse at http://127.0.0.1:{port}/ cannot be reached: ConnectError" in complaint


@pytest.mark.parametrize(
    "url",
    [
        *("mysql://h", "clickhouse://", "clickhouse://u:s3cret@/db", "clickhouse://u:s3cret@h/a/b", "h:8123", ""),
        *("clickhouse://u:s3cret/x@h", "clickhouse://u:s3cret@h:9000", "clickhouses://u:s3cret@h?secure=1"),
        *("clickhouse://u:s3cret@h:99999", "clickhouse://u:s3cret@[h", "clickhouse://u:s3cret@h#s3cret"),
    ],
)
def test_what_is_no_url_of_a_table_is_refused_without_repeating_it(home: object, spancast: Run, url: str) -> None:
    status, _, complaint = spancast("costs", "--from", url)
    assert (status, complaint.count("\n")) == (2, 1)
    assert "Write clickhouse://USER:PASSWORD@HOST:8123/DATABASE?table=TABLE" in complaint
    assert "s3cret" not in complaint


@pytest.mark.parametrize(
    "arguments",
    [
        *(("--by", "operation"), ("--operation", "chat"), ("--by", "tag:a:b"), ("--tag", "a:b=c")),
        ("--show", "latency"),
    ],
)
def test_what_the_table_does_not_hold_is_refused(asked, arguments: tuple[str, ...]) -> None:
    clickhouse, status, _, complaint = asked(arguments=arguments)
    assert (status, complaint.count("\n"), clickhouse.sql) == (2, 1, "")
    assert "--from" in complaint


def test_the_password_can_be_left_to_the_environment(home: object, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLICKHOUSE_USER", USER)
    monkeypatch.setenv("CLICKHOUSE_PASSWORD", PASSWORD)
    with Platform(ClickHouse(row("a"))).open() as platform:
        assert main(["costs", "--from", f"clickhouse://127.0.0.1:{platform.port}"]) == 0
