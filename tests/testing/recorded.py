"""Recorded OpenRouter traffic, to compare responses with."""

import gzip
import json
from collections.abc import Iterator
from functools import cache
from typing import Any

from tests.support.shared import SHARED


@cache
def everything() -> list[dict[str, Any]]:
    files = sorted((SHARED / "recordings").glob("*.jsonl.gz"))
    return [json.loads(line) for file in files for line in gzip.decompress(file.read_bytes()).splitlines()]


def of(operation: str) -> list[dict[str, Any]]:
    """Return OpenRouter's recorded responses to an operation, without errors."""
    return [
        one
        for one in everything()
        if one["expect"]["operation"] == operation and not one["synthetic"] and one["response"]["status"] < 300
    ]


def paths(value: Any, at: str = "") -> Iterator[str]:
    """Yield the path of every key, without list indices."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield f"{at}.{key}"
            yield from paths(inner, f"{at}.{key}")
    if isinstance(value, list):
        for inner in value:
            yield from paths(inner, f"{at}[]")


def events(body: str) -> list[Any]:
    """Return the events of a stream, without comments and `[DONE]`."""
    return [json.loads(line[6:]) for line in body.splitlines() if line.startswith("data: {")]
