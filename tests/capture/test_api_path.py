"""Where the base of an API ends in a path."""

import pytest

from spancast.capture.api_path import split


@pytest.mark.parametrize(
    ("path", "parts"),
    [
        ("/api/v1/chat/completions", ("/api/", "chat/completions")),
        ("/api/alpha/responses", ("/api/", "responses")),
        ("/v1/messages", ("/", "messages")),
        ("/v1/gw/api/v1/keys", ("/v1/gw/api/", "keys")),
        ("/v1/gw/v1/messages", ("/v1/gw/", "messages")),
        ("/v1/providers/openrouter/v1/messages", ("/v1/providers/openrouter/", "messages")),
        ("/api/v1/", ("/api/", "")),
    ],
)
def test_it_ends_with_the_last_version_for_a_gateway_may_have_one_before(path, parts):
    assert split(path) == parts


@pytest.mark.parametrize(
    ("path", "parts"),
    [
        ("/api/v1/presets/v2/chat/completions", ("/api/", "presets/v2/chat/completions")),
        ("/api/v1/workspaces/beta/members/add", ("/api/", "workspaces/beta/members/add")),
        ("/v2/gw/api/v1/presets/v3/messages", ("/v2/gw/api/", "presets/v3/messages")),
        ("/api/v1/presets/v2", ("/api/", "presets/v2")),
    ],
)
def test_what_is_called_like_a_version_is_none(path, parts):
    assert split(path) == parts


@pytest.mark.parametrize(
    "path", ["/chat/completions", "/api/v1", "v1/messages", "/v1x/messages", "/presets/mine/messages", "/", ""]
)
def test_a_path_without_a_version_has_none(path):
    assert split(path) is None
