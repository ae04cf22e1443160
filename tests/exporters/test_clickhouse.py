import json
import re
from base64 import b64encode
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from decimal import Decimal
from gzip import decompress
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import msgspec
import pytest

from spancast.contract import Delivered, Exporter, Probe, ReadBack, Rejected, Reply, Retry, Split, Traits, Unauthorized
from spancast.delivery.http.wire import Wire
from spancast.destinations import discover
from spancast.destinations.destination import Destination
from spancast.destinations.discover import Unconfigured
from spancast.errors import ConfigurationError
from spancast_exporters import _clickhouse
from spancast_exporters.clickhouse import Clickhouse
from tests.support import golden
from tests.support.delivered import deliver, settled
from tests.support.hostile import HOSTILE
from tests.support.platform import Received, answer, hanging_up
from tests.support.platforms.clickhouse import PASSWORD, SPEAKS, clickhouse, exception, failing
from tests.support.spans import WORDS, a_trace, of_call

NOW = datetime(2026, 9, 21, tzinfo=UTC)
PAGE = Path(__file__).parents[2] / "docs" / "clickhouse.md"
TOKEN = "insert_deduplication_token"
UNKNOWN = dict.fromkeys(("cost", "cost_source", "upstream_cost", "upstream_input_cost", "upstream_output_cost"))


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch):
    for name in ("URL", "HOST", "PORT", "SECURE", "USER", "USERNAME", "PASSWORD", "DATABASE", "DB", "TABLE"):
        monkeypatch.delenv(f"CLICKHOUSE_{name}", raising=False)


def made(**settings) -> Clickhouse:
    exporter = discover.exporter(Destination("clickhouse", **{"endpoint": "http://localhost:8123", **settings}))
    assert isinstance(exporter, Clickhouse)
    return exporter


def settings_of(spans, **settings) -> dict[str, str]:
    """Return what the address of an insert says."""
    (encoded,) = made(**settings).encode(spans, NOW)
    return {name: value for name, (value,) in parse_qs(urlsplit(encoded.request.url).query).items()}


# --- where it goes ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("variables", "url"),
    [
        ({"URL": "http://localhost:8123"}, "http://localhost:8123/"),
        (
            {"URL": "https://abc.eu-west-1.aws.clickhouse.cloud:8443/"},
            "https://abc.eu-west-1.aws.clickhouse.cloud:8443/",
        ),
        ({"URL": "https://gate.example/clickhouse"}, "https://gate.example/clickhouse/"),
        ({"HOST": "clickhouse"}, "http://clickhouse:8123/"),
        ({"HOST": "clickhouse:8124"}, "http://clickhouse:8124/"),
        ({"HOST": "clickhouse", "SECURE": "true"}, "https://clickhouse:8443/"),
        ({"HOST": "clickhouse", "PORT": "8443"}, "https://clickhouse:8443/"),
        ({"HOST": "clickhouse", "PORT": "8443", "SECURE": "0"}, "http://clickhouse:8443/"),
        ({"URL": "http://a:1", "HOST": "b"}, "http://a:1/"),
    ],
)
def test_the_variables_that_people_set_say_where_it_goes(monkeypatch, variables, url):
    for name, value in variables.items():
        monkeypatch.setenv(f"CLICKHOUSE_{name}", value)
    exporter = discover.exporter(Destination("clickhouse"))
    assert isinstance(exporter, Clickhouse)
    assert exporter.url == url


def test_the_variables_that_people_set_say_who_and_which_table(monkeypatch):
    for name, value in {"USERNAME": "ada", "PASSWORD": "pä55", "DB": "llm", "TABLE": "calls"}.items():
        monkeypatch.setenv(f"CLICKHOUSE_{name}", value)
    (encoded,) = made().encode([of_call()], NOW)
    assert "INSERT+INTO+llm.calls+FORMAT+JSONEachRow" in encoded.request.url
    assert encoded.request.headers["authorization"] == "Basic " + b64encode("ada:pä55".encode()).decode()
    assert "pä55" not in repr(made())
    assert (isinstance(made(), Exporter), isinstance(made(), Probe), isinstance(made(), ReadBack)) == (True,) * 3


