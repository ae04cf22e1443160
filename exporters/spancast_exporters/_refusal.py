"""What the answer of a platform says that is no acknowledgement, in a few words that are the same each time."""

from collections.abc import Mapping
from dataclasses import replace

from spancast.contract import (
    Delivered,
    Encoded,
    Rejected,
    Reply,
    Retry,
    Unauthorized,
    Verdict,
    judge_status,
)
from spancast_exporters import _json

_LONGEST = 120
_WORDS = ("errors", "message", "Message", "detail", "error")
"""Where platforms say what is wrong, the most telling first: beside a message, an error is but its class."""


def judge(encoded: Encoded, reply: Reply) -> Verdict:
    """Judge by the status and believe a success that says nothing else; the reason is in the platform's own words."""
    verdict = judge_status(encoded, reply)
    if isinstance(verdict, Delivered):
        doubtful = doubt(reply)
        return verdict if doubtful is None else Retry(doubtful)
    return worded(verdict, reason(reply))


def worded(verdict: Verdict, why: str) -> Verdict:
    """Return a refusal with the platform's own words for it."""
    match verdict:
        case Rejected(reasons):
            return Rejected(dict.fromkeys(reasons, why))
        case Unauthorized() | Retry():
            return replace(verdict, reason=why)
    return verdict


def reason(reply: Reply) -> str:
    """Return the status and the platform's own words, where it has some: `HTTP 403: Forbidden`."""
    said = _said(reply)
    return f"HTTP {reply.status}: {said}" if said else f"HTTP {reply.status}"


def doubt(reply: Reply) -> str | None:
    """Return why a success is none: a page where an answer was expected, an error in the body; `None` to believe it."""
    body = reply.body.lstrip()
    if body.startswith(b"<") or reply.headers.get("content-type", "").startswith("text/html"):
        return f"HTTP {reply.status} with a page, which acknowledges nothing"
    if not body.startswith(b"{"):
        return None
    answer = _answer(reply)
    if answer is None:
        return f"HTTP {reply.status} with JSON that breaks off"
    return reason(reply) if answer.get("errors") or answer.get("error") else None


def diagnosed(reply: Reply, where: str, credential: str) -> str | None:
    """Return what is wrong, and the cure, of an answer to a test; `None` where all is well.

    `where` it was sent to, and what to do about the `credential` where that is refused.
    """
    why = reason(reply)
    if reply.status in (401, 403):
        return f"{where} refuses the credential ({why}). {credential}"
    if not 200 <= reply.status < 300:  # noqa: PLR2004 - the class of success
        return f"{where} answers {why}. Is the endpoint right?"
    return doubt(reply)


def _said(reply: Reply) -> str:
    answer = _answer(reply) or {}
    stated = next((answer[name] for name in _WORDS if answer.get(name)), None)
    if isinstance(stated, list):
        stated = stated[0]
    if isinstance(stated, Mapping):
        stated = stated.get("detail") or stated.get("message") or stated.get("title")
    return _json.text(" ".join(stated.split()))[:_LONGEST] if isinstance(stated, str) else ""


def _answer(reply: Reply) -> Mapping[str, object] | None:
    answer = _json.read(reply.body.decode("utf-8", "replace"))
    return answer if isinstance(answer, dict) else None
