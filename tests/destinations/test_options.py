"""Options of the wrong kind are told by their name, with what was seen and the cure, and no secret is shown."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import pytest

from spancast import Destination
from spancast.contract import Delivered, Verdict
from spancast.destinations import discover
from spancast.errors import ConfigurationError

TEXTS = r'Give names and texts, such as \{"x-team": "blue"\} or a text\.'


@pytest.mark.parametrize(
    ("exporter", "options", "said"),
    [
        ("otlp", {"headers": 5}, rf"^headers of otlp cannot be of the type int\. {TEXTS}"),
        ("otlp", {"headers": {"a": 1}}, rf"^headers of otlp cannot be a mapping that holds int\. {TEXTS}"),
        ("otlp", {"headers": {5: "hunter2"}}, rf"^headers of otlp cannot be a mapping that holds int\. {TEXTS}"),
        ("webhook", {"endpoint": "http://x", "headers": 5}, r"^headers of webhook cannot be of the type int\."),
        ("langfuse", {"public_key": 5, "secret_key": "s"}, r"^public_key of langfuse cannot be 5\. Give a text\."),
        ("langfuse", {"public_key": "p", "secret_key": 514}, r"^secret_key of langfuse cannot be of the type int\."),
        ("datadog", {"api_key": 5}, r"^api_key of datadog cannot be of the type int\. Give a text\."),
        ("otlp", {"insecure": "x"}, r"^insecure of otlp cannot be 'x'\. Give true or false\."),
        ("otlp", {"insecure": 1.5}, r"^insecure of otlp cannot be 1\.5\. Give true or false or a text\."),
        ("otlp", {"certificate": 5}, r"^certificate of otlp cannot be 5\. Give a text\."),
        ("jsonl", {"path": 5}, r"^path of jsonl cannot be 5\. Give a text or a path\."),
    ],
)
def test_an_option_of_the_wrong_kind_is_named(exporter: str, options: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigurationError, match=said) as told:
        discover.exporter(Destination(exporter, **options))
    assert not [secret for secret in ("hunter2", "514") if secret in str(told.value)]


@pytest.mark.parametrize("endpoint", ["http://h:99999", "http://h:0", "http://", "http://[::1"])
def test_an_endpoint_that_no_request_could_reach_is_refused(endpoint: str) -> None:
    with pytest.raises(ConfigurationError, match=r"^endpoint cannot be .* Give a URL such as"):
        Destination("otlp", endpoint=endpoint)


@dataclass(frozen=True, kw_only=True)
class Mine:
    """An exporter with a field of each kind."""

    port: int = 1
    timeout: float | None = None
    fast: bool = False
    region: Literal["eu", "us"] = "eu"
    verify: bool | str = True
    more: Mapping[str, object] = field(default_factory=dict)
    file: Path | None = None
    other: list[int] = field(default_factory=list)

    def write(self, spans: object) -> Verdict:  # noqa: ARG002 - it takes all
        """Take the spans."""
        return Delivered()


def made(monkeypatch: pytest.MonkeyPatch, **options: Any) -> Any:
    monkeypatch.setattr(discover, "_imported", lambda *_: Mine)
    return discover.exporter(Destination("my:Mine", **options))


@pytest.mark.parametrize(
    ("given", "taken"),
    [
        ({"port": "8080"}, {"port": 8080}),
        ({"timeout": "0.5"}, {"timeout": 0.5}),
        ({"timeout": 2}, {"timeout": 2}),
        ({"timeout": None}, {"timeout": None}),
        ({"fast": "yes"}, {"fast": True}),
        ({"verify": "ca.pem"}, {"verify": "ca.pem"}),
        ({"region": "us"}, {"region": "us"}),
        ({"more": {"a": 1}}, {"more": {"a": 1}}),
        ({"file": Path("x")}, {"file": Path("x")}),
        ({"other": "of a kind that is not looked at"}, {"other": "of a kind that is not looked at"}),
    ],
)
def test_what_fits_is_taken_and_text_is_read(
    monkeypatch: pytest.MonkeyPatch, given: dict[str, Any], taken: dict[str, Any]
) -> None:
    exporter = made(monkeypatch, **given)
    assert {name: getattr(exporter, name) for name in taken} == taken


@pytest.mark.parametrize(
    ("given", "cure"),
    [
        ({"port": "many"}, "a whole number"),
        ({"port": True}, "a whole number"),
        ({"timeout": "soon"}, "a number"),
        ({"fast": "perhaps"}, "true or false"),
        ({"region": "mars"}, "'eu' or 'us'"),
        ({"more": 5}, "names and texts"),
        ({"file": 5}, "a path"),
    ],
)
def test_what_does_not_fit_has_a_cure(monkeypatch: pytest.MonkeyPatch, given: dict[str, Any], cure: str) -> None:
    (name,) = given
    with pytest.raises(ConfigurationError, match=rf"^{name} of my:Mine cannot be .*\. Give {cure}"):
        made(monkeypatch, **given)


def test_an_exporter_whose_types_cannot_be_told_takes_what_it_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Mine, "__annotations__", {"port": "NotImported"})
    assert made(monkeypatch, port="8080").port == "8080"