def test_a_missing_address_is_named():
    with pytest.raises(Unconfigured, match=r"CLICKHOUSE_URL or CLICKHOUSE_HOST"):
        discover.exporter(Destination("clickhouse"))


@pytest.mark.parametrize(
    ("settings", "why"),
    [
        ({"endpoint": "clickhouse://localhost:9000"}, "http://HOST:8123"),
        ({"endpoint": "http://localhost:9000"}, "native protocol"),
        ({"endpoint": "localhost:9440"}, "native protocol"),
        ({"endpoint": "http://ada:secret@localhost:8123"}, "without a user"),
        ({"endpoint": "http://localhost:8123/?user=ada"}, "without a user"),
        ({"endpoint": "http://:8123"}, "HTTP interface"),
        ({"endpoint": "localhost", "port": "x"}, "port cannot be"),
        ({"user": "a:b"}, "user cannot be"),
        ({"table": "a`b"}, "cannot be the name of a database or table"),
        ({"table": "llm.calls"}, "cannot be the name of a database or table"),
        ({"database": ""}, "cannot be the name of a database or table"),
    ],
)
def test_what_cannot_work_is_refused_when_it_is_made(settings, why):
    with pytest.raises(ValueError, match=why) as raised:
        Clickhouse(**{"endpoint": "http://localhost:8123", **settings})
    assert "secret" not in str(raised.value)


def test_what_is_refused_is_a_configuration_error():
    with pytest.raises(ConfigurationError, match="native protocol"):
        made(endpoint="http://localhost:9000")


def test_a_name_that_is_no_word_is_quoted():
    assert _clickhouse.table("my-db", "OPENROUTER_TRACES") == "`my-db`.OPENROUTER_TRACES"


# --- what is sent ----------------------------------------------------------------------------------------------------


def test_what_goes_over_the_wire_is_what_the_file_has():
    (encoded,) = made(password=PASSWORD).encode(a_trace(), NOW)
    parts = urlsplit(encoded.request.url)
    seen = {
        "url": parts._replace(query="").geturl(),
        "query": {name: value for name, (value,) in parse_qs(parts.query).items()},
        "headers": {name: value for name, value in encoded.request.headers.items() if name != "authorization"},
        "rows": [msgspec.Raw(line) for line in decompress(encoded.request.body).splitlines()],
    }
    golden.check("clickhouse", seen)


def test_a_trace_is_rows_and_a_call_has_its_dollars_to_the_last_digit(tmp_path):
    with clickhouse() as (table, platform):
        sent = [*a_trace()[:1], of_call(WORDS), *a_trace()[2:]]
        standing = deliver(tmp_path, sent, "clickhouse", endpoint=platform.url, password=PASSWORD)
    assert (standing.delivered, len(table.rows)) == (4, 4)
    assert [row.get("TOTAL_COST") for row in table.rows] == [None, "0.000106000000000001", None, None]
    assert [row["SPAN_TYPE"] for row in table.rows] == ["SPAN", "GENERATION", "SPAN", "GENERATION"]


def test_an_unknown_cost_is_left_out_and_nothing_is_nothing(tmp_path):
    free = of_call(span_id="0" * 15 + "1", **{**UNKNOWN, "cost": Decimal(0)})
    with clickhouse() as (table, platform):
        deliver(tmp_path, [of_call(**UNKNOWN), free], "clickhouse", endpoint=platform.url, password=PASSWORD)
    assert [[value for name, value in row.items() if "COST" in name] for row in table.rows] == [[], ["0"]]


@pytest.mark.parametrize("what", HOSTILE)
def test_hostile_values_spoil_nothing(tmp_path, what):
    sent = [of_call(**HOSTILE[what]), of_call(span_id="00000000000000aa")]
    with clickhouse() as (table, platform):
        standing = deliver(tmp_path, sent, "clickhouse", endpoint=platform.url, password=PASSWORD)
    assert (standing.delivered, len(table.rows)) == (2, 2)


