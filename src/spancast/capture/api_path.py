"""Where the base of an API ends in the path of a request, and what is asked for begins."""

import re

NO_CALLS = frozenset(
    {
        "activity",
        "analytics",
        "auth",
        "benchmarks",
        "byok",
        "classifications",
        "containers",
        "credits",
        "datasets",
        "endpoints",
        "external-users",
        "files",
        "generation",
        "guardrails",
        "key",
        "keys",
        "models",
        "oauth",
        "observability",
        "organization",
        "presets",
        "private-endpoints",
        "providers",
        "scim",
        "tools",
        "vault",
        "workspaces",
    }
)
"""The first member of the paths below the API's base that ask no model for anything (OpenRouter API; a preset is only
made from the request that is posted to it)."""

_VERSION = re.compile(r"v\d+|alpha|beta")


def split(path: str) -> tuple[str, str] | None:
    """Return what stands before the version in a path, and what behind it; `None` where there is no version.

    It is the last one that counts: a gateway may have one of its own before it.
    """
    members = path.split("/")
    found = (at for at in range(len(members) - 2, 0, -1) if _is_version(members, at))
    at = next(found, None)
    return None if at is None else ("/".join([*members[:at], ""]), "/".join(members[at + 1 :]))


def _is_version(members: list[str], at: int) -> bool:
    """Whether a member is one, and no preset or workspace that is called like one: `/api/v1/presets/v2/messages`."""
    is_name = members[at - 1] in NO_CALLS and _VERSION.fullmatch(members[at - 2])
    return not is_name and _VERSION.fullmatch(members[at]) is not None
