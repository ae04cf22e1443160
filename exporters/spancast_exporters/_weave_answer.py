"""Reads which spans Weave refuses; some servers state only how many."""

import re
from collections.abc import Mapping

from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

from spancast.contract import Encoded, Reply
from spancast_exporters import _json

_ONE = re.compile(
    r"(?:span_id='|^Extraction failed for span |; Extraction failed for span )([0-9a-f]{16})(?:'\))?: "
    r"(.*?)(?=; Rejected span|; Extraction failed|; \.\.\.$|$)",
    re.DOTALL,
)
"""`Rejected span (name='…' trace_id='…' span_id='…'): why`, `Extraction failed for span …: why` (weave 0.53.12)."""
_LONGEST = 200


def rejected(encoded: Encoded, reply: Reply) -> Mapping[str, str] | None:
    """Return the reason of each refused span, where Weave names all of them; else `None`."""
    if reply.status != 200 or reply.headers.get("content-type", "").startswith("text/html"):  # noqa: PLR2004 - OK
        return None
    try:
        answer = ExportTraceServiceResponse.FromString(reply.body).partial_success
    except DecodeError:
        return None
    reasons = {
        span_id: _json.text(f"rejected: {why}")[:_LONGEST] for span_id, why in _ONE.findall(answer.error_message)
    }
    whole = len(reasons) == answer.rejected_spans > 0 and reasons.keys() <= set(encoded.span_ids)
    return reasons if whole else None