def test_many_rows_are_inserts_of_a_size():
    many = [replace(of_call(span_id=f"{each:016x}"), content={"input.value": "w" * 3_000_000}) for each in range(1, 9)]
    requests = made().encode(many, NOW)
    assert [len(each.span_ids) for each in requests] == [5, 3]
    assert len({each.request.url for each in requests}) == 2


# --- each span once --------------------------------------------------------------------------------------------------


def test_the_token_is_of_the_spans_and_their_dollars_and_of_nothing_else():
    calls = [of_call(span_id=f"{each:016x}") for each in (1, 2, 3)]
    whole = settings_of(calls)[TOKEN]
    assert settings_of(calls[::-1])[TOKEN] == whole
    assert settings_of([replace(each, content={"input.value": "x"}) for each in calls])[TOKEN] == whole
    others = [calls[:2], calls[2:], [*calls[:2], of_call(span_id=f"{3:016x}", cost=Decimal("0.1"))]]
    tokens = {settings_of(each)[TOKEN] for each in others}
    assert len(tokens | {whole}) == 4
    assert all(re.fullmatch(r"spancast-[0-9a-f]{64}", each) for each in tokens)


def test_what_is_sent_again_alike_is_one(tmp_path):
    with clickhouse(failing(500, 252, "TOO_MANY_PARTS")) as (table, platform), closing(Wire()) as wire:
        exporter = made(endpoint=platform.url, password=PASSWORD)
        (encoded,) = exporter.encode(a_trace(), NOW)
        verdicts = [exporter.judge(encoded, wire.post(encoded.request)) for _ in range(3)]
    assert verdicts == [Retry("HTTP 500: code 252, TOO_MANY_PARTS"), Delivered(), Delivered()]
    assert (len(table.tokens), len(table.rows)) == (2, 4)


@dataclass(frozen=True, kw_only=True)
class Sooner(Clickhouse):
    """Is asked at once, which a test can wait for."""

    traits: Traits = field(default=Traits(resend="duplicates", visible_after=0.0), init=False)


@pytest.mark.parametrize("lost", ["request", "answer", "acknowledgement", "gateway"])
def test_a_row_whose_answer_was_lost_is_there_once(tmp_path, lost):
    sent = [of_call(span_id=f"{number:016x}") for number in range(1, 4)]
    with clickhouse() as (table, platform):

        def losing(handler, received: Received) -> bool:
            if lost != "request":
                table.answered(received)
            said = {"acknowledgement": 200, "gateway": 504}.get(lost)
            if said is None:
                return hanging_up(handler, received)
            return answer(said, {"content-type": "text/html"}, b"<p>")(handler, received)

        platform.answers.insert(0, losing)
        standing = settled(tmp_path, sent, Sooner(endpoint=platform.url, password=PASSWORD))
    assert (standing.delivered, standing.dead, standing.waiting) == (3, 0, 0)
    assert sorted(row["SPAN_ID"] for row in table.rows) == [span.span_id for span in sent]
    assert table.asked


def test_clickhouse_is_asked_which_rows_it_has(tmp_path):
    there, absent = of_call(), of_call(span_id="00000000000000aa")
    elsewhere = replace(there, trace_id="f" * 32)
    with clickhouse() as (table, platform), closing(Wire()) as wire:
        deliver(tmp_path, [there], "clickhouse", endpoint=platform.url, password=PASSWORD)
        exporter = made(endpoint=platform.url, password=PASSWORD)
        for asked, found in (
            ([there, absent], {there.span_id: True, absent.span_id: False}),
            ([elsewhere], {elsewhere.span_id: False}),
        ):
            assert exporter.found(asked, wire.post(exporter.read_back(asked, NOW))) == found
    assert "BETWEEN fromUnixTimestamp64Milli(1790000000000) AND" in table.asked[0]


