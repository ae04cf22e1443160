import compileall
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from spancast.contract import Delivered, Traits
from spancast.destinations import discover
from spancast.destinations.destination import Destination
from spancast.destinations.discover import Unconfigured
from spancast.errors import ConfigurationError
from spancast.settings.resolve import resolve

HERE = __name__
EXPORTERS = Path(__file__).parents[2] / "exporters"


@dataclass
class Mine:
    """An exporter of somebody's own."""

    key: str = field(metadata={"variables": ("MINE_KEY", "MINE_OLD_KEY"), "where": "Mine shows it once."})
    region: str = "eu"
    endpoint: str = "http://mine"
    traits: Traits = field(default_factory=Traits, init=False)

    def encode(self, _spans, _at):
        return []

    def judge(self, _encoded, _reply):
        return Delivered()


@dataclass
class Placed(Mine):
    """An exporter whose platform wants to know where it runs."""

    key: str = "k"
    environment: str | None = field(default=None, metadata={"variables": ("PLACED_ENVIRONMENT",)})


@dataclass(init=False)
class Aloof(Placed):
    """An exporter that makes its fields itself."""

    def __init__(self, where):
        super().__init__(environment=where)


@dataclass
class Local:
    """An exporter that needs its key only where there is no agent."""

    key: str = field(default="", metadata={"variables": ("LOCAL_KEY",), "unless": ("agent", "host")})
    agent: str | None = field(default=None, metadata={"variables": ("LOCAL_AGENT",)})
    host: str | None = None
    traits: Traits = field(default_factory=Traits, init=False)

    def encode(self, _spans, _at):
        return []

    def judge(self, _encoded, _reply):
        return Delivered()


class Console:
    def write(self, _spans):
        return Delivered()


def makes_any(**options):
    return Mine(key=str(sorted(options)))


def makes_nothing():
    return 7


@pytest.fixture
def here(tmp_path, monkeypatch):
    """Make the exporters of this file importable as any other's."""
    (tmp_path / "somebodys.py").write_text(Path(__file__).read_text("utf-8"))
    monkeypatch.syspath_prepend(str(tmp_path))
    for name in ("MINE_KEY", "MINE_OLD_KEY"):
        monkeypatch.delenv(name, raising=False)
    yield tmp_path
    sys.modules.pop("somebodys", None)


def test_a_built_in_exporter_is_found_by_the_name_of_its_file():
    assert type(discover.exporter(Destination("otlp"))).__module__ == "spancast_exporters.otlp"


def test_an_instance_is_taken_as_it_is():
    sink = Console()
    assert discover.exporter(Destination(sink)) is sink


def test_an_instance_takes_no_further_options():
    with pytest.raises(ConfigurationError, match="endpoint"):
        discover.exporter(Destination(Console(), endpoint="http://x"))


def test_a_class_is_found_by_its_module_and_made_with_the_options(here):
    made = discover.exporter(Destination("somebodys:Mine", key="k", endpoint="http://other"))
    assert (made.key, made.region, made.endpoint) == ("k", "eu", "http://other")


def test_a_sink_is_found_as_well(here):
    assert discover.exporter(Destination("somebodys:Console")).write([]) == Delivered()


def test_a_factory_may_take_any_options(here):
    assert discover.exporter(Destination("somebodys:makes_any", a=1, b=2)).key == "['a', 'b']"


def test_what_an_entry_point_names_is_found_by_that_name(here):
    info = here / "somebodys-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: somebodys\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[spancast.exporters]\nmine = somebodys:Mine\nbroken = somebodys:absent\n")
    assert discover.exporter(Destination("mine", key="k")).region == "eu"
    assert {"mine", "otlp"} <= set(discover.known_names())
    with pytest.raises(ConfigurationError, match="broken"):
        discover.exporter(Destination("broken"))


def test_an_unknown_name_is_answered_with_those_that_are_known():
    with pytest.raises(
        ConfigurationError, match=r"^No exporter is called 'otpl'\. Known: .*otlp.* Did you mean 'otlp'\?$"
    ):
        discover.exporter(Destination("otpl"))


