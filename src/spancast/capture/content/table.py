"""The table from an operation to how its content is found."""

from spancast.capture.content.chat import CHAT
from spancast.capture.content.messages import MESSAGES
from spancast.capture.content.other_dialects import EMBEDDINGS, IMAGE, RERANK, SPEECH, TRANSCRIPTION, VIDEO
from spancast.capture.content.responses import RESPONSES

TRANSCRIPTS = {
    "chat": CHAT,
    "completion": CHAT,
    "responses": RESPONSES,
    "message": MESSAGES,
    "embeddings": EMBEDDINGS,
    "rerank": RERANK,
    "image": IMAGE,
    "speech": SPEECH,
    "transcription": TRANSCRIPTION,
    "video": VIDEO,
}
"""An operation that is not here has no content of a known shape: a batch, a decision, an unknown route."""