def test_the_answer_for_as_many_spans_as_go_at_once_is_read_whole(tmp_path):
    sent = [of_call(span_id=f"{number:016x}") for number in range(1, made().traits.max_spans + 1)]
    with clickhouse() as (_, platform), closing(Wire()) as wire:
        exporter = made(endpoint=platform.url, password=PASSWORD)
        for encoded in exporter.encode(sent, NOW):
            wire.post(encoded.request)
        assert set(exporter.found(sent, wire.post(exporter.read_back(sent, NOW))).values()) == {True}


@pytest.mark.parametrize(
    ("status", "body", "found"),
    [
        (200, b"", {}),
        (200, b'{"data": [], "rows": 1}', {}),
        (200, b'{"data": [], "row', {}),
        (200, b"[]", {}),
        (404, b'{"data": [], "rows": 0}', {}),
        (200, b'{"data": [null, ["x"]], "rows": 2}', {"b7ad6b7169203331": False}),
    ],
)
def test_only_a_whole_answer_tells_what_is_missing(status, body, found):
    assert made().found([of_call()], Reply(status, {}, body)) == found


# --- what ClickHouse says --------------------------------------------------------------------------------------------


def verdict_on(reply: Reply):
    exporter = made()
    (encoded,) = exporter.encode([of_call()], NOW)
    return exporter.judge(encoded, reply)


@pytest.mark.parametrize(
    ("status", "code", "name", "kind"),
    [
        (403, 516, "AUTHENTICATION_FAILED", Unauthorized),
        (500, 497, "ACCESS_DENIED", Unauthorized),
        (404, 60, "UNKNOWN_TABLE", Retry),
        (404, 16, "NO_SUCH_COLUMN_IN_TABLE", Retry),
        (500, 241, "MEMORY_LIMIT_EXCEEDED", Retry),
        (400, 27, "CANNOT_PARSE_INPUT_ASSERTION_FAILED", Rejected),
        (500, 69, "ARGUMENT_OUT_OF_BOUND", Rejected),
        (413, 307, "TOO_MANY_BYTES", Split),
    ],
)
def test_an_exception_is_judged_by_its_code(status, code, name, kind):
    for headers in ({**SPEAKS, "x-clickhouse-exception-code": str(code)}, SPEAKS):
        verdict = verdict_on(Reply(status, headers, exception(code, name)))
        assert isinstance(verdict, kind)
        why = next(iter(verdict.reasons.values())) if isinstance(verdict, Rejected) else verdict.reason
        assert why == f"HTTP {status}: code {code}, {name}" or kind is Split


@pytest.mark.parametrize(
    ("status", "code", "name"),
    [
        (500, 159, "TIMEOUT_EXCEEDED"),
        (500, 209, "SOCKET_TIMEOUT"),
        (500, 210, "NETWORK_ERROR"),
        (500, 319, "UNKNOWN_STATUS_OF_INSERT"),
        (500, 394, "QUERY_WAS_CANCELLED"),
        (500, 999, "KEEPER_EXCEPTION"),
    ],
)
def test_an_insert_that_broke_off_may_be_in(status, code, name):
    assert verdict_on(Reply(status, SPEAKS, exception(code, name))) == Retry(
        f"HTTP {status}: code {code}, {name}", doubtful=True
    )


@pytest.mark.parametrize(
    ("status", "doubtful"), [(500, True), (502, True), (504, True), (503, False), (429, False), (404, False)]
)
def test_what_a_proxy_says_is_in_doubt_where_it_has_handed_the_insert_on(status, doubtful):
    assert verdict_on(Reply(status, {"content-type": "text/html"}, b"<html>")) == Retry(
        f"HTTP {status}", None, doubtful
    )


def test_what_was_refused_before_it_began_is_in_no_doubt():
    for code, name in ((202, "TOO_MANY_SIMULTANEOUS_QUERIES"), (252, "TOO_MANY_PARTS"), (241, "MEMORY_LIMIT_EXCEEDED")):
        verdict = verdict_on(Reply(500, SPEAKS, exception(code, name)))
        assert isinstance(verdict, Retry)
        assert not verdict.doubtful


