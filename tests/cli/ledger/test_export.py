"""`spancast ledger export`: what is in the files is what is in the ledger, to the last digit."""

import csv
import io
import json
import re
import subprocess
import sys
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal, localcontext
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from spancast.bookkeeping.book import Book
from spancast.cli import main
from spancast.cli.exporting.columns import COLUMNS
from spancast.cli.exporting.focus import columns as focus_columns
from tests.bookkeeping.records import call, emptied
from tests.support.environments import python_with

AT = 1_790_000_000_123_456_789
SEGMENT = "writer-000001.seg"
HURRIED = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow]

amounts = st.none() | st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**60), max_value=10**60)
edges = st.sampled_from(["0", "-0.5", "0.1234567890123456", "1E-13", "5E-13", "4611686.018427387905", "1e90"]).map(
    Decimal
)
texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=20)
facts = st.fixed_dictionaries(
    {
        "started_at": st.integers(0, 2**62),
        "user": st.none() | texts,
        "session": st.none() | texts,
        "tags": st.dictionaries(texts, texts, max_size=2),
        "error_message": st.none() | texts,
        "cost": amounts | edges,
        "input_tokens": st.none() | st.integers(0, 2**63 - 1),
        "duration": st.none() | st.integers(0, 2**62),
        "streamed": st.booleans(),
    }
)


@pytest.fixture
def book(home):
    with closing(Book(home)) as opened:
        yield opened


def stated_total(home: Path) -> Decimal | None:
    """Return what `spancast costs` says of all calls."""
    printed = io.StringIO()
    with contextmanager(_instead)(printed):
        assert main(["costs", "--json", "--home", str(home)]) == 0
    total = json.loads(printed.getvalue())["total"]["cost_usd"]
    return None if total is None else Decimal(total)


def _instead(printed: io.StringIO):
    before, sys.stdout = sys.stdout, printed
    try:
        yield
    finally:
        sys.stdout = before


def added(amounts) -> Decimal | None:
    with localcontext(prec=300):
        known = [Decimal(amount) for amount in amounts if amount not in ("", None)]
        return sum(known, Decimal(0)) if known else None


def exported(home: Path, form: str, *arguments: str) -> str:
    path = home / f"calls.{form}"
    assert main(["ledger", "export", "--to", str(path), "--format", form, "--home", str(home), *arguments]) == 0
    return path.read_bytes().decode()


@settings(
    deadline=None, max_examples=40, suppress_health_check=HURRIED, phases=[Phase.explicit, Phase.reuse, Phase.generate]
)
@given(st.lists(facts, max_size=5))
def test_csv_and_lines_of_json_say_what_the_ledger_says(book, home, several):
    booked = [call(**each) for each in several]
    emptied(book).apply(SEGMENT, 1, booked)
    rows = list(csv.DictReader(io.StringIO(exported(home, "csv"), newline="")))
    lines = [json.loads(line) for line in exported(home, "jsonl").splitlines()]
    total = stated_total(home)
    assert added(row["cost_usd"] for row in rows) == total
    assert added(line["cost_usd"] for line in lines) == total
    expected = {each.call_id: each for each in booked}
    assert {row["call_id"] for row in rows} == {line["call_id"] for line in lines} == set(expected)
    for row, line in zip(rows, lines, strict=True):
        meant = expected[row["call_id"]]
        assert (line["user"], line["session"], line["error_message"]) == (
            meant.user,
            meant.session,
            meant.error_message,
        )
        assert (row["user"], row["session"]) == (meant.user or "", meant.session or "")
        assert line["tags"] == json.loads(row["tags"]) == dict(meant.tags)
        assert (line["input_tokens"], line["streamed"]) == (meant.input_tokens, meant.streamed)
        stated = None if line["cost_stated_usd"] is None else Decimal(line["cost_stated_usd"])
        assert stated == meant.cost
        assert row["cost_stated_usd"] == (line["cost_stated_usd"] or "")
        since = datetime.fromisoformat(line["started_at"]) - datetime(1970, 1, 1, tzinfo=UTC)
        assert since // timedelta(microseconds=1) == meant.started_at // 1000


@settings(
    deadline=None, max_examples=40, suppress_health_check=HURRIED, phases=[Phase.explicit, Phase.reuse, Phase.generate]
)
@given(st.lists(facts, max_size=5))
def test_charges_add_up_to_what_is_known_to_have_been_spent(book, home, several):
    emptied(book).apply(SEGMENT, 1, [call(**each) for each in several])
    charges = list(csv.DictReader(io.StringIO(exported(home, "focus"), newline="")))
    assert len(charges) == sum(each["cost"] is not None for each in several)
    assert added(charge["BilledCost"] for charge in charges) == stated_total(home)


