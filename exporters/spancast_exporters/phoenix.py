"""Arize Phoenix, by OTLP over HTTP in protobuf with OpenInference's attributes.

Phoenix computes the cost that it shows from tokens and its own price table; OpenRouter's charge is the attribute
`llm.cost.total`, and to its last digit `openrouter.cost_usd`. Of two spans with one id Phoenix keeps the first, so a
span is not sent before its cost is known. Checked on Phoenix itself (20.26.1).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from spancast.contract import Attribute, Exporter, Probe, ReadBack, Reply, Request, Span, Traits
from spancast_exporters import _json, _openinference, _otlp, _phoenix

__all__ = ["Phoenix"]

_MOST_SPANS = 50
"""As many as one query can read back (Phoenix, "aliases found. Allowed: 50")."""
_VISIBLE_AFTER = 30.0
"""Seconds; Phoenix writes behind a queue."""
_OK = 200


@dataclass(frozen=True, kw_only=True)
class Phoenix(_openinference.Reader):
    """Sends spans to a project. A Phoenix of one's own may need no key.

    `endpoint` is where Phoenix is: http://localhost:6006, or https://app.phoenix.arize.com/s/SPACE. `headers` are a
    mapping, or text such as `name=value,other=value`.
    """

    api_key: str | None = field(
        default=None,
        repr=False,
        metadata={"variables": ("PHOENIX_API_KEY",), "where": "It is in Phoenix under Settings, API Keys."},
    )
    endpoint: str = field(default="http://localhost:6006", metadata={"variables": ("PHOENIX_COLLECTOR_ENDPOINT",)})
    project: str | None = field(default=None, metadata={"variables": ("PHOENIX_PROJECT", "PHOENIX_PROJECT_NAME")})
    headers: Mapping[str, str] | str = field(
        default="", repr=False, metadata={"variables": ("PHOENIX_CLIENT_HEADERS",)}
    )
    traits: Traits = field(
        default=Traits(max_spans=_MOST_SPANS, resend="duplicates", visible_after=_VISIBLE_AFTER), init=False
    )

    @property
    def url(self) -> str:
        """The URL that spans are sent to."""
        return _otlp.with_path(self._base)

    def read_back(self, spans: Sequence[Span], at: datetime) -> Request:  # noqa: ARG002 - the ids are enough
        """Return the query for spans by their ids, in any project (Phoenix, GraphQL)."""
        queries = (f's{span.span_id}:getSpanByOtelId(spanId:"{span.span_id}"){{spanId}}' for span in spans)
        body = _json.encoded({"query": f"{{{' '.join(queries)}}}"})
        headers = {**self._headers(), "content-type": "application/json"}
        return Request(url=f"{self._base}/graphql", body=body, headers=headers)

    def found(self, spans: Sequence[Span], reply: Reply) -> Mapping[str, bool]:
        """Return which spans it has; nothing where the answer lacks them."""
        data = _json.answer(reply).get("data") if reply.status == _OK else None
        if not isinstance(data, dict):
            return {}
        names = {span.span_id: f"s{span.span_id}" for span in spans}
        return {span_id: data[name] is not None for span_id, name in names.items() if name in data}

    @property
    def _base(self) -> str:
        return self.endpoint.rstrip("/").removesuffix(_otlp.PATH)

    def _headers(self) -> Mapping[str, str]:
        given = _otlp.parse_headers(self.headers)
        return {**given, "authorization": f"Bearer {self.api_key}"} if self.api_key else given

    def _fitted(self, span: Span) -> Span:
        return _phoenix.readable(super()._fitted(span))

    def _own(self, span: Span) -> tuple[Mapping[str, Attribute], Sequence[str]]:
        add, drop = super()._own(span)
        return _phoenix.held(add), drop


_: tuple[type[Exporter], type[Probe], type[ReadBack]] = (Phoenix, Phoenix, Phoenix)
