"""What S3 says that is no acknowledgement (AWS, "Error responses"): an XML document with a code."""

import re

from spancast.contract import Encoded, Rejected, Reply, Retry, Split, Unauthorized, Verdict, judge_status, retry_after
from spancast_exporters import _refusal

CREDENTIAL = (
    *("InvalidAccessKeyId", "SignatureDoesNotMatch", "AccessDenied", "Unauthorized"),
    *("ExpiredToken", "InvalidToken", "TokenRefreshRequired", "AuthorizationHeaderMalformed"),
)
CLOCK = "RequestTimeTooSkewed"
OTHER_BODY = ("BadDigest", "InvalidDigest", "XAmzContentSHA256Mismatch")
"""Of a body that is not the one that was announced; the credential and the bucket were found good before."""


def is_kept(reply: Reply) -> bool:
    """Whether a file is there: S3 says nothing then, but for the file's tag."""
    success = 200 <= reply.status < 300  # noqa: PLR2004 - the class of success
    return success and not reply.body.strip() and "etag" in reply.headers


def refused(encoded: Encoded, reply: Reply) -> Verdict:
    """Judge what is no acknowledgement. S3 refuses no span for what it says: what is no success waits."""
    stated, why = code(reply), reason(reply)
    if stated == "EntityTooLarge":
        return Split(why)
    if stated in CREDENTIAL:
        return Unauthorized(why)
    verdict = judge_status(encoded, reply)
    if isinstance(verdict, Rejected) or stated == CLOCK:
        return Retry(why, retry_after(reply))
    return _refusal.worded(verdict, why)


def code(reply: Reply) -> str | None:
    """Return S3's word for what is wrong; `None` where it has none."""
    return _within(reply, "Code")


def region(reply: Reply) -> str | None:
    """Return where the bucket is, when it was asked for elsewhere."""
    return reply.headers.get("x-amz-bucket-region") or _within(reply, "Region")


def reason(reply: Reply) -> str:
    """Return the status and the code, and nothing else: what S3 says beside may quote the request."""
    stated = code(reply)
    return f"HTTP {reply.status}: {stated}" if stated else f"HTTP {reply.status}"


def _within(reply: Reply, name: str) -> str | None:
    found = re.search(rf"<{name}>([\w.-]{{1,64}})</{name}>", reply.body.decode("utf-8", "replace"), re.ASCII)
    return None if found is None else found[1]
