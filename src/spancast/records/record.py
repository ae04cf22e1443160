"""What the journal holds: calls, what is said of them late, and their words, joined by `call_id`; and other spans."""

from spancast.records.call import Call
from spancast.records.content import Content
from spancast.records.foreign import Foreign
from spancast.records.late import Late

Record = Call | Late | Content | Foreign
Sent = Call | Foreign
"""What travels to destinations."""
