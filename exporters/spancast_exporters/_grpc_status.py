"""What a refusal over gRPC means (OTLP specification 1.x, "OTLP/gRPC Response", "OTLP/gRPC Throttling")."""

from collections.abc import Sequence
from typing import Any

import grpc
from google.protobuf.message import DecodeError
from google.rpc.error_details_pb2 import RetryInfo  # type: ignore[import-untyped]  # it has stubs, and no py.typed
from google.rpc.status_pb2 import Status  # type: ignore[import-untyped]  # the same

from spancast.contract import Rejected, Retry, Split, Unauthorized, Verdict
from spancast_exporters import _json

_LONGEST = 120
_DETAILS = "grpc-status-details-bin"
"""Where a `google.rpc.Status` is, in the trailing metadata (gRPC, "Richer error model")."""
_CREDENTIAL = (grpc.StatusCode.UNAUTHENTICATED, grpc.StatusCode.PERMISSION_DENIED)
_LATER = (
    # retryable (OTLP specification)
    grpc.StatusCode.CANCELLED,
    grpc.StatusCode.DEADLINE_EXCEEDED,
    grpc.StatusCode.ABORTED,
    grpc.StatusCode.OUT_OF_RANGE,
    grpc.StatusCode.UNAVAILABLE,
    grpc.StatusCode.DATA_LOSS,
    # about the address and not about the spans, as 404 is over HTTP
    grpc.StatusCode.UNIMPLEMENTED,
    grpc.StatusCode.NOT_FOUND,
)
_SIZE = ("larger than max", "too large", "exceeds maximum size", "exceeds the maximum")
"""How servers say that a message is too large, in C and Go, in Rust, in Java; the status is not the same."""


def verdict(span_ids: Sequence[str], error: Any) -> Verdict:
    """Return what is to become of the spans.

    A server without room says for how long; one that does not will have none later either (OTLP specification).
    """
    code, details = error.code(), error.details() or ""
    reason = f"{code.name}: {_json.text(' '.join(details.split()))[:_LONGEST]}".removesuffix(": ")
    if code in _CREDENTIAL:
        return Unauthorized(reason)
    if any(words in details for words in _SIZE):
        return Split(reason)
    after = _asked(error)
    if code in _LATER or (code is grpc.StatusCode.RESOURCE_EXHAUSTED and after is not None):
        return Retry(reason, after)
    return Rejected(dict.fromkeys(span_ids, reason))


def _asked(error: Any) -> float | None:
    """Return the seconds that the server asks to wait; `None` where it does not say."""
    details = [value for name, value in error.trailing_metadata() or () if name == _DETAILS]
    try:
        packed = [each for text in details for each in Status.FromString(text).details]
        infos = [RetryInfo.FromString(each.value) for each in packed if each.type_url.endswith("/google.rpc.RetryInfo")]
    except (DecodeError, TypeError):
        return None
    return next((each.retry_delay.ToMilliseconds() / 1000 for each in infos), None)
