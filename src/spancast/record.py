"""What the journal holds: calls, what is said of them late, and their words, joined by `call_id`; and other spans."""

from spancast.call import Call
from spancast.content import Content
from spancast.foreign import Foreign
from spancast.late import Late

Record = Call | Late | Content | Foreign
Sent = Call | Foreign
"""What travels to destinations."""
