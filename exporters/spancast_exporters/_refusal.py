"""What the answer of a platform says that is no acknowledgement, in a few words that are the same each time."""

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

_LONGEST = 120
_WORDS = ("errors", "message", "Message", "detail", "error")
"""Where platforms say what is wrong, the most telling first: beside a message, an error is but its class."""


def judge(encoded: Encoded, reply: Reply) -> Verdict:
    """Judge by the status and believe a success that says nothing else; the reason is in the platform's own words."""
    verdict = judge_status(encoded, reply)
    if isinstance(verdict, Delivered):
        return believed(verdict, reply)
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
    if _is_page(reply):
        return f"HTTP {reply.status} with a page, which acknowledges nothing"
    if not body.startswith(b"{"):
        return None
    answer = _answer(reply)
    if answer is None:
        return f"HTTP {reply.status} with JSON that breaks off"
    return reason(reply) if _says_no(answer) else None


def believed(verdict: Verdict, reply: Reply) -> Verdict:
    """Return what was made of a success, unless it is none.

    A page, or an answer that denies the whole, is of nobody who took a span. One that lists errors, breaks off, or is
    none of the platform's words at all, may be of somebody who took some.
    """
    why = doubt(reply)
    found = verdict if why is None else Retry(why)
    return replace(found, doubtful=not _denies(reply)) if isinstance(found, Retry) else found


def _denies(reply: Reply) -> bool:
    """Whether a success can only be of somebody who took nothing."""
    if reply.status == _MULTI_STATUS:
        return False
    answer = _answer(reply)
    return reply.body.lstrip().startswith(b"<") if answer is None else not answer.get("errors")


_MULTI_STATUS = 207


def _says_no(answer: Mapping[str, object]) -> bool:
    """Whether an answer states an error, or a success that is none."""
    stated = answer.get("errors") or answer.get("error") or answer.get("status") == "error"
    return bool(stated) or answer.get("success") is False


def diagnosed(reply: Reply, where: str, credential: str) -> str | None:
    """Return what is wrong, and the cure, of an answer to a test; `None` where all is well.

    `where` it was sent to, and what to do about the `credential` where that is refused.
    """
    wrong = unwell(reply, where, "Is the endpoint right?")
    if wrong is not None:
        return wrong
    if reply.status in (401, 403):
        return f"{where} refuses the credential ({reason(reply)}). {credential}"
    doubtful = doubt(reply)
    return doubtful and f"{where} answers {doubtful}. Is the endpoint right?"


def unwell(reply: Reply, where: str, cure: str) -> str | None:
    """Return what an answer says that is neither a success nor about the credential, and the cure; `None` for the two.

    `cure` is for an address that is not the platform's.
    """
    why = reason(reply)
    if 200 <= reply.status < 300:  # noqa: PLR2004 - the class of success
        return None
    if reply.status in (401, 403):
        asks = f"A page on the way to {where} refuses ({why}). Is there a proxy or a firewall in between?"
        return asks if _is_page(reply) else None
    if reply.status == 407:  # noqa: PLR2004 - Proxy Authentication Required
        return f"The proxy on the way to {where} wants a credential ({why}). See HTTPS_PROXY."
    if reply.status in (408, 429) or reply.status >= 500:  # noqa: PLR2004 - the class of the server's own errors
        return f"{where} answers {why}, which may pass. Try again later."
    return f"{where} answers {why}{_elsewhere(reply)}. {cure}"


def _is_page(reply: Reply) -> bool:
    return reply.body.lstrip().startswith(b"<") or reply.headers.get("content-type", "").startswith("text/html")


def _elsewhere(reply: Reply) -> str:
    """Return where a redirect leads to; its path and query may hold what is nobody's business."""
    if not 300 <= reply.status < 400:  # noqa: PLR2004 - the class of redirects
        return ""
    try:
        there = urlsplit(reply.headers.get("location", ""))
    except ValueError:
        return ""
    return _json.text(f" and sends on to {there.scheme}://{there.hostname}")[:_LONGEST] if there.hostname else ""


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
