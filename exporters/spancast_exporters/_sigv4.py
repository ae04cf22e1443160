"""Signs requests for S3 (AWS, "Authenticating Requests: Using the Authorization Header")."""

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from urllib.parse import SplitResult, parse_qsl, quote, unquote, urlsplit

from spancast.contract import Request

_ALGORITHM = "AWS4-HMAC-SHA256"
_DEFAULT_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Keys:
    """The credential, and the region and service that it signs for."""

    access_key_id: str
    secret_access_key: str = field(repr=False)
    region: str
    session_token: str | None = field(default=None, repr=False)
    service: str = "s3"


def encoded(path: str) -> str:
    """Return a path for a URL and a signature: every byte but `/` and the unreserved ones percent-encoded."""
    return quote(path, safe="/-_.~")


def signed(request: Request, keys: Keys, at: datetime) -> Request:
    """Return the request with the headers of the signature, which covers all headers.

    `at` is the time of sending; S3 refuses a request that is a quarter of an hour old.
    """
    time = at.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")
    scope = f"{time[:8]}/{keys.region}/{keys.service}/aws4_request"
    token = {"x-amz-security-token": keys.session_token} if keys.session_token else {}
    payload = {"x-amz-content-sha256": _hash(request.body), "x-amz-date": time}
    headers = {**request.headers, **payload, **token}
    known = {**headers, "host": _host(urlsplit(request.url))}
    names = ";".join(sorted(known))
    string_to_sign = "\n".join((_ALGORITHM, time, scope, _hash(_canonical(request, known, names).encode())))
    signature = _mac(_signing_key(keys, time[:8]), string_to_sign).hex()
    stated = f"{_ALGORITHM} Credential={keys.access_key_id}/{scope},SignedHeaders={names},Signature={signature}"
    return replace(request, headers={**headers, "authorization": stated})


def _canonical(request: Request, headers: Mapping[str, str], names: str) -> str:
    """Return the canonical request."""
    parts = urlsplit(request.url)
    pairs = sorted((_quoted(name), _quoted(value)) for name, value in parse_qsl(parts.query, keep_blank_values=True))
    return "\n".join(
        (
            request.method,
            encoded(unquote(parts.path)) or "/",
            "&".join(f"{name}={value}" for name, value in pairs),
            *(f"{name}:{' '.join(headers[name].split())}" for name in sorted(headers)),
            "",
            names,
            headers["x-amz-content-sha256"],
        )
    )


def _host(parts: SplitResult) -> str:
    """Return the Host header, without a default port."""
    host = (parts.hostname or "").encode("idna").decode()
    written = f"[{host}]" if ":" in host else host
    return written if parts.port in (None, _DEFAULT_PORTS.get(parts.scheme)) else f"{written}:{parts.port}"


def _signing_key(keys: Keys, day: str) -> bytes:
    key = f"AWS4{keys.secret_access_key}".encode()
    for part in (day, keys.region, keys.service, "aws4_request"):
        key = _mac(key, part)
    return key


def _mac(key: bytes, text: str) -> bytes:
    return hmac.digest(key, text.encode(), "sha256")


def _hash(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _quoted(text: str) -> str:
    return quote(text, safe="-_.~")
