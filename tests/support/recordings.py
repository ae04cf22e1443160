"""The recorded exchanges, and whether a Call is exactly what one of them must give."""

import base64
import functools
import gzip
import json
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from spancast.records.call import Call
from tests.support.shared import SHARED


@dataclass(frozen=True)
class Recording:
    id: str
    request: dict[str, Any]
    response: dict[str, Any]
    stream: bool
    expect: dict[str, Any]

    @property
    def request_body(self) -> bytes:
        body = self.request["body"]
        return b"" if body is None else json.dumps(body).encode()

    @property
    def headers(self) -> dict[str, str]:
        """The headers as recorded, less those that the connection to this machine sets itself."""
        own = {"date", "server", "keep-alive", "alt-svc", "strict-transport-security"}
        return {name: value for name, value in self.response["headers"].items() if name not in own and value.isascii()}

    @property
    def chunks(self) -> list[bytes]:
        """The network's own chunks where they were recorded, else the body in one."""
        if "body_b64" in self.response:
            return [base64.b64decode(self.response["body_b64"])]
        return [chunk.encode() for chunk in self.response.get("chunks") or [self.response["body"]]]


def recordings(operation: str) -> tuple[Recording, ...]:
    """Return the exchanges of one operation, as `expect` names it."""
    return tuple(each for each in _all() if each.expect["operation"] == operation)


@functools.cache
def _all() -> tuple[Recording, ...]:
    found = []
    for path in sorted((SHARED / "recordings").glob("*.jsonl.gz")):
        with gzip.open(path, "rt") as lines:
            entries = map(json.loads, lines)
            found += [Recording(**{key: entry[key] for key in Recording.__dataclass_fields__}) for entry in entries]
    return tuple(found)


SAME = (
    "generation_id",
    "response_id",
    "request_model",
    "response_model",
    "provider",
    "input_tokens",
    "output_tokens",
    "total_tokens",
    "cached_tokens",
    "cache_write_tokens",
    "reasoning_tokens",
    "is_byok",
    "user",
)


def differences(recording: Recording, call: Call) -> dict[str, tuple[object, object]]:
    """Return, by field, what was expected and what came."""
    expect = recording.expect
    pairs: dict[str, tuple[object, object]] = {name: (expect[name], getattr(call, name)) for name in SAME}
    pairs["session"] = (expect["session_id"], call.session)
    pairs["status"] = (expect["response_status"], call.status)
    pairs["tool_calls"] = (expect["tool_calls"] or None, call.tool_calls)
    for name in ("cost", "upstream_cost"):
        pairs[name] = (_plain(expect[name]), _plain(getattr(call, name)))
    for name in ("finish_reasons", "native_finish_reasons"):
        came = getattr(call, name)
        pairs[name] = (expect[name], None if came is None else list(came))
    error = expect["error"]
    pairs["error_type"] = (str(error["code"]) if error else None, call.error_type)
    prefix = error["message_prefix"] if error else None
    pairs["error_message"] = (prefix, call.error_message and call.error_message[: len(prefix or "")])
    pairs["outcome"] = ("error" if error else "completed", call.outcome)
    pairs["http_status"] = (recording.response["status"], call.http_status)
    return {name: pair for name, pair in pairs.items() if pair[0] != pair[1]}


def _plain(amount: object) -> str | None:
    return None if amount is None else format(Decimal(str(amount)), "f")
