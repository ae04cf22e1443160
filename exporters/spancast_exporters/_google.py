"""A service account of Google Cloud, and the access token that it gets for a signed assertion.

(Google, "Using OAuth 2.0 for Server to Server Applications"; RFC 7523.) Google's error messages may quote the
assertion, so only the code of the error is repeated.
"""

import re
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from urllib.parse import urlencode, urlsplit

from spancast.contract import Grant, Reply, Request, Retry, Unauthorized, retry_after
from spancast_exporters import _json, _jwt, _options

SCOPES = "https://www.googleapis.com/auth/bigquery"
"""Inserts and queries in BigQuery only (Google, "OAuth 2.0 Scopes for Google APIs")."""
_GRANT_TYPE = "urn:ietf:params:oauth:grant-type:jwt-bearer"
_LIFETIME_SECONDS = 3600
"""The lifetime of an assertion; Google accepts no longer one."""
_TOKEN_URI = "https://oauth2.googleapis.com/token"  # noqa: S105 - an address
_KIND = "service_account"


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """A service account, as stated in its key file."""

    email: str
    key_id: str
    private_key: str = field(repr=False)
    token_uri: str
    project: str

    def token_request(self, at: datetime) -> Request:
        """Return the request for a token."""
        issued = int(at.timestamp())
        claims: dict[str, str | int] = {
            "iss": self.email,
            "scope": SCOPES,
            "aud": self.token_uri,
            "iat": issued,
            "exp": issued + _LIFETIME_SECONDS,
        }
        assertion = _jwt.signed(claims, _jwt.key(self.private_key), self.key_id or None)
        body = urlencode({"grant_type": _GRANT_TYPE, "assertion": assertion}).encode()
        headers = {"accept": "application/json", "content-type": "application/x-www-form-urlencoded"}
        return Request(url=self.token_uri, body=body, headers=headers)


def account(given: str) -> Account:
    """Return the account of a key file, given its text or its path.

    Raises:
        ValueError: It is not a key of a service account, or `cryptography` is not installed.
    """
    if not _jwt.is_installed():
        raise ValueError("credentials need cryptography: pip install 'spancast[bigquery]'.")
    try:
        key_file = _json.read(_jwt.text_of(given.strip(), "{"))
        found: dict[str, object] = {name: key_file.get(name) for name in _FIELDS} if isinstance(key_file, dict) else {}
        if found.get("type") != _KIND:
            raise ValueError(f"their type is {_word(found.get('type'))}, not {_KIND}")  # noqa: TRY301 - caught below
        made = Account(
            email=_text(found, "client_email"),
            key_id=str(found["private_key_id"] or ""),
            private_key=_text(found, "private_key"),
            token_uri=str(found["token_uri"] or _TOKEN_URI),
            project=str(found["project_id"] or ""),
        )
        if urlsplit(made.token_uri).scheme not in ("http", "https"):
            raise ValueError("their token_uri is not an HTTP URL")  # noqa: TRY301 - caught below
        _jwt.key(made.private_key)
    except ValueError as error:
        raise ValueError(
            f"credentials cannot be used: {error}. Give the JSON key of a service account, or the path of its file."
        ) from None
    return made


def granted(reply: Reply, at: datetime) -> Grant | Retry | Unauthorized:
    """Return the token, or why there is none; an error that is not about the account may be temporary."""
    answer = _json.answer(reply)
    error = f": {_word(answer['error'])}" if answer.get("error") else ""
    why = f"no access token: HTTP {reply.status}{error}"
    if reply.status in (400, 401, 403):
        return Unauthorized(why)
    token, lasts = answer.get("access_token"), answer.get("expires_in")
    if reply.status != 200 or not _options.is_key(token) or type(lasts) is not int or lasts <= 0:  # noqa: PLR2004 - OK
        return Retry(why, retry_after(reply))
    return Grant({"authorization": f"Bearer {token}"}, at + timedelta(seconds=min(lasts, _LIFETIME_SECONDS)))


_FIELDS = ("type", "project_id", "private_key_id", "private_key", "client_email", "token_uri")


def _text(found: dict[str, object], name: str) -> str:
    stated = found.get(name)
    if not isinstance(stated, str) or not stated:
        raise ValueError(f"they have no {name}")
    return stated


def _word(stated: object) -> str:
    return stated if isinstance(stated, str) and re.fullmatch(r"[a-z_]{1,40}", stated) else "unknown"
