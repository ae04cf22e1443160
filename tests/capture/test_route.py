"""Which requests are calls to a model, by their host."""

import pytest

from spancast.capture.dialects.chat import CHAT
from spancast.capture.route import Routes, region_of

CHAT_PATH = "/api/v1/chat/completions"


def is_call(routes: Routes, url: str) -> bool:
    scheme, _, rest = url.partition("://")
    authority, _, path = rest.partition("/")
    host, _, port = authority.partition(":")
    found = routes.dialect("POST", scheme, host, int(port) if port else None, "/" + path)
    assert found in (CHAT, None)
    # A hook asks `watches` first, so a call to a host that is not watched would never be seen.
    return found is not None and routes.watches(host)


@pytest.mark.parametrize("host", ["openrouter.ai", "openrouter.ai.", "eu.openrouter.ai", "us.openrouter.ai."])
def test_openrouter_and_its_regions_are_watched(host: str) -> None:
    assert is_call(Routes(), f"https://{host}{CHAT_PATH}")


@pytest.mark.parametrize(
    "host", ["api.openai.com", "openrouter.ai.evil.com", "localhost", "", "ai", "openrouter.com", "open-router.ai"]
)
def test_other_hosts_are_not(host: str) -> None:
    assert not Routes().watches(host)
    assert not is_call(Routes(), f"https://{host}{CHAT_PATH}")


def test_a_host_that_only_ends_alike_has_no_calls() -> None:
    assert not is_call(Routes(), f"https://notopenrouter.ai{CHAT_PATH}")


@pytest.mark.parametrize(
    ("given", "url", "expected"),
    [
        ("gateway.local", "https://gateway.local/v1/chat/completions", True),
        ("gateway.local", "http://gateway.local:8080/v1/chat/completions", True),
        ("GATEWAY.local", "http://gateway.local/v1/chat/completions", True),
        ("gateway.local", "https://other.local/v1/chat/completions", False),
        ("gateway.local:8080", "http://gateway.local:8080/v1/chat/completions", True),
        ("gateway.local:8080", "http://gateway.local/v1/chat/completions", False),
        ("gateway.local:443", "https://gateway.local/v1/chat/completions", True),
        ("gateway.local:443", "http://gateway.local/v1/chat/completions", False),
        ("https://gateway.local/llm/", "https://gateway.local/llm/v1/chat/completions", True),
        ("https://gateway.local/llm", "https://gateway.local/llmx/v1/chat/completions", False),
        ("https://gateway.local/llm", "https://gateway.local/v1/chat/completions", False),
        ("https://gateway.local/llm", "http://gateway.local/llm/v1/chat/completions", False),
        ("https://gateway.local", "https://gateway.local:443/v1/chat/completions", True),
        ("https://gateway.local", "https://gateway.local:8443/v1/chat/completions", False),
        ("http://127.0.0.1:9/", "http://127.0.0.1:9/api/v1/chat/completions", True),
    ],
)
def test_a_further_host_is_a_host_or_a_port_of_it_or_a_prefix(given: str, url: str, *, expected: bool) -> None:
    assert is_call(Routes([given]), url) is expected


def test_one_host_may_be_given_several_times() -> None:
    routes = Routes(["gateway.local:1", "gateway.local:2", "https://gateway.local/llm"])
    assert is_call(routes, "http://gateway.local:1/v1/chat/completions")
    assert is_call(routes, "http://gateway.local:2/v1/chat/completions")
    assert is_call(routes, "https://gateway.local/llm/v1/chat/completions")
    assert not is_call(routes, "https://gateway.local/v1/chat/completions")


def test_further_hosts_leave_openrouter_watched() -> None:
    assert is_call(Routes(["gateway.local:1"]), f"https://openrouter.ai{CHAT_PATH}")


@pytest.mark.parametrize(
    ("host", "region"),
    [
        ("eu.openrouter.ai", "eu"),
        ("us.openrouter.ai.", "us"),
        ("openrouter.ai", None),
        ("www.openrouter.ai", None),
        ("eu.gateway.local", None),
        ("", None),
    ],
)
def test_the_region_is_in_the_name_of_the_host(host: str, region: str | None) -> None:
    assert region_of(host) == region
