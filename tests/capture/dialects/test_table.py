"""The table from a route to its dialect, against every path that OpenRouter's description has."""

import pytest

from spancast.capture.dialects.table import dialect_of
from tests.support.shared import needs_shared
from tests.testing.openapi import description

CALLS = {
    "/chat/completions": "chat",
    "/completions": "completion",
    "/responses": "responses",
    "/messages": "message",
    "/embeddings": "embeddings",
    "/rerank": "rerank",
    "/images": "image",
    "/audio/speech": "speech",
    "/audio/transcriptions": "transcription",
    "/videos": "video",
    "/batches": "batch",
    "/systemone": "decision",
    "/decisions": "decision",
}


def operation(method: str, path: str) -> str | None:
    dialect = dialect_of(method, path)
    return None if dialect is None else dialect.operation


GATEWAYS = ["/v2/openrouter/api/v1", "/v1/gw/api/v1", "/v1/providers/openrouter/v1", "/beta/gw/api/alpha"]
"""Bases behind a gateway whose own paths have a version, too."""


@pytest.mark.parametrize("base", ["/api/v1", "/api/alpha", "/api/beta", "/v1", "/llm/v1", "/api/v2", *GATEWAYS])
@pytest.mark.parametrize("path", CALLS)
def test_a_post_is_known_by_the_end_of_its_path(path: str, base: str) -> None:
    assert operation("POST", base + path) == CALLS[path]
    assert operation("POST", f"{base}{path}/") == CALLS[path]


@pytest.mark.parametrize("path", CALLS)
def test_a_gateway_may_leave_the_base_out(path: str) -> None:
    assert operation("POST", path) == CALLS[path]


@pytest.mark.parametrize("path", ["/api/v1/moderations", "/api/v1/audio/translations", "/api/v3/music"])
def test_a_post_that_nobody_knows_yet_is_a_call_all_the_same(path: str) -> None:
    assert operation("POST", path) == "unknown"


@pytest.mark.parametrize(
    "path",
    [
        "/api/v1/presets/mine/chat/completions",
        "/api/v1/presets/mine/messages",
        "/api/v1/presets/mine/responses",
        "/api/v1/presets/v2/responses",
        "/llm/presets/mine/responses",
        "/api/v1/batches/batch_1/cancel",
        "/api/v1/keys",
        "/api/v1/generation/feedback",
        "/api/v1/private-endpoints/x/responses",
        "/some/page",
        "/",
        "",
    ],
)
def test_what_asks_no_model_is_no_call(path: str) -> None:
    assert dialect_of("POST", path) is None


@pytest.mark.parametrize("path", ["/files", "/keys", "/workspaces/beta/members/add", "/guardrails/v2/assignments/keys"])
@pytest.mark.parametrize("base", ["/api/v1", *GATEWAYS])
def test_what_asks_no_model_is_no_call_behind_a_gateway_either(path: str, base: str) -> None:
    assert dialect_of("POST", base + path) is None


@pytest.mark.parametrize("path", ["/api/v1/videos/abc", "/api/v1/videos/abc/", "/api/beta/batches/batch_1"])
def test_a_get_of_a_job_is_a_poll(path: str) -> None:
    dialect = dialect_of("GET", path)
    assert dialect is not None
    assert dialect.poll


@pytest.mark.parametrize(
    "path",
    [
        "/api/v1/videos/models",
        "/api/v1/videos/abc/content",
        "/api/v1/videos",
        "/api/v1/chat/completions",
        "/api/v1/generation",
        "/api/v1/batches",
    ],
)
def test_another_get_is_none(path: str) -> None:
    assert dialect_of("GET", path) is None


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "post", ""])
def test_no_other_method_asks_a_model(method: str) -> None:
    assert dialect_of(method, "/api/v1/chat/completions") is None


@needs_shared
def test_of_the_described_paths_the_known_ones_are_calls_and_no_other_is() -> None:
    described = [(method.upper(), path) for path, methods in description()["paths"].items() for method in methods]
    found = {(method, path): operation(method, f"/api/v1{path}") for method, path in described}
    posts = {("POST", path): name for path, name in CALLS.items() if ("POST", path) in found}
    assert len(posts) == 9
    assert {what: name for what, name in found.items() if name} == posts | {("GET", "/videos/{jobId}"): "video"}