MANDATORY = (
    "BilledCost",
    "BillingAccountId",
    "BillingAccountName",
    "BillingCurrency",
    "BillingPeriodEnd",
    "BillingPeriodStart",
    "ChargeCategory",
    "ChargeClass",
    "ChargeDescription",
    "ChargePeriodEnd",
    "ChargePeriodStart",
    "ContractedCost",
    "EffectiveCost",
    "InvoiceIssuerName",
    "ListCost",
    "PricingQuantity",
    "PricingUnit",
    "ProviderName",
    "PublisherName",
    "ServiceCategory",
    "ServiceName",
)
"""Columns of feature level Mandatory in FOCUS 1.2."""


def test_a_charge_is_what_focus_asks_for(book, home):
    known = {"provider": "Azure", "response_model": "openai/gpt-5", "user": "a", "tags": {"team": "blue"}}
    tokens = {"input_tokens": 10, "output_tokens": 5}
    booked = call(started_at=AT, duration=2 * 10**9, cost=Decimal("0.00042"), **known, **tokens)
    book.apply(SEGMENT, 1, [booked, call(started_at=AT), call(started_at=AT + 1, cost=Decimal(0))])
    charge, free = csv.DictReader(io.StringIO(exported(home, "focus", "--billing-account", "org-7"), newline=""))
    assert set(MANDATORY) <= set(charge)
    assert charge["ChargeClass"] == ""
    assert {charge[name] for name in ("BilledCost", "ContractedCost", "EffectiveCost", "ListCost")} == {"0.00042"}
    assert charge["ProviderName"] == charge["InvoiceIssuerName"] == "OpenRouter"
    assert (charge["PublisherName"], free["PublisherName"]) == ("Azure", "OpenRouter")
    assert (charge["BillingAccountId"], charge["BillingCurrency"], charge["ChargeCategory"]) == (
        "org-7",
        "USD",
        "Usage",
    )
    assert (charge["ServiceCategory"], charge["ServiceSubcategory"]) == ("AI and Machine Learning", "Generative AI")
    assert (charge["BillingPeriodStart"], charge["BillingPeriodEnd"]) == (
        "2026-09-01T00:00:00Z",
        "2026-10-01T00:00:00Z",
    )
    assert (charge["ChargePeriodStart"], charge["ChargePeriodEnd"]) == ("2026-09-21T14:13:20Z", "2026-09-21T14:13:23Z")
    assert (charge["ConsumedQuantity"], charge["ConsumedUnit"]) == ("15.0", "Tokens")
    assert (free["ConsumedQuantity"], free["ConsumedUnit"], free["BilledCost"]) == ("1.0", "Requests", "0")
    assert (json.loads(charge["Tags"]), charge["x_User"], charge["x_CallId"]) == ({"team": "blue"}, "a", booked.call_id)


def test_own_columns_stand_behind_those_of_focus_and_say_that_they_are():
    names = [column.name for column in focus_columns("a")]
    own = [name for name in names if name.startswith("x_")]
    assert names == [*sorted(set(names) - set(own)), *own]


def test_what_is_unknown_is_empty_in_csv_and_null_in_json(book, home):
    book.apply(SEGMENT, 1, [call(started_at=AT)])
    (row,) = csv.DictReader(io.StringIO(exported(home, "csv"), newline=""))
    (line,) = map(json.loads, exported(home, "jsonl").splitlines())
    stated = {"call_id", "started_at", "operation", "outcome", "streamed", "tags", "request_models", "more"}
    assert {name for name, value in row.items() if value} == stated
    assert {name for name, value in line.items() if value is not None} == stated
    assert line["started_at"] == row["started_at"] == "2026-09-21T14:13:20.123456Z"


def test_it_says_how_much_is_written_and_what_is_left_out(spancast, book, home):
    book.apply(SEGMENT, 1, [call(cost=Decimal("0.5"), user="a"), call(user="a"), call(user="b", cost=Decimal(1))])
    file = home / "a.jsonl"
    assert spancast("ledger", "export", "--to", file, "--user", "a") == (
        0,
        "",
        f"2 calls in {file}, $0.5000.\n1 call of unknown cost.\n",
    )
    said = spancast("ledger", "export", "--to", home / "a.csv", "--format", "focus")[2]
    assert said == f"2 calls in {home / 'a.csv'}, $1.5000.\n1 call of unknown cost, which are left out.\n"


