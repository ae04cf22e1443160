import pytest

from spancast.base.hosts import is_loopback
from spancast.bookkeeping import openrouter
from spancast.delivery.http import wire

HERE = ["localhost", "openrouter.localhost", "127.0.0.1", "127.8.0.1", "::1"]
ELSEWHERE = ["openrouter.ai", "localhost.example", "notlocalhost", "10.0.0.1", "::2", ""]


@pytest.mark.parametrize("host", HERE)
def test_names_and_addresses_of_this_machine(host):
    assert is_loopback(host)


@pytest.mark.parametrize("host", ELSEWHERE)
def test_names_and_addresses_of_other_machines(host):
    assert not is_loopback(host)


@pytest.mark.parametrize("host", [*HERE, *ELSEWHERE[:-1]])
def test_lookups_and_proxies_agree_on_what_this_machine_is(host, monkeypatch):
    """A key goes over http, and past the proxy, to this machine alone."""
    monkeypatch.delenv("OPENROUTER_BASE_URL", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.setenv("http_proxy", "http://proxy.example")
    netloc = f"[{host}]" if ":" in host else host

    asked_in_the_clear = openrouter.server(host, 8080).startswith("http:")

    assert asked_in_the_clear is (wire._proxy(f"http://{netloc}:8080/v1") is None) is is_loopback(host)
