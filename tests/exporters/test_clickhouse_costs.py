"""`spancast costs --from` beside `spancast costs`, on ClickHouse's own engine: the same calls, the same answers."""

import json
import re
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from spancast.cli import main
from spancast.delivery.journal.journal import Journal
from spancast.records.call import Call
from spancast_exporters import _clickhouse
from spancast_exporters.clickhouse import Clickhouse
from tests.support.calls import a_call
from tests.support.delivered import sent
from tests.support.environments import python_with
from tests.support.platforms.clickhouse import PASSWORD
from tests.support.servers import free_port, serving
from tests.support.spans import a_trace

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

SCRIPT = Path(__file__).parents[1] / "support" / "platforms" / "clickhouse_server.py"
HOUR = 3600 * 10**9
START = 1_790_000_000 * 10**9
COSTS = (
    *map(Decimal, ("0.1", "0", "0.000000000000000001", "4.1400000000000003e-05", "1234567.89", "0.0000000000015")),
    *(Decimal("0.0000000000005"), None),
)
ODD = 'it\'s \\ a\ttab, a "quote", ünïcode {x:String}'
QUESTIONS = (
    *("user", "session", "model", "requested_model", "provider", "app", "key", "error_type"),
    *("hour", "day", "week", "month", "tag:plan", "tag:it's", "user,day,model,tag:plan", "day,user"),
    *("user --user u_1", "user --session s_2", "model --model a/two", "day --provider Azure", "user --tag plan=gold:9"),
    *("user --app shop", "user --key " + "b" * 64, "user --error-type 429", "user --requested-model a/one"),
    *("user --outcome error", "day --since 2026-09-22 --until 2026-10-20", "user --since 9999-01-01"),
    "user --since 0001-01-01 --sort calls --top 2",
)


UNKNOWN = (
    "* REPLACE (NULL AS TOTAL_COST, "
    """replaceRegexpOne(ATTRIBUTES, '"openrouter.cost_usd":"[^"]*",?', '') AS ATTRIBUTES)"""
)
"""A row as it was before its cost came."""
GUESSED = (
    "* REPLACE (replace(replaceRegexpOne(ATTRIBUTES, "
    """'"openrouter.cost_usd":"[^"]*"', '"openrouter.cost_usd":"9"'), """
    """'"openrouter.cost_source":"response"', '"openrouter.cost_source":"prices"') AS ATTRIBUTES)"""
)
SURE = "JSONExtractString(ATTRIBUTES, 'openrouter.cost_source') = 'response' AND isNotNull(TOTAL_COST)"


