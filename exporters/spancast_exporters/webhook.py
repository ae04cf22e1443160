"""A receiver of one's own, by OTLP over HTTP in JSON, as OpenRouter's Broadcast sends it (OpenRouter, "Webhook").

Signed as Standard Webhooks has it (specification 1.0.0, "Signature scheme", symmetric), for which many languages have a
library: OpenRouter documents no signature. Checked on a strict stub, which reads the body by OTLP's own schema and
proves the signature, and against the vector that the libraries of Standard Webhooks are tested with.
"""

import hashlib
import hmac
from base64 import b64decode, b64encode
from binascii import Error
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from spancast.contract import (
    Delivered,
    Encoded,
    Exporter,
    Probe,
    Reply,
    Request,
    Retry,
    Span,
    Traits,
    Unauthorized,
    Verdict,
)
from spancast_exporters import _options, _otlp, _otlp_json, _refusal

__all__ = ["Webhook"]

_ROOM = 4 * 1024 * 1024
_PREFIX = "whsec_"
"""What a secret may begin with; the rest is base64 (Standard Webhooks, "Signature scheme")."""
_SHORTEST, _LONGEST = 24, 64
"""Bytes of a key: 192 to 512 bits (Standard Webhooks, "Signature scheme")."""
_GONE = 410
_MAKE = "python -c \"import base64, os; print('whsec_' + base64.b64encode(os.urandom(32)).decode())\""


@dataclass(frozen=True, kw_only=True)
class Webhook:
    """Sends every span that is given to it.

    `headers` are a mapping, or text such as `api-key=x,other=y`. With a `secret` each request is signed by
    `webhook-id`, `webhook-timestamp` and `webhook-signature`. It is 24 to 64 random bytes in base64, with `whsec_`
    before them or not; several, with spaces between, sign each, so that a receiver can change from one to another. A
    span may come twice, with the same ids: the later one is right.
    """

    endpoint: str = field(
        metadata={"variables": ("SPANCAST_WEBHOOK_URL",), "where": "It is the address of a receiver of your own."}
    )
    method: str = field(default="POST", metadata={"variables": ("SPANCAST_WEBHOOK_METHOD",)})
    headers: Mapping[str, str] | str = field(
        default="", repr=False, metadata={"variables": ("SPANCAST_WEBHOOK_HEADERS",)}
    )
    secret: str | None = field(default=None, repr=False, metadata={"variables": ("SPANCAST_WEBHOOK_SECRET",)})
    traits: Traits = field(default=Traits(max_bytes=_ROOM, resend="upsert"), init=False)

    def __post_init__(self) -> None:
        """Refuse options that cannot work."""
        _options.check_endpoint(self.endpoint, "https://traces.example/openrouter")
        if self.method.upper() not in ("POST", "PUT"):
            raise ValueError(f'method cannot be {self.method!r}. Give "POST" or "PUT".')
        _options.check_headers(_otlp.parse_headers(self.headers))
        if self.secret is not None and not all(
            _SHORTEST <= len(key) <= _LONGEST for key in _keys(self.secret) or [b""]
        ):
            raise ValueError(f"secret is not whsec_ and {_SHORTEST} to {_LONGEST} bytes in base64. Make one: {_MAKE}.")

    def encode(self, spans: Sequence[Span], at: datetime) -> Sequence[Encoded]:
        """Return requests of at most 4 MiB; a single span may be larger."""
        parts = ((span.span_id, _otlp_json.resource_spans(_otlp.encoded(span, {}))) for span in spans)
        room = _ROOM - _otlp_json.AROUND - len(spans)
        return [
            Encoded(self._request(_otlp_json.request(batch), at), tuple(ids))
            for ids, batch in _otlp.batches(parts, room)
        ]

    def judge(self, encoded: Encoded, reply: Reply) -> Verdict:
        """Accept any 2xx, except for an HTML page, which an intermediary sends, and JSON with an error.

        A receiver that answers 410 wants nothing more (Standard Webhooks, "Delivery success and failure"): spans
        wait until the destination is changed.
        """
        if reply.status == _GONE:
            return Unauthorized(_refusal.reason(reply))
        if 200 <= reply.status < 300:  # noqa: PLR2004 - the class of success
            doubt = _doubt(reply)
            return Delivered() if doubt is None else Retry(doubt)
        return _refusal.judge(encoded, reply)

    def probe(self, at: datetime) -> Request:
        """Return OpenRouter's own test of a connection: no span, and a header that says so."""
        return self._request(_otlp_json.request(()), at, {"x-test-connection": "true"})

    def diagnose(self, reply: Reply) -> str | None:
        """Return what is wrong; a receiver may answer 400 to what holds no span (OpenRouter, "Webhook")."""
        reason = _refusal.reason(reply)
        if reply.status in (401, 403):
            return (
                f"The receiver refuses the credential ({reason}). "
                "Check SPANCAST_WEBHOOK_HEADERS and SPANCAST_WEBHOOK_SECRET."
            )
        doubt = _doubt(reply) if 200 <= reply.status < 300 else None  # noqa: PLR2004 - the class of success
        if doubt is not None:
            return f"{doubt}. Check SPANCAST_WEBHOOK_URL."
        fine = 200 <= reply.status < 300 or reply.status == 400  # noqa: PLR2004 - the class of success, Bad Request
        return (
            None if fine else f"The receiver answers {reason}. Check SPANCAST_WEBHOOK_URL and SPANCAST_WEBHOOK_METHOD."
        )

    def _request(self, body: bytes, at: datetime, more: Mapping[str, str] | None = None) -> Request:
        headers = {**_otlp.parse_headers(self.headers), "content-type": "application/json", **(more or {})}
        if self.secret is not None:
            headers |= _signed(_keys(self.secret), body, at)
        return Request(url=self.endpoint, body=body, headers=headers, method=self.method.upper())


_: tuple[type[Exporter], type[Probe]] = (Webhook, Webhook)


def _doubt(reply: Reply) -> str | None:
    """Return why a success is doubtful; the content type is ignored, since some frameworks send HTML's for any text."""
    return _refusal.doubt(replace(reply, headers={}))


def _keys(secret: str) -> list[bytes]:
    """Return the keys of a secret; an empty one for what is not base64."""
    return [_decoded(each.removeprefix(_PREFIX)) for each in secret.split()]


def _decoded(text: str) -> bytes:
    """Return what base64 holds, padded or not, as the libraries of Standard Webhooks take it."""
    try:
        return b64decode(text.rstrip("=") + "=" * (-len(text.rstrip("=")) % 4), validate=True)
    except (Error, ValueError):
        return b""


def _signed(keys: Sequence[bytes], body: bytes, at: datetime) -> dict[str, str]:
    """Return the three headers of Standard Webhooks. The id is the same for the same spans sent again."""
    message_id, timestamp = f"msg_{hashlib.sha256(body).hexdigest()[:32]}", str(int(at.timestamp()))
    signatures = " ".join(_signature(key, message_id, timestamp, body) for key in keys)
    return {"webhook-id": message_id, "webhook-timestamp": timestamp, "webhook-signature": signatures}


def _signature(key: bytes, message_id: str, timestamp: str, body: bytes) -> str:
    signed = b".".join((message_id.encode(), timestamp.encode(), body))
    return f"v1,{b64encode(hmac.digest(key, signed, 'sha256')).decode()}"
