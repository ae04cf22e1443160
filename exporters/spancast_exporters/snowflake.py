"""Snowflake, by its SQL API: rows of OPENROUTER_TRACES, the table of OpenRouter's own Broadcast.

A batch is one atomic `MERGE` by trace and span: a row sent again, after a lost answer or with a late cost, updates the
existing row (Snowflake, "MERGE"); concurrent statements wait for each other ("Transactions", Resource locking). Each
request has an id of its own with `retry=true`, so that one that is repeated on its way is executed once ("Resubmitting
a request to execute SQL statements"). The id differs for the same rows at another time: otherwise Snowflake would not
insert a row again that was deleted there.

Checked on fakesnow (0.12, DuckDB's engine behind Snowflake's SQL) and on a strict stub that verifies the signature; not
checked on Snowflake itself.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import NAMESPACE_URL, uuid5

import msgspec

from spancast.contract import (
    Delivered,
    Encoded,
    Exporter,
    Probe,
    Rejected,
    Reply,
    Request,
    Retry,
    Span,
    Split,
    Traits,
    Unauthorized,
    Verdict,
    judge_status,
    retry_after,
)
from spancast_exporters import _jwt, _options, _otlp, _refusal, _snowflake, _traces_table

__all__ = ["Snowflake"]

_PATH = "/api/v2/statements"
_ROOM = 4_000_000
"""Bytes of the rows of one statement. A variable holds at least 16 MB (Snowflake, "VARCHAR"); rows are quoted in it."""
_TIMEOUT_SECONDS = 60
"""Seconds after which Snowflake cancels a statement, so that none runs long after it was sent again."""
_LIFETIME_SECONDS = 3600
"""The lifetime of a signed token; Snowflake accepts no longer one."""
_BACKDATED_SECONDS = 60
"""How far it is backdated, for clocks that differ."""
_KINDS = ("PROGRAMMATIC_ACCESS_TOKEN", "OAUTH")
_PENDING = (202, 408)
"""Statuses of a statement that is still running, and of one that timed out."""
_EXAMPLE = "2026-01-01T00:00:00"


@dataclass(frozen=True, kw_only=True)
class Snowflake:
    """Sends every span that is given to it.

    `account` is the account identifier, such as myorg-myaccount or xy12345.us-east-1; `endpoint` is for what is reached
    at another address. `token` is a programmatic access token or, with `token_type="OAUTH"`, one of OAuth. Instead of
    it, `user` and `private_key` sign a token for each request; the key is a PEM or the path of its file, and needs
    `pip install 'spancast[snowflake]'`. The role needs USAGE on warehouse, database and schema, and SELECT, INSERT and
    UPDATE on the table.
    """

    account: str = field(
        metadata={
            "variables": ("SNOWFLAKE_ACCOUNT",),
            "where": "It is in Snowflake's account menu under View account details, as Account identifier.",
        }
    )
    token: str = field(
        default="",
        repr=False,
        metadata={
            "variables": ("SNOWFLAKE_TOKEN", "SNOWFLAKE_PAT"),
            "unless": ("private_key",),
            "where": "It is made in Snowflake under Settings, Authentication, Programmatic access tokens.",
        },
    )
    token_type: str = field(default=_KINDS[0], metadata={"variables": ("SNOWFLAKE_TOKEN_TYPE",)})
    user: str = field(default="", metadata={"variables": ("SNOWFLAKE_USER",)})
    private_key: str = field(
        default="",
        repr=False,
        metadata={
            "variables": ("SNOWFLAKE_PRIVATE_KEY", "SNOWFLAKE_PRIVATE_KEY_PATH", "SNOWFLAKE_PRIVATE_KEY_FILE"),
        },
    )
    private_key_passphrase: str = field(
        default="", repr=False, metadata={"variables": ("SNOWFLAKE_PRIVATE_KEY_PASSPHRASE", "PRIVATE_KEY_PASSPHRASE")}
    )
    role: str = field(default="", metadata={"variables": ("SNOWFLAKE_ROLE",)})
    warehouse: str = field(default="COMPUTE_WH", metadata={"variables": ("SNOWFLAKE_WAREHOUSE",)})
    database: str = field(default="SNOWFLAKE_LEARNING_DB", metadata={"variables": ("SNOWFLAKE_DATABASE",)})
    schema: str = field(default="PUBLIC", metadata={"variables": ("SNOWFLAKE_SCHEMA",)})
    table: str = field(default=_traces_table.NAME, metadata={"variables": ("SNOWFLAKE_TABLE",)})
    endpoint: str = field(default="", metadata={"variables": ("SNOWFLAKE_HOST",)})
    traits: Traits = field(default=Traits(max_bytes=16 * 1024 * 1024, resend="upsert"), init=False)
    _pem: str = field(default="", init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Refuse options that cannot work, and read the key."""
        if not re.fullmatch(r"[A-Za-z0-9_]+(?:[.-][A-Za-z0-9_]+)*", self.account):
            raise ValueError(
                f"account cannot be {self.account!r}. Give its identifier alone, such as myorg-myaccount or "
                "xy12345.us-east-1, without https:// and snowflakecomputing.com."
            )
        _options.check_endpoint(self.url, "https://myorg-myaccount.snowflakecomputing.com", allow_query=False)
        if self.token_type.upper() not in _KINDS:
            raise ValueError(f"token_type cannot be {self.token_type!r}. Give one of {', '.join(_KINDS)}.")
        if self.token:
            _options.check_key("token", self.token)
        for text in (self.database, self.schema, self.table, self.warehouse, self.role or "PUBLIC"):
            _snowflake.name(text)
        if not self.token:
            self._sign_by_key()

    @property
    def url(self) -> str:
        """The URL that statements are sent to."""
        given = self.endpoint.strip().rstrip("/")
        if given:
            base = given if "://" in given else f"https://{given}"
            return base if base.endswith(_PATH) else base + _PATH
        land = "cn" if ".cn-" in self.account.lower() else "com"
        return f"https://{self.account.lower().replace('_', '-')}.snowflakecomputing.{land}{_PATH}"

    def encode(self, spans: Sequence[Span], at: datetime) -> Sequence[Encoded]:
        """Return statements of at most 4 MB of rows; a single row may be larger."""
        rows = {span.span_id: _traces_table.row(span) for span in spans}
        parts = ((span_id, _snowflake.row(row)) for span_id, row in rows.items())
        return [
            Encoded(self._merge(_snowflake.spread([rows[each] for each in ids]), batch, at), tuple(ids))
            for ids, batch in _otlp.batches(parts, _ROOM)
        ]

    def judge(self, encoded: Encoded, reply: Reply) -> Verdict:
        """Judge by Snowflake's code; a statement that is still running is sent again, which adds no second row.

        An error about a value is caused by one row, but fails the whole statement.
        """
        why, code = _snowflake.reason(reply), _snowflake.code(reply)
        if reply.status == 200:  # noqa: PLR2004 - OK
            return Delivered() if code == _snowflake.DONE else Retry(f"{why}, without Snowflake's acknowledgement")
        if reply.status in _PENDING or 200 <= reply.status < 300:  # noqa: PLR2004 - the class of success
            return Retry(f"{why}, not executed yet", retry_after(reply))
        if reply.status == _snowflake.UNPROCESSABLE and code in _snowflake.FORBIDDEN:
            return Unauthorized(why)
        if _snowflake.is_of_a_row(reply):
            return Split(why) if len(encoded.span_ids) > 1 else Rejected(dict.fromkeys(encoded.span_ids, why))
        if reply.status == _snowflake.UNPROCESSABLE:
            return Retry(why)
        return _refusal.with_reason(judge_status(encoded, reply), why)

    def probe(self, at: datetime) -> Request:
        """Return a statement without rows, which checks address, credential, warehouse, grants and table."""
        return self._merge((_EXAMPLE, _EXAMPLE), [], at)

    def diagnose(self, reply: Reply) -> str | None:
        """Return what is wrong, and what to do: for a missing table, the statement that creates it."""
        code, problem = _snowflake.code(reply), f"{self.url} answers {_snowflake.reason(reply)}"
        if reply.status == 200 and code == _snowflake.DONE:  # noqa: PLR2004 - OK
            return None
        if reply.status in _PENDING:
            return f"{problem}: the warehouse {self.warehouse} was not ready. Try again, and check SNOWFLAKE_WAREHOUSE."
        if reply.status in (401, 403):
            return f"{problem}. {self._credentials_cure}"
        return f"{problem}. {self._cures.get(code or '', 'Check SNOWFLAKE_ACCOUNT.')}"

    @property
    def _cures(self) -> dict[str, str]:
        role = f"ROLE {_snowflake.name(self.role)}" if self.role else "ROLE of the user"
        grant = f"GRANT SELECT, INSERT, UPDATE ON TABLE {self._table} TO {role}"
        missing = (
            f"There is no table {self._table}, or this role has no access to it. Run: {_snowflake.create(self._table)}"
        )
        other = f"{self._table} has other columns. Run: {_snowflake.complete(self._table)}"
        warehouse = f"The role cannot use the warehouse {self.warehouse}: check SNOWFLAKE_WAREHOUSE."
        return {
            **dict.fromkeys(_snowflake.MISSING, missing),
            **dict.fromkeys(_snowflake.OTHER_TABLE, other),
            **dict.fromkeys(_snowflake.NO_WAREHOUSE, warehouse),
            **dict.fromkeys(_snowflake.FORBIDDEN, f"Run: {grant}"),
        }

    @property
    def _credentials_cure(self) -> str:
        if self.token:
            return "Check SNOWFLAKE_TOKEN and SNOWFLAKE_TOKEN_TYPE; a network policy may also keep this machine out."
        shown = _jwt.fingerprint(_jwt.key(self._pem, self.private_key_passphrase))
        return (
            f"Check SNOWFLAKE_USER, and whether DESC USER shows RSA_PUBLIC_KEY_FP as {shown}, and this machine's clock."
        )

    @property
    def _table(self) -> str:
        return ".".join(map(_snowflake.name, (self.database, self.schema, self.table)))

    def _sign_by_key(self) -> None:
        if not self.private_key or not self.user:
            raise ValueError("token, or user and private_key, are missing. Give token=, or both of the others.")
        if not _jwt.is_installed():
            raise ValueError("private_key needs cryptography: pip install 'spancast[snowflake]'.")
        try:
            pem = _jwt.text_of(self.private_key, "-----BEGIN")
            _jwt.key(pem, self.private_key_passphrase)
        except ValueError as error:
            raise ValueError(f"private_key cannot be used: {error}. Give a PEM, or the path of its file.") from None
        object.__setattr__(self, "_pem", pem)

    def _merge(self, spread: tuple[str, str], rows: Sequence[bytes], at: datetime) -> Request:
        statement = _snowflake.merge(self._table, *spread)
        fields = {
            "statement": statement,
            "timeout": _TIMEOUT_SECONDS,
            "warehouse": _snowflake.known_as(self.warehouse),
            **({"role": _snowflake.known_as(self.role)} if self.role else {}),
            "bindings": {"1": {"type": "TEXT", "value": f"[{b','.join(rows).decode()}]"}},
            "parameters": {"timezone": "UTC", "query_tag": "spancast"},
        }
        body = msgspec.json.encode(fields)
        own = uuid5(NAMESPACE_URL, f"{self.url} {at.isoformat()} {body.decode()}")
        return Request(url=f"{self.url}?requestId={own}&retry=true", body=body, headers=self._headers(at))

    def _headers(self, at: datetime) -> dict[str, str]:
        kind = self.token_type.upper() if self.token else "KEYPAIR_JWT"
        return {
            "accept": "application/json",
            "authorization": f"Bearer {self.token or self._signed(at)}",
            "content-type": "application/json",
            "x-snowflake-authorization-token-type": kind,
        }

    def _signed(self, at: datetime) -> str:
        """Return a token for an hour (Snowflake, "Using key-pair authentication")."""
        private = _jwt.key(self._pem, self.private_key_passphrase)
        subject = f"{_account(self.account)}.{self.user.upper()}"
        issued = int(at.timestamp()) - _BACKDATED_SECONDS
        issuer = f"{subject}.{_jwt.fingerprint(private)}"
        return _jwt.signed({"iss": issuer, "sub": subject, "iat": issued, "exp": issued + _LIFETIME_SECONDS}, private)


_: tuple[type[Exporter], type[Probe]] = (Snowflake, Snowflake)


def _account(identifier: str) -> str:
    """Return an account as in its tokens: in capitals, without the region."""
    alone = identifier.partition("-" if ".global" in identifier else ".")[0]
    return alone.upper()
