import json
from dataclasses import dataclass, field

import pytest

from spancast.contract import Grant, Request, Unauthorized
from tests.support.faults import modes
from tests.support.faults.collector import FaultCollector
from tests.support.plain import Plain


@dataclass(frozen=True, kw_only=True)
class Probed(Plain):
    """An exporter that can be tested."""

    def probe(self, _at):
        return Request(url=f"{self.url}/test", body=b"", method="GET")

    def diagnose(self, reply):
        return None if reply.status == 200 else f"HTTP {reply.status}. Set ACME_API_KEY right."


@dataclass(frozen=True, kw_only=True)
class Granted(Probed):
    def ask(self, _at):
        return Request(url=f"{self.url}/token", body=b"")

    def grant(self, reply, at):
        return Grant({"authorization": "Bearer 1"}, at) if reply.status == 200 else Unauthorized("no such client")


@pytest.fixture
def platform():
    with FaultCollector(modes.json_answer(200, {"events": []})).open() as opened:
        yield opened


@pytest.fixture
def check(home, platform, spancast):
    def run(exporter, *arguments):
        table = f'{{exporter = "{exporter}", name = "acme", url = "{platform.url}"}}'
        (home.parent / "spancast.toml").write_text(f"destinations = [{table}]")
        return spancast("check", "acme", *arguments)

    return run


PROBED, GRANTED, PLAIN = (
    "tests.cli.test_check:Probed",
    "tests.cli.test_check:Granted",
    "tests.support.plain:Plain",
)


@pytest.fixture(autouse=True)
def _asked_alone(monkeypatch):
    """A test request carries no spans to be noted."""
    monkeypatch.setattr("tests.support.faults.collector.span_ids", lambda _received: [])


def test_a_platform_that_is_well_is_ok(check, platform):
    assert check(PROBED) == (0, "acme: ok\n", "")
    assert [(received.method, received.path) for received in platform.received] == [("GET", "/test")]


def test_what_is_wrong_is_one_line_with_the_cure(check, platform):
    platform.mode = modes.status(401)
    assert check(PROBED) == (1, "acme: HTTP 401. Set ACME_API_KEY right.\n", "")


def test_where_nothing_listens_it_says_so(check, platform):
    platform.mode = modes.refused
    status, said, _ = check(PROBED)
    assert (status, said.count("\n")) == (1, 1)
    assert said.startswith(f"acme: {platform.url}: ")
    assert "refused. Nothing listens there." in said


@pytest.mark.parametrize("mode", [modes.lost_answer, modes.reset_before])
def test_a_platform_that_hangs_up_is_told(check, platform, mode):
    platform.mode = mode
    status, said, _ = check(PROBED)
    assert (status, said.count("\n"), ".." in said) == (1, 1, False)
    assert "Correct it, or try again." in said


def test_a_platform_that_hangs_is_told(check, platform, monkeypatch):
    monkeypatch.setattr("spancast.delivery.http.wire.TIMEOUT_SECONDS", 0.4)
    platform.mode = modes.hang
    status, said, _ = check(PROBED)
    assert (status, "No response in time." in said) == (1, True)


def test_a_credential_is_asked_for_first_where_one_is_needed(check, platform):
    assert check(GRANTED)[0] == 0
    assert [received.path for received in platform.received] == ["/token", "/test"]
    assert platform.received[1].headers["authorization"] == "Bearer 1"


def test_a_client_without_a_credential_is_told(check, platform):
    platform.mode = modes.status(401)
    assert check(GRANTED) == (1, "acme: no such client. Set the right credential.\n", "")


@dataclass(frozen=True, kw_only=True)
class SelfTested:
    """A sink that tests itself; its endpoint says how it goes."""

    endpoint: str
    token: str = field(default="t-0123456789abcdef", repr=False)

    def write(self, _spans):
        raise AssertionError("a test writes no span")

    def self_test(self):
        return None if self.endpoint.endswith("/well") else f"{self.token} is refused. Set the right one."


@pytest.mark.parametrize(
    ("path", "found"),
    [("/well", (0, "acme: ok\n", "")), ("/ill", (1, "acme: [removed] is refused. Set the right one.\n", ""))],
)
def test_a_sink_that_tests_itself_is_asked(home, spancast, path, found):
    table = f'{{exporter = "tests.cli.test_check:SelfTested", name = "acme", endpoint = "http://localhost{path}"}}'
    (home.parent / "spancast.toml").write_text(f"destinations = [{table}]")
    assert spancast("check", "acme") == found


def test_an_exporter_without_a_test_is_told_and_is_neither_well_nor_ill(check, platform):
    status, said, _ = check(PLAIN)
    assert (status, "has no test" in said, platform.received) == (3, True, [])


@pytest.mark.parametrize(("mode", "ok"), [(modes.status(200), True), (modes.status(500), False)])
def test_json_says_the_same(check, platform, mode, ok):
    platform.mode = mode
    said = json.loads(check(PROBED, "--json")[1])
    assert (said["name"], said["ok"], said["problem"] is None) == ("acme", ok, ok)
    assert json.loads(check(PLAIN, "--json")[1])["ok"] is None


def test_a_missing_credential_is_told(home, spancast, monkeypatch):
    monkeypatch.setenv("SPANCAST_DESTINATIONS", "langfuse")
    monkeypatch.delenv("LANGFUSE_PUBLIC_KEY", raising=False)
    monkeypatch.delenv("LANGFUSE_SECRET_KEY", raising=False)
    status, said, _ = spancast("check", "langfuse")
    assert (status, "LANGFUSE_" in said) == (1, True)


def test_a_destination_that_nobody_knows_is_told(home, spancast):
    status, _, complaint = spancast("check", "acme")
    assert (status, "No destination is called 'acme' here." in complaint) == (2, True)
