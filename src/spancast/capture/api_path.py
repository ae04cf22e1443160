"""Where the base of an API ends in the path of a request, and the route begins."""

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
"""The first segment of the routes that call no model (OpenRouter API). A request that is posted to a preset is only
stored as one."""

_VERSION = re.compile(r"v\d+|alpha|beta")


def split(path: str) -> tuple[str, str] | None:
    """Return the parts of a path before and after its version; `None` where it has no version.

    The last version counts: a gateway may have one of its own before it.
    """
    segments = path.split("/")
    found = (at for at in range(len(segments) - 2, 0, -1) if _is_version(segments, at))
    at = next(found, None)
    return None if at is None else ("/".join([*segments[:at], ""]), "/".join(segments[at + 1 :]))


def _is_version(segments: list[str], at: int) -> bool:
    """Whether a segment is a version, and not a preset or workspace of such a name: `/api/v1/presets/v2/messages`."""
    is_name = segments[at - 1] in NO_CALLS and _VERSION.fullmatch(segments[at - 2])
    return not is_name and _VERSION.fullmatch(segments[at]) is not None
