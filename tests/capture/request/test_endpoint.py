"""Whom a request asks, and with which key."""

import pytest

from spancast.capture.request.endpoint import server_and_key

BEARER = {"authorization": "Bearer sk-or-v1-1"}


@pytest.mark.parametrize(
    ("scheme", "host", "port", "path", "server"),
    [
        ("https", "openrouter.ai", None, "/api/v1/chat/completions", "https://openrouter.ai/api/v1"),
        ("https", "eu.openrouter.ai", None, "/api/v1/audio/speech", "https://eu.openrouter.ai/api/v1"),
        ("https", "openrouter.ai", None, "/api/alpha/decisions", "https://openrouter.ai/api/v1"),
        ("http", "127.0.0.1", 8087, "/api/v1/messages", "http://127.0.0.1:8087/api/v1"),
        ("http", "::1", 8087, "/api/v1/messages", "http://[::1]:8087/api/v1"),
        ("https", "gateway.example", None, "/v1/acme/or/api/v1/responses", "https://gateway.example/v1/acme/or/api/v1"),
        ("https", "openrouter.ai", None, "/api/alpha/responses", "https://openrouter.ai/api/v1"),
        ("https", "openrouter.ai", None, "/api/v1/presets/v2/responses", "https://openrouter.ai/api/v1"),
    ],
)
def test_the_same_api_is_asked_that_was_called(scheme, host, port, path, server):
    assert server_and_key(scheme, host, port, path, BEARER) == (server, "sk-or-v1-1")


def test_a_path_without_a_version_cannot_be_asked():
    assert server_and_key("https", "gateway.example", None, "/chat/completions", BEARER) is None


@pytest.mark.parametrize(
    ("headers", "key"),
    [
        ({"authorization": "bearer  sk-or-v1-1 "}, "sk-or-v1-1"),
        ({"x-api-key": "sk-or-v1-2"}, "sk-or-v1-2"),
        ({"authorization": "Bearer sk-or-v1-1", "x-api-key": "sk-or-v1-2"}, "sk-or-v1-1"),
        ({"authorization": "Basic dXNlcjpwYXNz"}, None),
        ({"authorization": "Bearer"}, None),
        ({"authorization": "Bearer sk-\u00fc"}, None),
        ({"authorization": "Bearer two words"}, None),
        ({}, None),
    ],
)
def test_the_key_is_that_of_the_request_and_nothing_else(headers, key):
    asked = server_and_key("https", "openrouter.ai", None, "/api/v1/messages", headers)
    assert asked == (None if key is None else ("https://openrouter.ai/api/v1", key))