def test_an_unknown_name_is_told_with_the_setting_that_names_it(monkeypatch):
    monkeypatch.setenv("SPANCAST_DESTINATIONS", "otpl")
    (destination,) = resolve({}).destinations
    with pytest.raises(ConfigurationError, match=r"^No exporter is called 'otpl', which SPANCAST_DESTINATIONS names\."):
        discover.exporter(destination)


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        ("absent_module:Class", "cannot be imported: No module named 'absent_module'"),
        ("os:getcwd", "returns a str, which has neither"),
    ],
)
def test_what_is_no_exporter_is_told_with_the_setting_that_names_it_and_the_cure(wanted, said):
    (destination,) = resolve({"destinations": [wanted]}).destinations
    with pytest.raises(
        ConfigurationError, match=rf'^{wanted!r}, which destinations names, {said}.*Give "module:Class"'
    ):
        discover.exporter(destination)


@pytest.mark.parametrize("wanted", ["absent_module:Class", "somebodys:Absent", ":", "somebodys:"])
def test_a_class_that_cannot_be_imported_is_named(here, wanted):
    with pytest.raises(ConfigurationError, match="cannot be imported"):
        discover.exporter(Destination(wanted))


def test_an_unknown_option_is_answered_with_those_that_are_known(here):
    with pytest.raises(
        ConfigurationError,
        match=r"no option 'regoin'\. Did you mean 'region'\? It has key, region, endpoint; every destination has ",
    ):
        discover.exporter(Destination("somebodys:Mine", key="k", regoin="us"))
    with pytest.raises(ConfigurationError, match=r"no option 'privcy'\. Did you mean 'privacy'\? It has key, "):
        discover.exporter(Destination("somebodys:Mine", key="k", privcy=True))


def test_an_endpoint_for_an_exporter_without_one_is_an_unknown_option(here):
    with pytest.raises(
        ConfigurationError, match=r"no option 'endpoint'\. It has none; every destination has name, sample_rate, "
    ):
        discover.exporter(Destination("somebodys:Console", endpoint="http://x"))


def test_what_is_no_exporter_is_refused(here):
    with pytest.raises(ConfigurationError, match="int"):
        discover.exporter(Destination("somebodys:makes_nothing"))


def test_a_missing_credential_is_named_with_the_place_to_get_it(here):
    with pytest.raises(
        Unconfigured, match=r"^somebodys:Mine has no key\. Set MINE_KEY or MINE_OLD_KEY, .*shows it once\.$"
    ):
        discover.exporter(Destination("somebodys:Mine"))


def test_a_credential_is_read_from_the_first_variable_that_is_set(here, monkeypatch):
    monkeypatch.setenv("MINE_OLD_KEY", "old")
    assert discover.exporter(Destination("somebodys:Mine")).key == "old"
    monkeypatch.setenv("MINE_KEY", " new ")
    assert discover.exporter(Destination("somebodys:Mine")).key == "new"


def test_what_cannot_work_is_told_with_the_variables_that_were_read_and_not_with_what_they_hold(monkeypatch):
    monkeypatch.setenv("PHOENIX_COLLECTOR_ENDPOINT", "localhost:6006")
    monkeypatch.setenv("PHOENIX_API_KEY", "s3cret-0123")
    with pytest.raises(ConfigurationError, match="Give a URL") as raised:
        discover.exporter(Destination("phoenix"))
    said = str(raised.value)
    assert said.endswith(" It reads api_key from PHOENIX_API_KEY, endpoint from PHOENIX_COLLECTOR_ENDPOINT.")
    assert "s3cret" not in said


def test_an_exporter_that_asks_where_it_runs_is_told_what_the_destination_says(here, monkeypatch):
    monkeypatch.setenv("PLACED_ENVIRONMENT", "qa")
    assert discover.exporter(Destination("somebodys:Placed")).environment == "qa"
    assert discover.exporter(Destination("somebodys:Placed", environment="prod")).environment == "prod"
    assert discover.exporter(Destination("somebodys:Mine", environment="prod", key="k")).region == "eu"


