"""Reads S3's error answers (AWS, "Error responses"): an XML document with a code."""

import re

from spancast.contract import Encoded, Rejected, Reply, Retry, Split, Unauthorized, Verdict, judge_status, retry_after
from spancast_exporters import _refusal

CREDENTIAL = (
    *("InvalidAccessKeyId", "SignatureDoesNotMatch", "AccessDenied", "Unauthorized"),
    *("ExpiredToken", "InvalidToken", "TokenRefreshRequired", "AuthorizationHeaderMalformed"),
)
CLOCK = "RequestTimeTooSkewed"
OTHER_BODY = ("BadDigest", "InvalidDigest", "XAmzContentSHA256Mismatch")
"""The body does not match the announced digest; S3 checks the credential and the bucket first."""


def is_kept(reply: Reply) -> bool:
    """Whether S3 has stored a file: its answer is empty, with an ETag."""
    success = 200 <= reply.status < 300  # noqa: PLR2004 - the class of success
    return success and not reply.body.strip() and "etag" in reply.headers


def refused(encoded: Encoded, reply: Reply) -> Verdict:
    """Judge an error. S3 never refuses a span for its content, so that its spans are retried."""
    stated, why = code(reply), reason(reply)
    if stated == "EntityTooLarge":
        return Split(why)
    if stated in CREDENTIAL:
        return Unauthorized(why)
    verdict = judge_status(encoded, reply)
    if isinstance(verdict, Rejected) or stated == CLOCK:
        return Retry(why, retry_after(reply))
    return _refusal.with_reason(verdict, why)


def code(reply: Reply) -> str | None:
    """Return S3's error code, or `None`."""
    return _within(reply, "Code")


def region(reply: Reply) -> str | None:
    """Return the region of the bucket, where the request went to another one."""
    return reply.headers.get("x-amz-bucket-region") or _within(reply, "Region")


def reason(reply: Reply) -> str:
    """Return the status and the code only: the rest of the answer may quote the request."""
    stated = code(reply)
    return f"HTTP {reply.status}: {stated}" if stated else f"HTTP {reply.status}"


def _within(reply: Reply, name: str) -> str | None:
    found = re.search(rf"<{name}>([\w.-]{{1,64}})</{name}>", reply.body.decode("utf-8", "replace"), re.ASCII)
    return None if found is None else found[1]
