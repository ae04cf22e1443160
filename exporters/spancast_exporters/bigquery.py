"""Google BigQuery, by streaming inserts: rows of openrouter_traces, the table of OpenRouter's own Broadcast.

Each row has an insert id made of its trace and span. BigQuery deduplicates rows by it for about a minute, but does not
guarantee it ("Best effort de-duplication"): where an answer was lost, BigQuery is queried for the rows it has, and only
the others are sent again. For that the account also needs the role BigQuery Job User.

Checked on a strict stub, written after Google's documentation, that verifies the account's signature; not checked on
BigQuery itself, which cannot be run locally.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import msgspec

from spancast.contract import (
    Authorizer,
    Delivered,
    Encoded,
    Exporter,
    ExporterChoice,
    Grant,
    Probe,
    ReadBack,
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
from spancast_exporters import _bigquery, _google, _options, _otlp, _refusal

__all__ = ["Bigquery"]

_HOST = "https://bigquery.googleapis.com"
_ROOM = 5_000_000
"""Bytes of one request's rows; BigQuery accepts 10 MB (BigQuery, "Quotas and limits", Streaming inserts)."""
_MOST_ROWS = 500
"""Rows of one request, as many as BigQuery recommends."""
_BAD_REQUEST = 400


@dataclass(frozen=True, kw_only=True)
class _Table:
    """What does not depend on the credential."""

    project: str
    dataset: str
    table: str
    endpoint: str
    traits: Traits = field(
        default=Traits(max_spans=_MOST_ROWS, max_bytes=10_000_000, resend="duplicates", visible_after=120.0), init=False
    )
    """The first rows of a stream are visible after up to two minutes, others after seconds."""

    @property
    def url(self) -> str:
        """The URL that rows are sent to."""
        return f"{self._base}/datasets/{self.dataset}/tables/{self.table}/insertAll"

    def encode(self, spans: Sequence[Span], at: datetime) -> Sequence[Encoded]:  # noqa: ARG002 - rows have their own times
        """Return inserts of at most 5 MB; a single row may be larger.

        Columns that the table lacks are ignored, and an invalid row does not keep the others out.
        """
        rows = ((span.span_id, _bigquery.row(span)) for span in spans)
        flags = b'{"skipInvalidRows":true,"ignoreUnknownValues":true,"rows":['
        return [
            Encoded(self._post(self.url, flags + b",".join(batch) + b"]}"), tuple(ids))
            for ids, batch in _otlp.batches(rows, _ROOM)
        ]

    def judge(self, encoded: Encoded, reply: Reply) -> Verdict:
        """Judge by what BigQuery states of each row: it answers 200 even where it refuses some."""
        why = _bigquery.reason(reply)
        if _bigquery.is_acknowledged(reply):
            return _inserted(encoded, _bigquery.refused(reply))
        if 200 <= reply.status < 300:  # noqa: PLR2004 - the class of success
            return Retry(f"{why}, without BigQuery's acknowledgement", doubtful=True)
        if _bigquery.why(reply) in _bigquery.BUSY:
            return Retry(why, retry_after(reply))
        if reply.status == _BAD_REQUEST and len(encoded.span_ids) > 1:
            return Split(why)
        return _refusal.with_reason(judge_status(encoded, reply), why)

    def probe(self, at: datetime) -> Request:  # noqa: ARG002 - the request has no time
        """Return a dry run of a query, which checks address, credential, table, columns, and the right to query."""
        return self._query(_bigquery.check_query(self._table))

    def diagnose(self, reply: Reply) -> str | None:
        """Return what is wrong, and what to do: for a missing table, the statement that creates it."""
        if _bigquery.is_query(reply):
            return None
        known, problem = _bigquery.why(reply), f"{self.endpoint} answers {_bigquery.reason(reply)}"
        roles = f"the roles BigQuery Data Editor on {self.dataset} and BigQuery Job User on {self.project}"
        if reply.status == 404 and known == "notFound":  # noqa: PLR2004 - Not Found
            return f"There is no table {self._table} (notFound). Run: {_bigquery.create(self._table)}"
        if known == _bigquery.OTHER_TABLE:
            return f"{problem}: {self._table} has other columns. Create one with: {_bigquery.create(self._table)}"
        if reply.status == 401:  # noqa: PLR2004 - Unauthorized
            return f"{problem}. {self._cure}"
        if reply.status == 403:  # noqa: PLR2004 - Forbidden
            return f"{problem}. Give the account {roles}."
        return f"{problem}. Check BIGQUERY_PROJECT and BIGQUERY_DATASET."

    def read_back(self, spans: Sequence[Span], at: datetime) -> Request:  # noqa: ARG002 - spans have their own times
        """Return the query for the rows of these spans."""
        return self._query(_bigquery.rows_query(self._table, spans))

    def found(self, spans: Sequence[Span], reply: Reply) -> Mapping[str, bool]:
        """Return which rows are there; nothing where the answer is incomplete."""
        there = _bigquery.listed(reply)
        return {} if there is None else {span.span_id: f"{span.trace_id}-{span.span_id}" in there for span in spans}

    @property
    def _base(self) -> str:
        return f"{self.endpoint.rstrip('/')}/bigquery/v2/projects/{self.project}"

    @property
    def _table(self) -> str:
        return _bigquery.table(self.project, self.dataset, self.table)

    @property
    def _cure(self) -> str:
        return "Check GOOGLE_APPLICATION_CREDENTIALS."

    def _headers(self) -> dict[str, str]:
        return {"accept": "application/json", "content-type": "application/json"}

    def _query(self, query: Mapping[str, object]) -> Request:
        return self._post(f"{self._base}/queries?prettyPrint=false", msgspec.json.encode(query))

    def _post(self, url: str, body: bytes) -> Request:
        return Request(url=url, body=body, headers=self._headers())


