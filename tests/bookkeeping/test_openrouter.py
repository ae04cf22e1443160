"""Where OpenRouter is asked about money."""

import pytest

from spancast.bookkeeping import openrouter


@pytest.mark.parametrize(
    ("address", "port", "server"),
    [
        ("openrouter.ai", 443, "https://openrouter.ai/api/v1"),
        ("eu.openrouter.ai", None, "https://eu.openrouter.ai/api/v1"),
        ("gateway.example", 8443, "https://gateway.example:8443/api/v1"),
        ("gateway.example", 80, "https://gateway.example/api/v1"),
        ("127.0.0.1", 8087, "http://127.0.0.1:8087/api/v1"),
        ("localhost", 443, "https://localhost/api/v1"),
        ("::1", 8087, "http://[::1]:8087/api/v1"),
        (None, None, "https://openrouter.ai/api/v1"),
    ],
)
def test_a_calls_own_server_is_asked_and_never_in_the_clear_but_on_this_machine(address, port, server):
    assert openrouter.server(address, port) == server


def test_the_environment_says_where_openrouter_is(monkeypatch):
    monkeypatch.setenv("OPENROUTER_BASE_URL", "https://gateway.example/llm/v1/")
    assert openrouter.base_url() == "https://gateway.example/llm/v1"
    assert openrouter.server("openrouter.ai", 443) == "https://gateway.example/llm/v1"


def test_a_password_in_the_address_is_not_shown():
    assert (
        openrouter.shown("https://user:canary@gateway.example:8443/v1?key=canary") == "https://gateway.example:8443/v1"
    )


def test_without_it_the_public_one_is_asked():
    assert openrouter.base_url() == "https://openrouter.ai/api/v1"
