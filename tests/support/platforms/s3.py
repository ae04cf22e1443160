"""A bucket of S3 as its clients see it: signed requests, digests, errors in XML. It keeps what is put into it."""

import gzip
import json
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from hashlib import md5, sha256
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import unquote

from spancast.contract import Request
from spancast_exporters import _sigv4
from tests.support.platform import Answer, Platform, Received, answer

KEY_ID, SECRET, TOKEN, BUCKET = (
    "AKIAIOSFODNN7EXAMPLE",
    "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
    "tok3n-of-a-role",
    "traces",
)
KEYS = {"access_key_id": KEY_ID, "secret_access_key": SECRET, "bucket": BUCKET}
_SIGNED = ("authorization", "x-amz-content-sha256", "x-amz-date")


class Bucket:
    """The files, by key, and how often each was put."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.files: dict[str, Received] = {}
        self.puts: list[str] = []

    def __call__(self, handler: BaseHTTPRequestHandler, received: Received) -> bool:
        why = self.put(received)
        (kept() if why is None else refusal(400 if why == "BadDigest" else 403, why))(handler, received)
        return False

    def put(self, received: Received) -> str | None:
        """Keep a file; return why not."""
        assert received.method == "PUT"
        assert received.headers["host"] == f"127.0.0.1:{self.port}"
        if received.headers["authorization"] != self._expected(received):
            return "SignatureDoesNotMatch"
        assert received.headers["x-amz-content-sha256"] == sha256(received.body).hexdigest()
        announced = received.headers.get("content-md5")
        if announced not in (None, b64encode(md5(received.body).digest()).decode()):
            return "BadDigest"
        key = unquote(received.path).removeprefix(f"/{BUCKET}/")
        self.files[key] = received
        self.puts.append(key)
        return None

    def rows(self) -> list[dict[str, Any]]:
        """Return the rows of all files, by key."""
        return [row for key in sorted(self.files) for row in self.rows_of(key)]

    def rows_of(self, key: str) -> list[dict[str, Any]]:
        received = self.files[key]
        packed = received.headers.get("content-encoding") == "gzip"
        return [json.loads(line) for line in (gzip.decompress(received.body) if packed else received.body).splitlines()]

    def _expected(self, received: Received) -> str:
        """Return what the signature of the request that came should be, by the headers that it names."""
        named = received.headers["authorization"].partition("SignedHeaders=")[2].partition(",")[0].split(";")
        assert {"host", "x-amz-content-sha256", "x-amz-date"} <= set(named)
        assert {name for name in received.headers if name.startswith(("x-amz-", "content-type"))} <= set(named)
        token = received.headers.get("x-amz-security-token")
        left = {
            name: received.headers[name] for name in named if name not in ("host", "x-amz-security-token", *_SIGNED)
        }
        at = datetime.strptime(received.headers["x-amz-date"], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
        url = f"http://127.0.0.1:{self.port}{received.path}"
        request = Request(url=url, body=received.body, headers=left, method=received.method)
        return _sigv4.signed(request, _sigv4.Keys(KEY_ID, SECRET, "us-east-1", token), at).headers["authorization"]


def kept() -> Answer:
    """Answer as S3 does that has a file."""
    return answer(200, {"etag": '"d41d8cd98f00b204e9800998ecf8427e"'})


def refusal(status: int, code: str, **headers: str) -> Answer:
    """Answer with an error; an underscore in a header's name stands for a hyphen."""
    more = {name.replace("_", "-"): value for name, value in headers.items()}
    return answer(status, {"content-type": "application/xml", **more}, error(code))


def error(code: str, more: str = "") -> bytes:
    """Return an error as S3 writes it."""
    told = f"<Code>{code}</Code><Message>No: {SECRET[:8]}</Message>{more}<RequestId>4442587FB7D0A2F9</RequestId>"
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<Error>{told}</Error>'.encode()


@contextmanager
def s3(*first: Any) -> Iterator[tuple[Bucket, Platform]]:
    """Open a bucket that gives the `first` answers before its own."""
    platform = Platform(*first)
    bucket = Bucket(platform.port)
    platform.answers.append(bucket)
    with platform.open():
        yield bucket, platform
