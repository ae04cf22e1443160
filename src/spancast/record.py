"""What the journal holds: calls, what is said of them late, and their words; joined by `call_id`."""

from spancast.call import Call
from spancast.content import Content
from spancast.late import Late

Record = Call | Late | Content