def test_the_standard_output_takes_it_too(book, home):
    book.apply(SEGMENT, 1, [call(cost=Decimal("0.5"), user="ü\r\n")])
    command = [
        sys.executable,
        "-m",
        "spancast",
        "ledger",
        "export",
        "--to",
        "-",
        "--format",
        "csv",
        "--home",
        str(home),
    ]
    done = subprocess.run(command, capture_output=True, check=True)
    (row,) = csv.DictReader(io.StringIO(done.stdout.decode(), newline=""))
    assert (row["user"], row["cost_usd"]) == ("ü\r\n", "0.5")
    assert done.stderr.decode() == "1 call written, $0.5000.\n"


def test_a_reader_that_goes_is_no_fault(book, home):
    book.apply(SEGMENT, 1, [call(user="u" * 200) for _ in range(3000)])
    command = f"{sys.executable} -m spancast ledger export --to - --format jsonl --home {home} | head -n 1"
    done = subprocess.run(["bash", "-o", "pipefail", "-c", command], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout)["user"] == "u" * 200


def test_calls_that_openrouter_refused_are_told_apart_from_those_of_unknown_cost(spancast, book, home):
    book.apply(SEGMENT, 1, [call(), call(http_status=404), call(http_status=404), call(cost=Decimal(1))])
    refused = "2 calls refused (HTTP 4xx), for which OpenRouter states no cost."
    file = home / "a.csv"
    said = spancast("ledger", "export", "--to", file)[2]
    assert said == f"4 calls in {file}, $1.0000.\n1 call of unknown cost.\n{refused}\n"
    said = spancast("ledger", "export", "--to", file, "--format", "focus")[2]
    assert said.splitlines()[1:] == ["1 call of unknown cost, which are left out.", f"{refused} They are left out."]


def test_the_names_are_those_of_calls_json(spancast, book, home):
    stated = {"upstream_input_cost": Decimal("0.5"), "retry_after": 2.0, "is_byok": True, "cost": Decimal(1)}
    book.apply(SEGMENT, 1, [call(resource={"service.name": "shop"}, **stated)])
    (line,) = map(json.loads, exported(home, "jsonl").splitlines())
    member = json.loads(spancast("calls", "--json")[1])
    more = line.pop("more")
    assert set(line) - set(member) == {"cost_stated_usd"}
    assert more.items() <= member.items()
    assert (member["app"], more["upstream_input_cost_usd"], more["retry_after_s"]) == ("shop", "0.5", 2.0)


def test_more_calls_than_a_page_are_each_there_once(book, home):
    several = [call(started_at=AT + number % 7, cost=Decimal("0.000001")) for number in range(2500)]
    book.apply(SEGMENT, 1, several)
    lines = [json.loads(line) for line in exported(home, "jsonl").splitlines()]
    assert sorted(line["call_id"] for line in lines) == sorted(each.call_id for each in several)
    assert added(line["cost_usd"] for line in lines) == Decimal("0.0025")


def test_the_format_is_what_the_name_ends_with(spancast, book, home):
    book.apply(SEGMENT, 1, [call()])
    assert spancast("ledger", "export", "--to", home / "a.csv")[0] == 0
    assert (home / "a.csv").read_text().startswith("call_id,")
    status, _, complaint = spancast("ledger", "export", "--to", home / "a.xlsx")
    assert status == 2
    assert "Write --format csv, jsonl, parquet, focus." in complaint
    assert not (home / "a.xlsx").exists()


def test_parquet_does_not_go_down_a_pipe(spancast, book, home):
    book.apply(SEGMENT, 1, [call()])
    status, printed, complaint = spancast("ledger", "export", "--to", "-", "--format", "parquet")
    assert (status, printed) == (2, "")
    assert "Write --to FILE" in complaint


@pytest.mark.skipif("pyarrow" in sys.modules, reason="pyarrow is here")
def test_without_pyarrow_parquet_says_what_to_install(spancast, book, home):
    book.apply(SEGMENT, 1, [call()])
    status, _, complaint = spancast("ledger", "export", "--to", home / "a.parquet")
    assert status == 1
    assert 'pip install "spancast[parquet]"' in complaint
    assert [path.name for path in home.iterdir() if "parquet" in path.name] == []


