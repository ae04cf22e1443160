"""What Weave says of the spans that it refuses: how many, and of some servers' which."""

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
    """Return why each refused span was, where Weave names all of them; else `None`."""
    if reply.status != 200 or reply.headers.get("content-type", "").startswith("text/html"):  # noqa: PLR2004 - OK
        return None
    try:
        answer = ExportTraceServiceResponse.FromString(reply.body).partial_success
    except DecodeError:
        return None
    told = {span_id: _json.text(f"rejected: {why}")[:_LONGEST] for span_id, why in _ONE.findall(answer.error_message)}
    whole = len(told) == answer.rejected_spans > 0 and told.keys() <= set(encoded.span_ids)
    return told if whole else None
