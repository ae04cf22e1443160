"""Sentry, by OTLP over HTTP in protobuf (Sentry, "Direct OTLP Traces"; getsentry/relay, `integrations/otlp.rs`).

Since September 2026 Sentry keeps a total in `gen_ai.cost.total_tokens` (getsentry/relay, #6338; Sentry, "Model Costs");
an older self-hosted Sentry replaces it by its own estimate for models that it knows. It must be a double;
`openrouter.cost_usd` has every digit. Cached, written and reasoning tokens are also sent by Sentry's names
(getsentry/sentry-conventions, `gen_ai`). Sentry drops the events of a span, so an exception is sent as attributes.
Checked on a strict stub, written after Relay's source, and against the URL that Sentry's own SDK derives from a DSN;
not checked on Sentry itself.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import SplitResult, urlsplit

from spancast.contract import Attribute, Exporter, Probe, Span, Traits
from spancast_exporters import _backend, _facts, _json, _otlp

__all__ = ["Sentry"]

_LIMITS = _backend.Limits(text=600_000)
"""With four such texts, whatever they say, a span stays below the 10 MiB that Relay takes of one (getsentry/relay,
`max_span_size`)."""

_OPERATION = "gen_ai.operation.name"
_OPERATIONS = {"llm": "chat", "embedding": "embeddings", "tool": "execute_tool", "agent": "invoke_agent"}
"""By our kind of a span. Without an operation, Sentry does not treat it as a model's (getsentry/relay, `eap/ai.rs`)."""


@dataclass(frozen=True, kw_only=True)
class Sentry(_backend.Backend):
    """Sends spans to the project of a DSN.

    `endpoint` wins over the DSN's address: it is what Sentry shows as "OTLP traces endpoint", or the base of a Relay of
    one's own. `environment` and `release` win over the resource; what a request or the destination says of them wins
    over both.
    """

    dsn: str = field(
        repr=False,
        metadata={
            "variables": ("SENTRY_DSN",),
            "where": "It is in Sentry under Project settings, Client Keys (DSN).",
        },
    )
    endpoint: str | None = None
    environment: str | None = field(default=None, metadata={"variables": ("SENTRY_ENVIRONMENT",)})
    release: str | None = field(default=None, metadata={"variables": ("SENTRY_RELEASE",)})
    traits: Traits = field(default=Traits(resend="duplicates"), init=False)

    def __post_init__(self) -> None:
        """Refuse options that cannot work."""
        if not _is_dsn(_split(self.dsn)):
            raise ValueError(
                "dsn is not a DSN. Give one such as https://KEY@o1.ingest.sentry.io/PROJECT; copy it again."
            )
        super().__post_init__()

    @property
    def url(self) -> str:
        """The URL that spans are sent to."""
        dsn = _split(self.dsn)
        folder, _, project = dsn.path.rpartition("/")
        base = (self.endpoint or f"{dsn.scheme}://{dsn.netloc.rpartition('@')[2]}{folder}").rstrip("/")
        return base if base.endswith(_otlp.PATH) else _otlp.with_path(f"{base}/api/{project}/integration/otlp")

    def _headers(self) -> Mapping[str, str]:
        return {"x-sentry-auth": f"sentry sentry_key={_split(self.dsn).username}"}

    def _fitted(self, span: Span) -> Span:
        return _LIMITS.fitted(_facts.with_environment(span, self.environment, self.release))

    def _own(self, span: Span) -> tuple[Mapping[str, Attribute], Sequence[str]]:
        add: dict[str, Attribute | None] = {
            _OPERATION: _operation(span),
            "gen_ai.conversation.id": _conversation(span),
            **_facts.user_and_session(span),
            "sentry.environment": span.environment and _json.text(span.environment),
            "sentry.release": span.release and _json.text(span.release),
            **_raised(span),
            **(_measured(_facts.of(span)) if _facts.kind(span) in _facts.MODELS else {}),
        }
        return {name: value for name, value in add.items() if value is not None}, ()


_: tuple[type[Exporter], type[Probe]] = (Sentry, Sentry)


def _split(dsn: str) -> SplitResult:
    try:
        return urlsplit(dsn)
    except ValueError:
        return urlsplit("")


def _is_dsn(dsn: SplitResult) -> bool:
    """Whether it has the parts that Sentry's SDK requires (sentry-sdk 2.75, `Dsn`)."""
    return bool(
        dsn.scheme in ("http", "https") and dsn.hostname and dsn.username and dsn.path.rpartition("/")[2].isdigit()
    )


def _operation(span: Span) -> str | None:
    """Return the operation of a span that states it by another name, such as OpenInference's."""
    return None if _OPERATION in span.attributes else _OPERATIONS.get(_facts.kind(span) or "")


def _conversation(span: Span) -> str | None:
    """Return the session, which Sentry shows as a conversation, unless another library has set one."""
    named = "gen_ai.conversation.id" in span.attributes or not span.session
    return None if named else _json.text(span.session or "")


def _raised(span: Span) -> dict[str, Attribute | None]:
    """Return the error as attributes, by the names of an exception event."""
    failure = _facts.failure(span) or {}
    names = {"type": "type", "message": "message", "stacktrace": "stack"}
    return {f"exception.{name}": failure[ours] for name, ours in names.items() if ours in failure}


def _measured(facts: _facts.Facts) -> dict[str, Attribute | None]:
    dollars = {"total": facts.cost, "input": facts.input_cost, "output": facts.output_cost}
    return {
        **{f"gen_ai.cost.{name}_tokens": None if each is None else float(each) for name, each in dollars.items()},
        "gen_ai.usage.total_tokens": facts.total_tokens,
        "gen_ai.usage.input_tokens.cached": facts.cached_tokens,
        "gen_ai.usage.input_tokens.cache_write": facts.cache_write_tokens,
        "gen_ai.usage.output_tokens.reasoning": facts.reasoning_tokens,
        "gen_ai.response.time_to_first_token": facts.time_to_first_token,
    }