def test_without_a_ledger_there_is_nothing_to_write(spancast, home, tmp_path):
    status, _, complaint = spancast("ledger", "export", "--to", tmp_path / "a.csv")
    assert status == 1
    assert "No calls yet" in complaint
    assert not (tmp_path / "a.csv").exists()


FULL = """
import resource, sys
from spancast.cli import main
from spancast.cli.exporting import text
limit = int(sys.argv[1])
before = text._records
titles = True
def records(rows):
    global titles
    if not titles:
        _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, hard))
    titles = False
    return before(rows)
text._records = records
sys.exit(main(sys.argv[2:]))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="limits are POSIX's")
def test_where_there_is_no_room_the_old_file_stays_and_nothing_half_is_left(book, home, tmp_path):
    book.apply(SEGMENT, 1, [call(user="u" * 500) for _ in range(900)])
    file = tmp_path / "calls.csv"
    file.write_text("the old one")
    command = [sys.executable, "-c", FULL, "200000", "ledger", "export", "--to", str(file), "--home", str(home)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr == f"spancast: {file} cannot be written: File too large. No partial file is left.\n"
    assert file.read_text() == "the old one"
    assert [path.name for path in tmp_path.iterdir() if ".part" in path.name] == []


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="Linux has a device that is full")
def test_a_full_standard_output_is_told_and_is_no_fault_of_the_ledger(book, home):
    book.apply(SEGMENT, 1, [call()])
    command = [
        sys.executable,
        "-m",
        "spancast",
        "ledger",
        "export",
        "--to",
        "-",
        "--format",
        "csv",
        "--home",
        str(home),
    ]
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith("spancast: The standard output cannot be written: No space left on device.\n")


def test_a_directory_that_there_is_not_is_told(spancast, book, home):
    book.apply(SEGMENT, 1, [call()])
    status, _, complaint = spancast("ledger", "export", "--to", home / "none" / "calls.csv")
    assert status == 1
    assert f"{home / 'none' / 'calls.csv'} cannot be written: No such file or directory." in complaint


@pytest.mark.skipif(sys.platform == "win32", reason="links and devices are POSIX's")
def test_a_link_stays_one_and_a_device_too(spancast, book, home, tmp_path):
    book.apply(SEGMENT, 1, [call()])
    (tmp_path / "link.csv").symlink_to(tmp_path / "real.csv")
    assert spancast("ledger", "export", "--to", tmp_path / "link.csv")[0] == 0
    assert (tmp_path / "link.csv").is_symlink()
    assert (tmp_path / "real.csv").read_text().startswith("call_id,")
    assert (tmp_path / "real.csv").stat().st_mode & 0o777 == 0o600
    assert spancast("ledger", "export", "--to", "/dev/null", "--format", "csv")[0] == 0
    assert Path("/dev/null").is_char_device()


def test_the_columns_of_all_formats_are_named_once():
    names = [column.name for column in COLUMNS]
    assert len(set(names)) == len(names)


READ = """
import json, sys
from decimal import Decimal, localcontext
from pyarrow import parquet
table = parquet.read_table(sys.argv[1])
rows = table.to_pylist()
costs = [row["cost_usd"] for row in rows if row["cost_usd"] is not None]
with localcontext(prec=100):
    total = sum(costs, Decimal(0))
