"""OpenRouter's API description, to validate responses against."""

import json
from functools import cache
from typing import Any

import yaml
from jsonschema import Draft202012Validator
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

from tests.support.shared import SHARED

CHUNK = "#/components/schemas/ChatStreamChunk"
_DOCUMENT = "openrouter"


def answer(path: str, method: str, status: int) -> str:
    """Return the pointer to the schema of a JSON response."""
    escaped = path.replace("/", "~1")
    return f"#/paths/{escaped}/{method}/responses/{status}/content/application~1json/schema"


def check(value: Any, pointer: str) -> None:
    """Fail with all violations of the schema at `pointer` by `value`."""
    validator = Draft202012Validator({"$ref": f"{_DOCUMENT}{pointer}"}, registry=_registry())
    found = [f"{error.json_path}: {error.message}" for error in validator.iter_errors(value)]
    assert not found, "\n".join(found)


def check_text(text: bytes, pointer: str) -> None:
    """Fail unless the JSON `text` matches the schema at `pointer`."""
    check(json.loads(text), pointer)


@cache
def description() -> Any:
    """Parse the description once: it is larger than a megabyte."""
    return yaml.load((SHARED / "facts" / "openrouter-openapi.yaml").read_bytes(), Loader=yaml.CSafeLoader)


@cache
def _registry() -> "Registry[Any]":
    return Registry().with_resource(_DOCUMENT, Resource(contents=description(), specification=DRAFT202012))
