"""W&B Weave: by OTLP to its Agents view, or by its own API to its Traces view, which shows OpenRouter's own dollars.

In the Agents view, which W&B recommends, Weave computes a cost from its price table when a page is viewed, and none for
a model that is not in it. OpenRouter's charge is an attribute there: `gen_ai.usage.cost`, to sum and to sort by, and
`openrouter.cost_usd`, to the last digit. With `view="traces"` OpenRouter's charge is the cost that Weave shows: it
keeps a stated cost where no table has a price for the model, so the model is called `openrouter:openai/gpt-5` there.
W&B does not document that; it is what its code does.

Checked on Weave's own server code: its parser of spans, and its schema of calls (weave 0.53.12, the last that is open).
"""

from base64 import b64encode
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import msgspec

from spancast.contract import (
    Encoded,
    Exporter,
    OtherSender,
    Probe,
    ReadBack,
    Rejected,
    Reply,
    Request,
    Retry,
    Span,
    Traits,
    Verdict,
    by_opentelemetry,
)
from spancast_exporters import _json, _options, _otlp, _refusal, _weave, _weave_calls
from spancast_exporters._weave_answer import rejected

__all__ = ["Weave"]

_CLOUD, _CLOUD_API = "https://trace.wandb.ai", "https://api.wandb.ai"
_AGENTS = f"/agents/otel{_otlp.PATH}"
_UPSERT, _QUERY = "/call/upsert_batch", "/calls/query"
_PATHS = (_AGENTS, f"/otel{_otlp.PATH}", _UPSERT)
_ROOM = 30_000_000
"""Bytes of one request, before compression; W&B's SDK sends 31 MiB (weave 0.54)."""
_MOST_SPANS = 1000
_VISIBLE_AFTER = 60.0
_WHERE = "It is at https://wandb.ai/authorize."