json.dump({
    "types": {name: str(table.schema.field(name).type) for name in ("cost_usd", "started_at", "input_tokens")},
    "rows": [[row["call_id"], row["user"], dict(row["tags"]), row["started_at"].isoformat()] for row in rows],
    "total": str(total),
    "unknown": len(rows) - len(costs),
}, sys.stdout)
"""
SUMMED = """
import sys, duckdb
[(total, calls)] = duckdb.sql(f"SELECT sum(cost_usd)::TEXT, count(*) FROM '{sys.argv[1]}'").fetchall()
print(total, calls)
"""


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_parquet_is_read_back_by_pyarrow_and_by_duckdb(book, home, tmp_path):
    python = python_with("receivers/parquet", "pyarrow>=16", "pytest>=9")
    odd = ["0.1234567890123456", "-0.5", "99999999999999999999999999.999999999999", "0", None, "5E-13"]
    users = ['"', "a,b\r\n", "ü\N{GRINNING FACE}", "=1+1", None, "\x01"]
    booked = [
        call(user=user, cost=None if cost is None else Decimal(cost), tags={"k": user or "none"}, started_at=AT)
        for user, cost in zip(users, odd, strict=True)
    ]
    book.apply(SEGMENT, 1, [*booked, *(call(cost=Decimal("0.000001"), started_at=AT + 1) for _ in range(12_000))])
    file = tmp_path / "calls.parquet"
    done(python, "-m", "spancast", "ledger", "export", "--to", str(file), "--home", str(home))
    found = json.loads(done(python, "-c", READ, str(file)))
    assert found["types"] == {
        "cost_usd": "decimal128(38, 12)",
        "started_at": "timestamp[us, tz=UTC]",
        "input_tokens": "int64",
    }
    assert len(found["rows"]) == 12_006
    read = {call_id: rest for call_id, *rest in found["rows"]}
    for each in booked:
        assert read[each.call_id] == [each.user, dict(each.tags), "2026-09-21T14:13:20.123456+00:00"]
    total = stated_total(home)
    assert (Decimal(found["total"]), found["unknown"]) == (total, 1)
    summed, rows = done(python_with("receivers/duckdb", "duckdb>=1.1", alone=True), "-c", SUMMED, str(file)).split()
    assert (Decimal(summed), int(rows)) == (total, 12_006)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_an_amount_that_parquet_cannot_hold_is_no_silent_null(book, home, tmp_path):
    python = python_with("receivers/parquet", "pyarrow>=16", "pytest>=9")
    book.apply(SEGMENT, 1, [call(cost=Decimal("1e26"))])
    command = [python, "-m", "spancast", "ledger", "export", "--to", str(tmp_path / "a.parquet"), "--home", str(home)]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ended.returncode == 1
    assert "cost_usd of 100000000000000000000000000, which is more than Parquet's decimals hold" in ended.stderr
    assert not (tmp_path / "a.parquet").exists()


@pytest.mark.parametrize("name", ["ledger.db", "outbox.db", "ledger.db-wal", "ledger.lock", "journal/a.csv"])
def test_the_ledgers_own_files_are_not_written_over(spancast, book, home, name):
    book.apply(SEGMENT, 1, [call()])
    before = (home / "ledger.db").read_bytes()
    status, _, complaint = spancast("ledger", "export", "--to", home / name, "--format", "csv")
    assert (status, "Name another" in complaint) == (2, True)
    assert (home / "ledger.db").read_bytes() == before


VALIDATE = "import sys; from focus_validator.main import main; sys.exit(main())"
LEFT_OUT = {
    *("CommitmentDiscountCategory", "CommitmentDiscountId", "CommitmentDiscountName", "CommitmentDiscountStatus"),
    *("CommitmentDiscountType", "ContractedUnitPrice", "ListUnitPrice", "RegionId", "RegionName", "ResourceName"),
    *("ResourceType", "SkuId", "SkuPriceId", "SubAccountId", "SubAccountName"),
}
"""Columns of feature level Conditional, which the validator asks for all the same."""
MISNAMED = {"InvoiceIssuer", "Provider", "Publisher", "ResourceID"}
"""Names that the validator has for columns that the specification calls otherwise."""


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_the_finops_foundations_own_validator_finds_no_wrong_value(book, home):
    """Version 1.0.0 of it, the newest that is published, knows FOCUS 1.0."""
    python = python_with("receivers/focus", "focus-validator==1.0.0", "multimethod<1.11", alone=True)
    known = {"provider": "Azure", "response_model": "openai/gpt-5", "user": "a", "tags": {"team": "blue"}}
    tokens = {"input_tokens": 10, "output_tokens": 5}
    several = [call(started_at=AT + number * 10**15, cost=Decimal("0.00042"), **known, **tokens) for number in range(9)]
    book.apply(SEGMENT, 1, [*several, call(cost=Decimal("0.5"), started_at=AT)])
    exported(home, "focus")
    command = [python, "-c", VALIDATE, "--data-file", str(home / "charges.csv"), "--validate-version", "1.0"]
    (home / "calls.focus").rename(home / "charges.csv")
    ended = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    failed = set(re.findall(r"^(\w+) failed:", ended.stdout, re.MULTILINE))
    assert failed, ended.stderr
    no_list_of_currencies = {"BillingCurrency_IsCurrencyCode"} if "FileNotFoundError" in ended.stdout else set()
    assert failed - no_list_of_currencies == {f"{name}_Required" for name in LEFT_OUT | MISNAMED}


def done(*command: object) -> str:
    return subprocess.run([*map(str, command)], capture_output=True, text=True, check=True, timeout=300).stdout
