"""The records of the journal: calls, their late facts and their content, joined by `call_id`; and other spans."""

from spancast.records.app_span import AppSpan
from spancast.records.call import Call
from spancast.records.content import Content
from spancast.records.late import LateFacts

Record = Call | LateFacts | Content | AppSpan
SpanRecord = Call | AppSpan
"""A record that becomes a span at destinations."""