@dataclass(frozen=True, kw_only=True)
class Weave:
    """Sends every span that is given to it, to one project: `entity` and `project`, or `project_id` for both.

    `view` is `agents` or `traces`. `endpoint` is the base of the trace server; without it, that of W&B's cloud, or of
    the W&B at `base_url`; one that ends in /otel/v1/traces is used as it is. A key in `~/.netrc` is not looked for.
    """

    api_key: str = field(repr=False, metadata={"variables": ("WANDB_API_KEY",), "where": _WHERE})
    entity: str = field(
        default="",
        metadata={
            "variables": ("WANDB_ENTITY",),
            "where": "It is the team, or the user, in the address of the project.",
            "unless": ("project_id",),
        },
    )
    project: str = field(
        default="",
        metadata={
            "variables": ("WANDB_PROJECT",),
            "where": "Weave makes the project when it is first used.",
            "unless": ("project_id",),
        },
    )
    project_id: str | None = None
    view: str = "agents"
    endpoint: str | None = field(default=None, metadata={"variables": ("WF_TRACE_SERVER_URL",)})
    base_url: str = field(default=_CLOUD_API, metadata={"variables": ("WANDB_PUBLIC_BASE_URL", "WANDB_BASE_URL")})

    def __post_init__(self) -> None:
        """Refuse options that cannot work."""
        if self.view not in ("agents", "traces"):
            raise ValueError(f'view cannot be {self.view!r}. Give "agents" or "traces".')
        for name, url in (("endpoint", self.endpoint or _CLOUD), ("base_url", self.base_url)):
            _options.check_endpoint(url, _CLOUD, name)
        _options.check_key("api_key", self.api_key)
        entity, project = self._place
        if not entity or not project or "/" in project:
            raise ValueError(
                f'{entity}/{project} is not a project. Give entity= and project=, or project_id="entity/project".'
            )

    @property
    def traits(self) -> Traits:
        """Return the limits of Weave.

        A span sent twice to the Agents view replaces the first, though the totals of an agent count both (weave
        0.53.12, migration 030). In the Traces view it stays one call with its first cost, so spans wait for theirs.
        """
        resend = "upsert" if self.view == "agents" else "duplicates"
        return Traits(
            max_spans=_MOST_SPANS,
            max_bytes=_ROOM,
            resend=resend,  # type: ignore[arg-type]  # one of the two
            visible_after=_VISIBLE_AFTER,
        )

    @property
    def url(self) -> str:
        """The URL that spans are sent to."""
        if self.view == "traces":
            return self._base + _UPSERT
        given = (self.endpoint or "").rstrip("/")
        return given if given.endswith(_otlp.PATH) else self._base + _AGENTS

    @property
    def also_sent_by(self) -> Sequence[OtherSender]:
        """Return what else may send the same calls there."""
        sdk = OtherSender(
            name="Weave's SDK",
            cure="Set WEAVE_DISABLED=true, or leave one of the two out.",
            packages=("weave",),
            variables={"WANDB_API_KEY": ()},
            unless={"WEAVE_DISABLED": ("true", "1")},
        )
        return (sdk, by_opentelemetry(self.url))

    def encode(self, spans: Sequence[Span], at: datetime) -> Sequence[Encoded]:  # noqa: ARG002 - requests have no such time
        """Return requests within Weave's limits."""
        if self.view == "traces":
            parts = ((span.span_id, self._call(span)) for span in spans)
            return [self._upsert(ids, calls) for ids, calls in _otlp.batches(parts, _ROOM)]
        entity, project = self._place
        headers = {"wandb-api-key": self.api_key}
        encoded = ((span.span_id, _weave.otlp(span, entity, project)) for span in spans)
        return [_otlp.post(self.url, headers, ids, batch) for ids, batch in _otlp.batches(encoded, _ROOM)]

    def judge(self, encoded: Encoded, reply: Reply) -> Verdict:
        """Judge by what Weave states of each span: it answers 200 even where it refuses some."""
        if self.view == "traces":
            verdict = _refusal.judge(encoded, reply)
            taken = not 200 <= reply.status < 300 or isinstance(_json.answer(reply).get("res"), list)  # noqa: PLR2004 - HTTP's own number
            return verdict if taken else Retry(f"HTTP {reply.status} without the list of calls that Weave answers")
        refused = rejected(encoded, reply)
        return _otlp.judge_with_reason(encoded, reply) if refused is None else Rejected(refused)

    def probe(self, at: datetime) -> Request:  # noqa: ARG002 - the request has no time
        """Return a request without spans; Weave checks the key before the body."""
        if self.view == "traces":
            return self._query([], 1)
        return Request(
            url=self.url,
            body=b"",
            headers={"wandb-api-key": self.api_key, "content-type": "application/x-protobuf"},
        )

    def diagnose(self, reply: Reply) -> str | None:
        """Return what is wrong, and what to do."""
        wrong = _refusal.diagnose_status(reply, self._base, "Check WF_TRACE_SERVER_URL, WANDB_BASE_URL.")
        if wrong is not None:
            return wrong
        if reply.status in (401, 403):
            return (
                f"{self._base} refuses the key ({_refusal.reason(reply)}). Check that WANDB_API_KEY is of this W&B, and"
                f" may write to {self._place[0]} (WANDB_ENTITY)."
            )
        if self.view == "traces":
            known = isinstance(_json.answer(reply).get("calls"), list)
            return None if known else f"The answer of {self._base} is not one of Weave. Check WF_TRACE_SERVER_URL."
        verdict = _otlp.judge_with_reason(Encoded(Request(url=self.url, body=b""), ()), reply)
        return (
            f"The answer of {self._base} is not one of Weave ({verdict.reason}). Check WF_TRACE_SERVER_URL."
            if isinstance(verdict, Retry)
            else None
        )

    def read_back(self, spans: Sequence[Span], at: datetime) -> Request:  # noqa: ARG002 - spans have their own times
        """Return the query for calls by their ids."""
        return self._query([span.span_id for span in spans], len(spans))

    def found(self, spans: Sequence[Span], reply: Reply) -> Mapping[str, bool]:
        """Return which calls Weave has; nothing where it does not list them."""
        listed = _json.answer(reply).get("calls") if reply.status == 200 else None  # noqa: PLR2004 - OK
        if not isinstance(listed, list):
            return {}
        there = {each.get("id") for each in listed if isinstance(each, dict)}
        return {span.span_id: span.span_id in there for span in spans}

    @property
    def _place(self) -> tuple[str, str]:
        whole = self.project_id or (self.project if "/" in self.project else f"{self.entity}/{self.project}")
        entity, _, project = whole.partition("/")
        return entity.strip(), project.strip()

    @property
    def _base(self) -> str:
        """The base URL of the trace server; `endpoint` may include the path for spans."""
        if self.endpoint is not None:
            found = self.endpoint.rstrip("/")
            return next((found.removesuffix(path) for path in _PATHS if found.endswith(path)), found)
        own = self.base_url.rstrip("/")
        return _CLOUD if own == _CLOUD_API else f"{own}/traces"

    def _headers(self) -> dict[str, str]:
        credential = b64encode(f"api:{self.api_key}".encode()).decode()
        return {"authorization": f"Basic {credential}", "content-type": "application/json"}

    def _call(self, span: Span) -> bytes:
        start, end = _weave_calls.call(span, "/".join(self._place))
        return b",".join(
            (
                _json.encoded({"mode": "start", "req": {"start": start}}),
                _json.encoded({"mode": "end", "req": {"end": end}}),
            )
        )

    def _upsert(self, ids: Iterable[str], calls: Iterable[bytes]) -> Encoded:
        body = b'{"batch":[' + b",".join(calls) + b"]}"
        return Encoded(Request(url=self.url, body=body, headers=self._headers()), tuple(ids))

    def _query(self, ids: Sequence[str], limit: int) -> Request:
        wanted: dict[str, Any] = {"project_id": "/".join(self._place), "columns": ["id"], "limit": limit}
        if ids:
            wanted["filter"] = {"call_ids": list(ids)}
        return Request(url=f"{self._base}{_QUERY}", body=msgspec.json.encode(wanted), headers=self._headers())


_: tuple[type[Exporter], type[Probe], type[ReadBack]] = (Weave, Weave, Weave)
