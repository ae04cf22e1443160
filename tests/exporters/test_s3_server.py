"""Through moto's S3, and by botocore's signature; Parquet by pyarrow, and by an engine that is not pyarrow's."""

import json
import re
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx2
import pytest

from spancast.contract import Delivered, Request
from spancast.testing.spans import hostile_spans
from spancast_exporters import _sigv4
from spancast_exporters.s3 import S3
from tests.support.delivered import deliver, sent
from tests.support.environments import python_with
from tests.support.servers import free_port, serving
from tests.support.spans import a_trace, of_call

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

PLATFORMS = Path(__file__).parents[1] / "support" / "platforms"
PAGE = Path(__file__).parents[2] / "docs" / "s3.md"
KEYS = {"access_key_id": "AKIDEXAMPLE", "secret_access_key": "s3cret"}
NOW = datetime(2026, 9, 21, tzinfo=UTC)
COSTS = [Decimal(number) * Decimal("0.000000000000000007") for number in range(1, 601)]


def moto() -> Path:
    return python_with("receivers/s3", "moto[s3,server]==5.2.5", alone=True)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    port = free_port()
    command = [moto().with_name("moto_server"), "-H", "127.0.0.1", "-p", str(port)]
    with serving(command, f"http://127.0.0.1:{port}", {}, tmp_path_factory.mktemp("s3")):
        yield f"http://127.0.0.1:{port}"


class Bucket:
    """A bucket of its own."""

    def __init__(self, server: str, name: str) -> None:
        self.settings = {**KEYS, "endpoint": server, "bucket": name}
        self.url = f"{server}/{name}"
        httpx2.put(self.url, trust_env=False).raise_for_status()

    def put(self, spans: list[Any], at: datetime = NOW) -> None:
        exporter = S3(**self.settings)
        for encoded in exporter.encode(spans, at):
            assert exporter.judge(encoded, sent(encoded.request)) == Delivered()

    def keys(self) -> list[str]:
        return re.findall("<Key>(.*?)</Key>", self._got("?list-type=2").decode())

    def rows(self) -> list[dict[str, Any]]:
        """Return the rows of all files, as a client reads them that looks at content-encoding."""
        return [json.loads(line) for key in self.keys() for line in self._got(f"/{key}").splitlines()]

    def _got(self, what: str) -> bytes:
        keys = _sigv4.Keys(KEYS["access_key_id"], KEYS["secret_access_key"], "us-east-1")
        request = Request(url=f"{self.url}{what}", body=b"", method="GET")
        reply = sent(_sigv4.signed(request, keys, datetime.now(UTC)))
        assert reply.status == 200
        return reply.body


@pytest.fixture
def bucket(server: str, request: pytest.FixtureRequest) -> Bucket:
    return Bucket(server, re.sub(r"\W|_", "-", request.node.name)[:60].strip("-"))


def test_a_trace_is_read_back(bucket: Bucket, tmp_path: Path) -> None:
    assert deliver(tmp_path, a_trace(), "s3", **bucket.settings).delivered == 4
    (key,) = bucket.keys()
    assert re.fullmatch(r"openrouter-traces/2026-09-21/\d{6}-[0-9a-f]{32}\.jsonl\.gz", key)
    assert [row["SPAN_ID"] for row in bucket.rows()] == [span.span_id for span in a_trace()]
    assert bucket.rows()[1]["TOTAL_COST"] == "0.000106000000000001"


def test_the_sum_of_many_costs_is_exact_and_a_batch_sent_again_is_not_doubled(bucket: Bucket) -> None:
    spans = [of_call(span_id=f"{number:016x}", cost=cost) for number, cost in enumerate(COSTS, 1)]
    for days in range(3):
        bucket.put(spans, NOW + timedelta(days=days))
    assert sum(Decimal(row["TOTAL_COST"]) for row in bucket.rows()) == sum(COSTS)


def test_of_a_span_that_is_sent_again_beside_others_the_later_row_is_told(bucket: Bucket) -> None:
    first = [of_call(span_id=f"{number:016x}", cost=None, cost_source=None) for number in (1, 2)]
    again = [of_call(span_id=f"{number:016x}", cost=Decimal("0.1")) for number in (1, 2, 3)]
    bucket.put(again, NOW + timedelta(seconds=1))
    bucket.put(first, NOW)
    rows = sorted(bucket.rows(), key=lambda row: row["SENT_AT"])
    last = {(row["TRACE_ID"], row["SPAN_ID"]): row for row in rows}
    assert (len(rows), sum(Decimal(row["TOTAL_COST"]) for row in last.values())) == (5, Decimal("0.3"))


