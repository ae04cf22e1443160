"""No password that was written into an address is in what we say of an address that cannot work."""

from collections.abc import Iterator
from dataclasses import fields

import pytest

from spancast.contract import shown_url
from spancast.destinations import discover
from spancast.destinations.destination import Destination
from spancast.errors import SpancastError

SECRET = "s3cretw0rd"
WRONG = (f"htp://u:{SECRET}@h/?k={SECRET}", f"http//user:{SECRET}@host", f"https://u:{SECRET}@host/x", f"://?{SECRET}")


def addresses() -> Iterator[tuple[str, str]]:
    """Yield every exporter, and each option of it that is an address."""
    for name in discover.known_names():
        for field in fields(discover._factory(name)):
            if field.init and any(part in field.name for part in ("endpoint", "url", "host")):
                yield name, field.name


@pytest.mark.parametrize("wrong", WRONG)
@pytest.mark.parametrize(("name", "option"), [*addresses()])
def test_an_address_that_cannot_work_is_shown_without_its_password(
    name: str, option: str, wrong: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for field in fields(discover._factory(name)):
        for variable in field.metadata.get("variables", ()):
            monkeypatch.setenv(variable, "http://localhost:1" if "URL" in variable or "ENDPOINT" in variable else "x")
    with pytest.raises(SpancastError) as refused:
        discover.exporter(Destination(name, **{option: wrong}))  # type: ignore[arg-type]
    assert SECRET not in str(refused.value)


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("https://host:8123/path", "https://host:8123/path"),
        ("https://user:p/w@host/path?key=k", "https://...@host/path?..."),
        ("http//user:word@host", "http//...@host"),
        ("user:word@host", "...@host"),
        ("http://user:p?w@host", "http://...@host"),
        ("host", "host"),
    ],
)
def test_an_address_is_shown_without_user_and_query(written: str, shown: str) -> None:
    assert shown_url(written) == shown