@dataclass(frozen=True, kw_only=True)
class _ByAccount(_Table):
    """With a service account, which requests tokens."""

    credentials: str = field(repr=False)
    _account: _google.Account = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_account", _google.account(self.credentials))

    def ask(self, at: datetime) -> Request:
        """Return the request for a token, with an assertion that the account signs."""
        return self._account.token_request(at)

    def grant(self, reply: Reply, at: datetime) -> Grant | Retry | Unauthorized:
        """Return the token, or why there is none."""
        return _google.granted(reply, at)


@dataclass(frozen=True, kw_only=True)
class _ByToken(_Table):
    """With a token that is renewed outside."""

    token: str = field(repr=False)

    @property
    def _cure(self) -> str:
        return "The token has expired or is not valid: check GOOGLE_OAUTH_ACCESS_TOKEN."

    def _headers(self) -> dict[str, str]:
        return {**super()._headers(), "authorization": f"Bearer {self.token}"}


@dataclass(frozen=True, kw_only=True)
class Bigquery:
    """Sends every span that is given to it.

    `credentials` are the JSON key of a service account, or the path of its file, and need
    `pip install 'spancast[bigquery]'`; instead of them `token` is an access token, which ends after an hour. `project`
    is where the dataset is, by default the account's own. The account needs the roles BigQuery Data Editor on the
    dataset and BigQuery Job User on the project.
    """

    credentials: str = field(
        default="",
        repr=False,
        metadata={
            "variables": ("SPANCAST_BIGQUERY_CREDENTIALS", "GOOGLE_APPLICATION_CREDENTIALS"),
            "unless": ("token",),
            "where": "It is made in Google Cloud under IAM & Admin, Service Accounts, Keys, as JSON.",
        },
    )
    token: str = field(default="", repr=False, metadata={"variables": ("GOOGLE_OAUTH_ACCESS_TOKEN",)})
    project: str = field(
        default="",
        metadata={
            "variables": ("BIGQUERY_PROJECT", "GOOGLE_CLOUD_PROJECT", "GCLOUD_PROJECT"),
            "unless": ("credentials",),
            "where": "It is the ID of the project, as BigQuery's console shows it.",
        },
    )
    dataset: str = field(default="openrouter", metadata={"variables": ("BIGQUERY_DATASET",)})
    table: str = field(default="openrouter_traces", metadata={"variables": ("BIGQUERY_TABLE",)})
    endpoint: str = _HOST

    def __post_init__(self) -> None:
        """Refuse options that cannot work."""
        _options.check_endpoint(self.endpoint, _HOST, allow_query=False)
        if self.token:
            _options.check_key("token", self.token)
        _bigquery.table(self._project, self.dataset, self.table)

    def build(self) -> Exporter:
        """Return the exporter for the given credential."""
        place = {"project": self._project, "dataset": self.dataset, "table": self.table, "endpoint": self.endpoint}
        if self.token:
            return _ByToken(**place, token=self.token)
        return _ByAccount(**place, credentials=self.credentials)

    @property
    def _project(self) -> str:
        of_account = "" if self.token else _google.account(self.credentials).project
        return self.project or of_account


_: tuple[type[ExporterChoice], type[Authorizer], type[Probe], type[ReadBack]] = (
    Bigquery,
    _ByAccount,
    _ByToken,
    _ByToken,
)


def _inserted(encoded: Encoded, refused: Mapping[int, tuple[str, ...]]) -> Verdict:
    """Judge an insert of which some rows, given by index, were refused."""
    if not refused:
        return Delivered()
    reasons = {place: why for place, why in refused.items() if 0 <= place < len(encoded.span_ids)}
    problem = ", ".join(sorted({each for why in refused.values() for each in why}))[:120]
    if len(reasons) == len(refused) and all(why[0].startswith(_bigquery.INVALID) for why in reasons.values()):
        return Rejected({encoded.span_ids[place]: ", ".join(why)[:120] for place, why in reasons.items()})
    return Retry(problem) if len(reasons) == len(encoded.span_ids) else Split(f"HTTP 200, but: {problem}")