def test_so_is_an_instance_whose_owner_keeps_it_as_it_was():
    given = Placed(environment="qa")
    assert discover.exporter(Destination(given, environment="prod")) == Placed(environment="prod")
    assert given.environment == "qa"
    for untold in (Mine("k"), Console()):
        assert discover.exporter(Destination(untold, environment="prod")) is untold
    assert discover.exporter(Destination(given)) is given


def test_an_instance_that_cannot_be_told_is_an_error_with_the_cure():
    with pytest.raises(ConfigurationError, match=r"aloof is an exporter instance .* Set it on the instance\."):
        discover.exporter(Destination(Aloof("qa"), environment="prod"))


def test_an_empty_variable_is_one_that_is_not_set(here, monkeypatch):
    monkeypatch.setenv("MINE_KEY", "")
    with pytest.raises(Unconfigured):
        discover.exporter(Destination("somebodys:Mine"))


def test_an_option_wins_over_the_variable(here, monkeypatch):
    monkeypatch.setenv("MINE_KEY", "environment")
    assert discover.exporter(Destination("somebodys:Mine", key="code")).key == "code"


def test_a_credential_may_be_needed_only_where_nothing_else_is_given(here, monkeypatch):
    monkeypatch.delenv("LOCAL_KEY", raising=False)
    monkeypatch.delenv("LOCAL_AGENT", raising=False)
    with pytest.raises(Unconfigured, match=r"^somebodys:Local has no key\. Set LOCAL_KEY, or give key=\.$"):
        discover.exporter(Destination("somebodys:Local"))
    assert discover.exporter(Destination("somebodys:Local", host="h")).key == ""
    assert discover.exporter(Destination("somebodys:Local", key="k")).key == "k"
    monkeypatch.setenv("LOCAL_AGENT", "a")
    assert discover.exporter(Destination("somebodys:Local")).agent == "a"


def test_every_built_in_exporter_says_what_makes_it():
    for name in discover.known_names():
        assert callable(discover._factory(name))


def test_looking_for_names_imports_no_exporter():
    code = (
        "import sys; from spancast.destinations import discover as d; d.known_names(); print(d.BUILT_IN in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def zipped(folder):
    return Path(shutil.make_archive(str(folder / "exporters"), "zip", EXPORTERS, discover.BUILT_IN))


def without_sources(folder):
    package = shutil.copytree(EXPORTERS / discover.BUILT_IN, folder / discover.BUILT_IN)
    compileall.compile_dir(package, quiet=1, legacy=True)
    for source in package.glob("*.py"):
        source.unlink()
    return folder


@pytest.mark.parametrize("shipped", [zipped, without_sources])
def test_exporters_are_found_where_there_are_no_files_of_their_sources(shipped, tmp_path):
    where = shipped(tmp_path)
    code = """
from spancast.destinations import discover
from spancast.destinations.destination import Destination
found = discover.exporter(Destination("jsonl", path="calls.jsonl"))
print(type(found).__name__, __import__(discover.BUILT_IN).__file__, *discover.known_names())
"""
    environment = {**os.environ, "PYTHONPATH": str(where)}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    name, file, *known = done.stdout.split()
    assert (name, Path(file).is_relative_to(where)) == ("Jsonl", True)
    assert tuple(known) == discover.known_names()


@dataclass
class Elsewhere(Mine):
    """An exporter whose address may be in the environment."""

    key: str = "k"
    base: str = field(default="http://mine", metadata={"variables": ("ELSEWHERE_URL",)})


def test_a_url_that_is_not_ascii_is_refused_and_from_a_variable_makes_its_destination_wait(monkeypatch):
    with pytest.raises(ConfigurationError, match=r"cannot send to the URL in base\. It has characters"):
        discover.exporter(Destination(f"{HERE}:Elsewhere", base="http://exämple.invalid"))
    monkeypatch.setenv("ELSEWHERE_URL", "http://exa\u200bmple.invalid")
    with pytest.raises(Unconfigured, match="cannot send to the URL in ELSEWHERE_URL"):
        discover.exporter(Destination(f"{HERE}:Elsewhere"))
    with pytest.raises(ConfigurationError, match=r"^endpoint cannot be 'http://127.0.0.1:1/.xfc'"):
        Destination("otlp", endpoint="http://127.0.0.1:1/ü")
