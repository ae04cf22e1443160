"""Reads the answers of platforms that are no acknowledgement: the verdict, a short reason, and the diagnosis."""

from collections.abc import Mapping
from dataclasses import replace
from urllib.parse import urlsplit

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

_MAX_REASON = 120
_REASON_FIELDS = ("errors", "message", "Message", "detail", "error")
"""Fields in which platforms state what is wrong, the most specific first; `error` is often only a class of errors."""


def judge(encoded: Encoded, reply: Reply) -> Verdict:
    """Judge by the status, and by the body where it contradicts a success; the reason is the platform's own."""
    verdict = judge_status(encoded, reply)
    if isinstance(verdict, Delivered):
        return confirmed(verdict, reply)
    return with_reason(verdict, reason(reply))


def with_reason(verdict: Verdict, why: str) -> Verdict:
    """Return a verdict with this reason."""
    match verdict:
        case Rejected(reasons):
            return Rejected(dict.fromkeys(reasons, why))
        case Unauthorized() | Retry():
            return replace(verdict, reason=why)
    return verdict


def reason(reply: Reply) -> str:
    """Return the status and the platform's own reason, if any: `HTTP 403: Forbidden`."""
    stated = _stated_reason(reply)
    return f"HTTP {reply.status}: {stated}" if stated else f"HTTP {reply.status}"


def doubt(reply: Reply) -> str | None:
    """Return why a success is doubtful: an HTML page, truncated JSON, or an error in the body; else `None`."""
    body = reply.body.lstrip()
    if _is_page(reply):
        return f"HTTP {reply.status} with an HTML page instead of an acknowledgement"
    if not body.startswith(b"{"):
        return None
    answer = _answer(reply)
    if answer is None:
        return f"HTTP {reply.status} with truncated JSON"
    return reason(reply) if _states_error(answer) else None


def confirmed(verdict: Verdict, reply: Reply) -> Verdict:
    """Return the verdict on a success, or a `Retry` where its body is no acknowledgement.

    After a page, or an answer that states failure as a whole, no span can have been accepted. After one that lists
    errors, is truncated, or is not the platform's, some may have been, so that the `Retry` is doubtful.
    """
    why = doubt(reply)
    found = verdict if why is None else Retry(why)
    return replace(found, doubtful=not _nothing_accepted(reply)) if isinstance(found, Retry) else found


def _nothing_accepted(reply: Reply) -> bool:
    """Whether no span can have been accepted, in spite of the status."""
    if reply.status == _MULTI_STATUS:
        return False
    answer = _answer(reply)
    return reply.body.lstrip().startswith(b"<") if answer is None else not answer.get("errors")


_MULTI_STATUS = 207


def _states_error(answer: Mapping[str, object]) -> bool:
    """Whether an answer states an error, or `success: false`."""
    stated = answer.get("errors") or answer.get("error") or answer.get("status") == "error"
    return bool(stated) or answer.get("success") is False


def diagnose(reply: Reply, where: str, credential: str) -> str | None:
    """Return what is wrong with the answer to a test, and what to do; `None` where nothing is.

    `where` is the address of the request, and `credential` what to do where the credential is refused.
    """
    wrong = diagnose_status(reply, where, "Check the endpoint.")
    if wrong is not None:
        return wrong
    if reply.status in (401, 403):
        return f"{where} refuses the credential ({reason(reply)}). {credential}"
    doubtful = doubt(reply)
    return doubtful and f"{where} answers {doubtful}. Check the endpoint."


def diagnose_status(reply: Reply, where: str, cure: str) -> str | None:
    """Return what is wrong by the status, and what to do; `None` for a success and for a refused credential.

    `cure` is what to do where the address may be wrong.
    """
    why = reason(reply)
    if 200 <= reply.status < 300:  # noqa: PLR2004 - the class of success
        return None
    if reply.status in (401, 403):
        blocked = f"A proxy or a firewall on the way to {where} refuses the request ({why}). Allow it there."
        return blocked if _is_page(reply) else None
    if reply.status == 407:  # noqa: PLR2004 - Proxy Authentication Required
        return f"The proxy on the way to {where} requires a credential ({why}). Check HTTPS_PROXY."
    if reply.status in (408, 429) or reply.status >= 500:  # noqa: PLR2004 - the class of the server's own errors
        return f"{where} answers {why}, which may be temporary. Try again later."
    return f"{where} answers {why}{_redirect_target(reply)}. {cure}"


def _is_page(reply: Reply) -> bool:
    return reply.body.lstrip().startswith(b"<") or reply.headers.get("content-type", "").startswith("text/html")


def _redirect_target(reply: Reply) -> str:
    """Return the host that a redirect leads to, without its path and query, which may contain secrets."""
    if not 300 <= reply.status < 400:  # noqa: PLR2004 - the class of redirects
        return ""
    try:
        target = urlsplit(reply.headers.get("location", ""))
    except ValueError:
        return ""
    return _json.text(f" and redirects to {target.scheme}://{target.hostname}")[:_MAX_REASON] if target.hostname else ""


def _stated_reason(reply: Reply) -> str:
    answer = _answer(reply) or {}
    stated = next((answer[name] for name in _REASON_FIELDS if answer.get(name)), None)
    if isinstance(stated, list):
        stated = stated[0]
    if isinstance(stated, Mapping):
        stated = stated.get("detail") or stated.get("message") or stated.get("title")
    return _json.text(" ".join(stated.split()))[:_MAX_REASON] if isinstance(stated, str) else ""


def _answer(reply: Reply) -> Mapping[str, object] | None:
    answer = _json.decoded(reply)
    return answer if isinstance(answer, dict) else None