def calls() -> Iterator[Call]:
    """Yield calls of every sort that costs tell apart."""
    for number in range(240):
        failed, late = number % 7 == 3, number % 11 == 5
        yield a_call(
            destinations=("clickhouse",),
            started_at=START + number * 17 * HOUR + 1_500_000,
            user=(None, "u_1", "u_2", ODD)[number % 4],
            session=(None, "s_1", "s_2")[number % 3],
            tags=[{}, {"plan": "gold:9"}, {"plan": "free", "it's": ODD}, {"planet": "x"}][number // 4 % 4],
            request_model=("a/one", "a/two", None)[number % 3],
            response_model=None if failed else ("a/one-2026", "a/two")[number % 2],
            provider=None if failed else ("Azure", "OpenAI")[number // 2 % 2],
            key_hash=(None, "a" * 64, "b" * 64)[number // 5 % 3],
            resource={"service.name": ("shop", "unknown_service:python")[number % 2]},
            outcome="error" if failed else "completed",
            error_type=("429", "502")[number % 2] if failed else None,
            http_status=(429, 502, 408)[number % 3] if failed else 200,
            input_tokens=None if failed else number * 1000,
            output_tokens=None if failed else number,
            cached_tokens=number if number % 5 == 0 else None,
            reasoning_tokens=None if failed else 0,
            cost=None if failed else COSTS[number % len(COSTS)],
            cost_source="prices" if late and not failed else "response",
            is_byok=number % 13 == 0,
            upstream_cost=Decimal("0.25") if number % 13 == 0 else None,
        )


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    python, port = python_with("receivers/clickhouse", "chdb==4.4.0", alone=True), free_port()
    with serving(
        [python, "-P", SCRIPT, str(port), PASSWORD],
        f"http://127.0.0.1:{port}/ping",
        {},
        tmp_path_factory.mktemp("clickhouse"),
    ):
        yield f"127.0.0.1:{port}"


@pytest.fixture(scope="module")
def home(server: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A home whose calls have all been delivered to the server."""
    folder = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SPANCAST_HOME", str(folder))
        patch.setenv("SPANCAST_DESTINATIONS", "clickhouse")
        patch.setenv("CLICKHOUSE_URL", f"http://{server}")
        patch.setenv("CLICKHOUSE_PASSWORD", PASSWORD)
        does(server, _clickhouse.create("default.OPENROUTER_TRACES"))
        with closing(Journal(folder)) as journal:
            for call in calls():
                journal.append(call)
        assert main(["deliver"]) == 0
        yield folder


def does(server: str, statement: str) -> bytes:
    exporter = Clickhouse(endpoint=f"http://{server}", password=PASSWORD)
    reply = sent(exporter._query(statement))
    assert reply.status == 200, reply.body
    return reply.body


@pytest.fixture
def alike(home: Path, server: str, capsys: pytest.CaptureFixture[str]) -> Callable[..., None]:
    """Ask the ledger and the server; they say the same."""

    def ask(question: str) -> None:
        by, *filters = question.split(" ")
        said: list[str] = []
        for place in ([], ["--from", f"clickhouse://default:{PASSWORD}@{server}/default"]):
            for shape in ("--json", "--csv"):
                assert main(["costs", "--by", by, *filters, shape, "--home", str(home), *place]) == 0
            said.append(capsys.readouterr().out)
        assert said[1] == said[0]

    return ask


@pytest.mark.parametrize("question", QUESTIONS)
def test_each_question_has_the_same_answer_there(alike: Callable[..., None], question: str) -> None:
    alike(question)


def test_the_table_is_the_same_there_sparklines_and_all(
    home: Path, server: str, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = ["costs", "--by", "model", "--trend", "week", "--home", str(home)]
    assert main(asked) == main([*asked, "--from", f"clickhouse://default:{PASSWORD}@{server}"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[: len(lines) // 2] == lines[len(lines) // 2 :]
    assert "a/two" in lines[1] + lines[2] + lines[3]


def test_an_odd_user_is_found_there(home: Path, server: str, capsys: pytest.CaptureFixture[str]) -> None:
    place = f"clickhouse://default:{PASSWORD}@{server}"
    assert main(["costs", "--json", "--user", ODD, "--tag", f"it's={ODD}", "--from", place]) == 0
    (row,) = json.loads(capsys.readouterr().out)["rows"]
    assert (row["user"], row["calls"]) == (ODD, 15)


def test_spans_that_are_there_several_times_count_once(alike: Callable[..., None], server: str) -> None:
    """As a collector leaves them, or a proxy: no token tells, and an older row may lack the cost or have a guess."""
    before = int(does(server, "SELECT count() FROM default.OPENROUTER_TRACES"))
    again = "INSERT INTO default.OPENROUTER_TRACES SETTINGS insert_deduplicate = 0 SELECT"
    does(server, f"{again} * FROM default.OPENROUTER_TRACES")
    does(server, f"{again} {UNKNOWN} FROM default.OPENROUTER_TRACES")
    assert int(does(server, "SELECT count() FROM default.OPENROUTER_TRACES")) == 4 * before == 960
    does(server, f"{again} {GUESSED} FROM default.OPENROUTER_TRACES WHERE {SURE}")
    for question in QUESTIONS:
        alike(question)


def test_spans_of_the_application_are_no_calls(alike: Callable[..., None], server: str) -> None:
    exporter = Clickhouse(endpoint=f"http://{server}", password=PASSWORD)
    others = [span for span in a_trace() if span.generation is None]
    assert others
    for encoded in exporter.encode(others, datetime.now(UTC)):
        assert sent(encoded.request).status == 200
    alike("user")


@pytest.mark.parametrize(
    ("place", "says"),
    [
        ("clickhouse://default:wr0ng@SERVER", "refuses the user 'default' or the password"),
        (f"clickhouse://default:{PASSWORD}@SERVER/default?table=NONE", "There is no table default.NONE at "),
        (f"clickhouse://default:{PASSWORD}@SERVER/nowhere", "There is no table nowhere.OPENROUTER_TRACES at "),
        (f"clickhouse://default:{PASSWORD}@SERVER/default?table=OTHER", "lacks a column that the query needs"),
    ],
)
@pytest.mark.usefixtures("home")
def test_what_is_wrong_is_told(server: str, capsys: pytest.CaptureFixture[str], place: str, says: str) -> None:
    does(server, "CREATE TABLE IF NOT EXISTS default.OTHER (a String) ENGINE = MergeTree ORDER BY a")
    assert main(["costs", "--from", place.replace("SERVER", server)]) == 1
    complaint = capsys.readouterr().err
    assert says in complaint
    assert not {PASSWORD, "wr0ng"} & set(re.findall(r"\w+", complaint))