def test_a_success_with_an_exception_in_it_is_none():
    torn = b"1\t2\n" + exception(241, "MEMORY_LIMIT_EXCEEDED")
    failing = {**SPEAKS, "x-clickhouse-exception-code": "241"}
    for reply in (Reply(200, SPEAKS, torn), Reply(200, failing), Reply(200, {"content-type": "text/plain"})):
        verdict = verdict_on(reply)
        assert isinstance(verdict, Retry)
        assert verdict.doubtful
    assert verdict_on(Reply(200, SPEAKS)) == Delivered()


def test_no_row_that_an_exception_quotes_is_repeated():
    said = exception(27, "CANNOT_PARSE_INPUT_ASSERTION_FAILED", "Cannot parse before: 'My name is Ada (SECRET)'")
    verdict = verdict_on(Reply(400, SPEAKS, said))
    assert "Ada" not in str(verdict)
    assert "SECRET" not in str(verdict)


# --- spancast check --------------------------------------------------------------------------------------------------


def told(*first, **settings) -> tuple[str | None, list[str]]:
    with clickhouse(*first) as (table, platform), closing(Wire()) as wire:
        exporter = made(**{"endpoint": platform.url, "password": PASSWORD, **settings})
        return exporter.diagnose(wire.post(exporter.probe(NOW))), table.asked


def test_a_connection_is_tested_without_leaving_a_row():
    said, (asked,) = told()
    assert said is None
    assert re.fullmatch(r"INSERT INTO (\S+) \((.*)\) SELECT \2 FROM \1 WHERE 0", asked)
    assert "TOTAL_COST" in asked


@pytest.mark.parametrize(
    ("first", "cure"),
    [
        (
            failing(404, 60, "UNKNOWN_TABLE"),
            "Run: CREATE TABLE IF NOT EXISTS default.OPENROUTER_TRACES (TRACE_ID String",
        ),
        (failing(404, 81, "UNKNOWN_DATABASE"), "Run: CREATE DATABASE default; CREATE TABLE IF NOT EXISTS"),
        (failing(404, 47, "UNKNOWN_IDENTIFIER"), "has other columns"),
        (failing(500, 497, "ACCESS_DENIED"), "GRANT SELECT, INSERT ON default.OPENROUTER_TRACES TO default"),
        (failing(403, 516, "AUTHENTICATION_FAILED"), "CLICKHOUSE_PASSWORD"),
        (answer(401, {}), "CLICKHOUSE_PASSWORD"),
        (answer(502, {}), "CLICKHOUSE_URL"),
        (answer(200, {"content-type": "text/html"}, b"<p>"), "is not one of ClickHouse"),
        (answer(200, {"content-type": "text/plain"}), "is not one of ClickHouse"),
    ],
)
def test_what_is_wrong_is_told_with_the_cure(first, cure):
    said, _ = told(first)
    assert cure in (said or "")


def test_a_wrong_password_parks(tmp_path):
    with clickhouse() as (table, platform):
        standing = deliver(tmp_path, [of_call()], "clickhouse", endpoint=platform.url, password="wrong-password")
    assert (standing.state, standing.waiting, table.rows) == ("parked", 1, [])


def test_the_page_has_the_table_that_is_meant():
    statements = re.findall(r"```sql\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    (written,) = [each for each in statements if "OPENROUTER_TRACES\n(" in each]
    assert plain(written) == plain(_clickhouse.create("default.OPENROUTER_TRACES"))


def plain(statement: str) -> str:
    return re.sub(r"\s*([(),])\s*", r"\1", " ".join(statement.split()))


def test_the_answer_of_a_row_is_json_that_says_its_parts():
    (encoded,) = made().encode([of_call(WORDS)], NOW)
    row = json.loads(decompress(encoded.request.body))
    assert json.loads(row["INPUT"])["messages"][1]["role"] == "user"
