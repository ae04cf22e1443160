"""Destinations as they are written: a list, tables, variables; which of them wins, and what is told of the others."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from spancast import Destination
from spancast.base import guard
from spancast.errors import ConfigurationError
from spancast.settings.resolve import resolve

HASH, OTHER = "a" * 64, "b" * 64
Set = Callable[..., None]


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(guard, "_last_logged", {})


@pytest.fixture
def toml(tmp_path: Path) -> Callable[[str], None]:
    def write(text: str) -> None:
        (tmp_path / "spancast.toml").write_text(text)

    return write


@pytest.fixture
def variables(monkeypatch: pytest.MonkeyPatch) -> Set:
    def put(**values: str) -> None:
        for name, value in values.items():
            monkeypatch.setenv(f"SPANCAST_{name}", value)

    return put


def only(arguments: dict[str, Any] | None = None) -> Destination:
    (found,) = resolve(arguments or {}).destinations
    return found


def test_a_table_has_the_name_of_its_destination(toml: Any) -> None:
    toml(
        """
        [destinations.otlp]
        sample_rate = 0.5
        [destinations.archive]
        exporter = "otlp"
        endpoint = "http://localhost:4318"
        privacy = true
        spans = "llm"
        late_cost = "omit"
        redact = "textwrap:dedent"
        environment = "production"
        metadata = { team = "blue", shard = 7 }
        keys = ["web"]
        filters = [{ field = "total_cost", operator = "gt", value = 0.5 }]
        headers = "a=b"
        [keys]
        """
        f"web = '{HASH}'\n"
    )
    one, other = resolve({}).destinations
    assert (one.name, one.exporter, one.sample_rate) == ("otlp", "otlp", 0.5)
    assert (other.name, other.exporter, other.endpoint) == ("archive", "otlp", "http://localhost:4318")
    assert (other.privacy, other.spans, other.late_cost) == (True, "llm", "omit")
    assert (other.redact, other.environment, other.metadata) == (
        "textwrap:dedent",
        "production",
        {"team": "blue", "shard": "7"},
    )
    assert (other.key_hashes, other.key_names) == ({HASH}, {HASH: "web"})
    assert other.filters is not None
    assert other.filters.need_cost
    assert other.options == {"headers": "a=b"}


def test_every_field_has_a_variable(variables: Set) -> None:
    variables(
        DESTINATIONS="archive",
        KEYS=f"web={HASH},batch={OTHER}",
        DESTINATION_ARCHIVE_EXPORTER="otlp",
        DESTINATION_ARCHIVE_ENDPOINT="http://localhost:4318",
        DESTINATION_ARCHIVE_SAMPLE_RATE="0.25",
        DESTINATION_ARCHIVE_PRIVACY="on",
        DESTINATION_ARCHIVE_SPANS="trace",
        DESTINATION_ARCHIVE_LATE_COST="hold",
        DESTINATION_ARCHIVE_REDACT="textwrap:dedent",
        DESTINATION_ARCHIVE_ENVIRONMENT="production",
        DESTINATION_ARCHIVE_METADATA="team=blue, region = eu",
        DESTINATION_ARCHIVE_KEYS="web,batch",
        DESTINATION_ARCHIVE_FILTERS='[{"field": "model", "operator": "starts_with", "value": "openai/"}]',
        DESTINATION_ARCHIVE_HEADERS="a=b",
    )
    found = only()
    assert (found.name, found.exporter, found.endpoint) == ("archive", "otlp", "http://localhost:4318")
    assert (found.sample_rate, found.privacy, found.spans, found.late_cost) == (0.25, True, "trace", "hold")
    assert (found.redact, found.environment) == ("textwrap:dedent", "production")
    assert found.metadata == {"team": "blue", "region": "eu"}
    assert found.key_hashes == {HASH, OTHER}
    assert found.filters is not None
    assert found.options == {"headers": "a=b"}


def test_metadata_may_be_json(variables: Set) -> None:
    variables(DESTINATIONS="otlp", DESTINATION_OTLP_METADATA='{"team": "a,b=c"}')
    assert only().metadata == {"team": "a,b=c"}


def test_a_variable_wins_over_the_table(toml: Any, variables: Set) -> None:
    toml("[destinations.otlp]\nsample_rate = 0.5\nenvironment = 'staging'\n")
    variables(DESTINATION_OTLP_SAMPLE_RATE="1")
    assert (only().sample_rate, only().environment) == (1.0, "staging")


def test_a_name_in_code_is_filled_in_by_variables(variables: Set) -> None:
    variables(DESTINATION_OTLP_PRIVACY="true")
    assert only({"destinations": ["otlp"]}).privacy


def test_what_the_program_makes_itself_is_as_it_says(variables: Set, caplog: pytest.LogCaptureFixture) -> None:
    variables(DESTINATION_OTLP_PRIVACY="true")
    assert not only({"destinations": [Destination("otlp")]}).privacy
    assert "SPANCAST_DESTINATION_OTLP_PRIVACY is ignored: the program itself creates" in caplog.text


def test_a_name_is_spelt_in_capitals_and_the_longest_that_fits_is_meant(variables: Set) -> None:
    variables(
        DESTINATIONS="otlp",
        DESTINATION_OTLP_EU_WEST_PRIVACY="true",
        DESTINATION_OTLP_SAMPLE_RATE="0.5",
    )
    destinations = [{"exporter": "otlp"}, {"exporter": "otlp", "name": "otlp-eu.west"}]
    one, other = resolve({"destinations": destinations}).destinations
    assert (one.privacy, one.sample_rate) == (False, 0.5)
    assert (other.privacy, other.sample_rate) == (True, 1.0)


def test_a_variable_of_no_destination_is_refused_since_what_it_was_to_keep_back_would_be_sent(variables: Set) -> None:
    variables(DESTINATIONS="otlp", DESTINATION_OTPL_PRIVACY="true")
    with pytest.raises(ConfigurationError, match="SPANCAST_DESTINATION_OTPL_PRIVACY belongs to no destination"):
        resolve({})


def test_where_the_program_says_where_spans_go_it_is_told_alone(
    variables: Set, caplog: pytest.LogCaptureFixture
) -> None:
    variables(DESTINATION_LANGFUSE_PRIVACY="true")
    assert only({"destinations": ["otlp"]}).name == "otlp"
    assert "SPANCAST_DESTINATION_LANGFUSE_PRIVACY is ignored" in caplog.text


def test_without_destinations_their_variables_are_nobodys(variables: Set, caplog: pytest.LogCaptureFixture) -> None:
    variables(DESTINATION_OTLP_PRIVACY="true")
    assert resolve({}).destinations == ()
    assert caplog.records == []


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("SAMPLE_RATE", "much", "SPANCAST_DESTINATION_OTLP_SAMPLE_RATE cannot be 'much'. Give a number"),
        ("SAMPLE_RATE", "2", "SPANCAST_DESTINATION_OTLP_SAMPLE_RATE: sample_rate cannot be 2.0."),
        ("PRIVACY", "perhaps", "SPANCAST_DESTINATION_OTLP_PRIVACY cannot be 'perhaps'. Give true or false."),
        ("SPANS", "some", "SPANCAST_DESTINATION_OTLP_SPANS: spans cannot be 'some'."),
        ("FILTERS", "[{}]", "SPANCAST_DESTINATION_OTLP_FILTERS: filters.groups[0].rules[0] has no field."),
        ("FILTERS", "model=x", "SPANCAST_DESTINATION_OTLP_FILTERS: filters cannot be 'model=x'. It is not valid JSON"),
        ("METADATA", "team", "SPANCAST_DESTINATION_OTLP_METADATA cannot be 'team'. Write pairs"),
        ("METADATA", "{team", "SPANCAST_DESTINATION_OTLP_METADATA cannot be '{team'. It is not valid JSON"),
        ("ENDPOINT", "localhost", "SPANCAST_DESTINATION_OTLP_ENDPOINT: endpoint cannot be 'localhost'."),
        ("REDACT", "mine", "SPANCAST_DESTINATION_OTLP_REDACT: redact cannot be 'mine'."),
        ("NAME", "other", "SPANCAST_DESTINATION_OTLP_NAME=other cannot work"),
        ("KEYS", "web", "keys of otlp names the key 'web', whose hash is unknown. Known: none."),
        ("KEYS", f"sk-or-v1-{HASH}", "SPANCAST_DESTINATION_OTLP_KEYS: keys cannot be a text of 73 characters"),
    ],
)
def test_a_variable_that_cannot_work_is_named(field: str, value: str, words: str, variables: Set) -> None:
    variables(DESTINATIONS="otlp", **{f"DESTINATION_OTLP_{field}": value})
    with pytest.raises(ConfigurationError) as raised:
        resolve({})
    assert words in str(raised.value)
    assert HASH not in str(raised.value)


@pytest.mark.parametrize(
    ("written", "words"),
    [
        ('destinations = ["otlp", "otlp"]', "destinations in spancast.toml has two destinations called 'otlp'."),
        ("[destinations]\notlp = 7", "destinations in spancast.toml cannot be 7. Give names, or tables"),
        ("destinations = 7", "destinations in spancast.toml cannot be 7. Give a list"),
        ("[destinations.otlp]\nprivacy = 'no'", "destinations in spancast.toml: privacy cannot be 'no'."),
        ("[destinations.otlp]\nexporter = 7", "destinations in spancast.toml cannot be"),
        ("keys = 7", "keys in spancast.toml does not map names to keys."),
        (f"[keys]\nweb = 'sk-or-v1-{HASH}'", "keys in spancast.toml 'web' cannot be a text of 73 characters"),
    ],
)
def test_a_table_that_cannot_work_is_named(written: str, words: str, toml: Any) -> None:
    toml(written)
    with pytest.raises(ConfigurationError) as raised:
        resolve({})
    assert words in str(raised.value)
    assert HASH not in str(raised.value)


def test_each_knows_which_setting_names_it(toml: Any, variables: Set) -> None:
    toml('destinations = ["otlp"]')
    assert only().where == "destinations in spancast.toml"
    variables(DESTINATIONS="otlp")
    assert only().where == "SPANCAST_DESTINATIONS"


TABLES = """
[destinations.otlp]
privacy = true
sample_rate = 0.5
endpoint = "http://table"
filters = [{ field = "total_cost", operator = "gt", value = 0.5 }]
[destinations.two]
exporter = "otlp"
privacy = true
"""


@pytest.mark.parametrize("by_argument", [True, False])
def test_a_name_in_an_argument_or_a_variable_is_completed_by_its_table(
    by_argument: bool, toml: Any, variables: Set
) -> None:
    toml(TABLES)
    variables(DESTINATION_OTLP_ENDPOINT="http://variable")
    if not by_argument:
        variables(DESTINATIONS="otlp,two")
    one, two = resolve({"destinations": ["otlp", "two"]} if by_argument else {}).destinations
    assert (one.name, one.privacy, one.sample_rate, one.endpoint) == ("otlp", True, 0.5, "http://variable")
    assert one.filters is not None
    assert (two.name, two.exporter, two.privacy) == ("two", "otlp", True)


def test_a_table_in_a_list_completes_a_name_too(toml: Any) -> None:
    toml('destinations = ["console", { exporter = "otlp", name = "Archive", privacy = true }]')
    for written in ("Archive", "archive "):
        found = only({"destinations": [written]})
        assert (found.name, found.exporter, found.privacy) == ("Archive", "otlp", True)


def test_a_reference_to_a_class_stays_the_exporter_of_the_table_of_its_name(toml: Any) -> None:
    toml('[destinations.mine]\nexporter = "otlp"\nprivacy = true\n')
    found = only({"destinations": ["acme:Mine"]})
    assert (found.name, found.exporter, found.privacy) == ("mine", "acme:Mine", True)


def test_a_table_leaves_what_the_program_makes_itself_alone_and_that_is_told(
    toml: Any, caplog: pytest.LogCaptureFixture
) -> None:
    toml(TABLES)
    assert not only({"destinations": [Destination("otlp")]}).privacy
    assert "otlp of destinations in spancast.toml is ignored: the program itself creates" in caplog.text


def test_what_a_table_says_wrongly_is_said_of_the_table(toml: Any, variables: Set) -> None:
    toml("[destinations.otlp]\nprivacy = 'no'\n")
    variables(DESTINATIONS="otlp")
    with pytest.raises(ConfigurationError, match=r"^destinations in spancast\.toml: privacy cannot be 'no'"):
        resolve({})


def test_the_setting_that_names_an_exporter_is_known(toml: Any, variables: Set) -> None:
    toml('[destinations.two]\nexporter = "nope"\n')
    variables(DESTINATIONS="two,otlp")
    two, otlp = resolve({}).destinations
    assert (two.where, otlp.where) == ("destinations in spancast.toml", "SPANCAST_DESTINATIONS")
