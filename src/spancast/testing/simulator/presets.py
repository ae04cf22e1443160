"""`POST /presets/{slug}/chat/completions` and its siblings, which create a preset and call no model."""

from datetime import UTC, datetime
from typing import Any

import msgspec

from spancast.testing.simulator import answer, errors, reading
from spancast.testing.simulator.account import Account
from spancast.testing.simulator.answer import Answer
from spancast.testing.simulator.identity import derived
from spancast.testing.simulator.served import Served

_PLACE = 3
"""The index of the preset's slug in the path."""
_CONVERSATION = frozenset({"messages", "input", "stream"})
"""The request fields that a preset does not store."""


def make(served: Served, account: Account) -> Answer:
    """Return the preset and its latest version."""
    slug = served.parts[_PLACE]
    config = {name: value for name, value in reading.json_object(served).items() if name not in _CONVERSATION}
    at = datetime.fromtimestamp(int(served.at), UTC).isoformat()
    version = _version(slug, config, _count(served, account), at)
    return answer.json(msgspec.json.encode({"data": _preset(slug, at, version)}))


def _preset(slug: str, at: str, version: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": version["preset_id"],
        "name": slug,
        "slug": slug,
        "description": None,
        "status": "active",
        "status_updated_at": None,
        "creator_user_id": errors.USER_ID,
        "workspace_id": None,
        "created_at": at,
        "updated_at": at,
        "designated_version_id": version["id"],
        "designated_version": version,
    }


def _version(slug: str, config: dict[str, Any], number: int, at: str) -> dict[str, Any]:
    return {
        "id": derived("version_", slug, number),
        "preset_id": derived("preset_", slug),
        "version": number,
        "config": config,
        "system_prompt": None,
        "creator_id": errors.USER_ID,
        "created_at": at,
        "updated_at": at,
    }


def _count(served: Served, account: Account) -> int:
    """Return the number of versions, including this one."""
    return sum(each.method == "POST" and each.parts[:4] == served.parts[:4] for each in account.served)