def test_whatever_an_application_has_put_on_a_span_is_taken(bucket: Bucket) -> None:
    bucket.put(list(hostile_spans().values()))
    assert len(bucket.rows()) == len(hostile_spans())


def test_the_probe_is_answered(bucket: Bucket, server: str) -> None:
    exporter = S3(**bucket.settings)
    assert exporter.diagnose(sent(exporter.probe(NOW))) is None
    elsewhere = S3(**{**bucket.settings, "bucket": "no-such-bucket"})
    assert "no such bucket" in (elsewhere.diagnose(sent(elsewhere.probe(NOW))) or "")


@pytest.mark.parametrize(
    "key", ["openrouter-traces/2026-09-21/a.json", "my traces/ä+b=c&d/$~'()*!/%41.json", "a//b/./c", "\u20ac.parquet"]
)
def test_a_signature_is_the_one_that_botocore_makes(key: str) -> None:
    address = f"https://my.minio.example:9000/traces/{_sigv4.encoded(key)}"
    headers = {"content-type": "application/x-ndjson", "content-encoding": "gzip"}
    request = Request(url=address, body=b"{}", headers=headers, method="PUT")
    keys = _sigv4.Keys("AKIDEXAMPLE", "s3cret", "eu-central-1", "t0ken")
    ours = _sigv4.signed(request, keys, NOW).headers["authorization"]
    script = PLATFORMS / "signed_by_botocore.py"
    command = [moto(), script, address, json.dumps(headers), "{}", str(int(NOW.timestamp()))]
    theirs = subprocess.run(command, check=True, capture_output=True, text=True, timeout=60).stdout.strip()
    assert ours == theirs.replace(", ", ",")


def test_parquet_has_exact_dollars_for_pyarrow_and_for_another_engine(tmp_path: Path) -> None:
    python = python_with("receivers/parquet", "pyarrow>=16", "pytest>=9")
    command = [python, PLATFORMS / "parquet_files.py", tmp_path]
    done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=120)
    found = json.loads(done.stdout)
    assert re.search(r"/openrouter-traces/2026-09-21/\d{6}-[0-9a-f]{32}\.parquet$", found["url"])
    expected = {"TOTAL_COST": "decimal128(38, 18)", "TIMESTAMP": "timestamp[us, tz=UTC]"}
    assert {name: found["types"][name] for name in expected} == expected
    assert (found["rows"], Decimal(found["total"]), found["unknown"]) == (600, sum(COSTS), None)
    assert (found["first"]["MODEL"], found["first"]["TAGS"]) == ("openai/gpt-5-mini-2025-08-07", "['feature:search']")
    assert found["hostile"] == [1] * len(hostile_spans())
    query = f"SELECT count(), sum(TOTAL_COST), min(TIMESTAMP) FROM file('{tmp_path}/many.parquet')"
    engine = python_with("receivers/clickhouse", "chdb==4.4.0", alone=True)
    script = f"import chdb; print(chdb.query({query!r}, 'TabSeparated'))"
    read = subprocess.run(
        [engine, "-c", script], check=True, capture_output=True, text=True, timeout=120
    ).stdout.split()
    assert (int(read[0]), Decimal(read[1]), read[2]) == (600, sum(COSTS), "2026-09-21")


@pytest.mark.parametrize("form", ["jsonl", "json"])
def test_the_query_of_our_page_counts_each_call_once_and_exactly(tmp_path: Path, form: str) -> None:
    (query,) = re.findall(r"```sql\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    exporter = S3(bucket="my-traces", **KEYS, format=form)
    first = [of_call(span_id=f"{number:016x}", cost=None, cost_source=None) for number in (1, 2)]
    again = [of_call(span_id=f"{number:016x}", cost=cost) for number, cost in enumerate(COSTS, 1)]
    for spans, at in ((first, NOW), (again, NOW + timedelta(days=1)), (again, NOW + timedelta(days=2))):
        for encoded in exporter.encode([*a_trace()[:1], *spans], at):
            file = tmp_path / encoded.request.url.removeprefix(f"{exporter.url}/")
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(encoded.request.body)
    end = "jsonl.gz" if form == "jsonl" else "json"
    local = query.replace("s3://my-traces/openrouter-traces/*/*.jsonl.gz", f"{tmp_path}/openrouter-traces/*/*.{end}")
    script = f"import duckdb; print(duckdb.sql({local!r}).fetchall())"
    command = [python_with("receivers/duckdb", "duckdb>=1.1", alone=True), "-c", script]
    read = subprocess.run(command, check=True, capture_output=True, text=True, timeout=120).stdout.strip()
    assert read == str([("u_42", len(COSTS), sum(COSTS).quantize(Decimal("1E-18")))])
