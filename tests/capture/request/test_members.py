"""What a request may be told beside what the application wrote, by OpenRouter's own description of its API."""

from typing import Any

import pytest

from spancast.capture.dialects.table import CALLS
from tests.support.shared import needs_shared
from tests.testing.openapi import description

pytestmark = needs_shared
DESCRIBED = sorted(CALLS.keys() - {"/completions", "/batches", "/systemone", "/decisions"})
"""The others are not in the description; none of them is told a trace."""


def members(schema: dict[str, Any]) -> set[str]:
    """Return the members that a schema names, in any of its parts."""
    if "$ref" in schema:
        return members(description()["components"]["schemas"][schema["$ref"].rpartition("/")[2]])
    parts = [part for kind in ("allOf", "anyOf", "oneOf") for part in schema.get(kind, ())]
    return set(schema.get("properties", ())).union(*map(members, parts))


@pytest.mark.parametrize("path", DESCRIBED)
def test_a_user_and_a_trace_are_written_where_the_request_has_them(path: str) -> None:
    body = description()["paths"][path]["post"]["requestBody"]["content"]["application/json"]["schema"]
    named = members(body)
    assert (CALLS[path].takes_user, CALLS[path].takes_trace) == ("user" in named, "trace" in named)


def test_what_is_not_described_is_told_no_trace() -> None:
    assert not any(CALLS[path].takes_trace for path in CALLS.keys() - set(DESCRIBED))
