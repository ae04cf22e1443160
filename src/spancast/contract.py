"""What an exporter may import: the span it is given, the request it makes, the reply it judges.

An exporter is pure. It opens no socket, starts no thread, reads no clock and imports no vendor's SDK: `encode` turns
spans into requests, `judge` reads the reply, and the courier does everything in between. See `exporters/README.md`.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, Protocol, runtime_checkable

from spancast.base import http_fields
from spancast.records.call import Call, Scalar

Attribute = str | bool | int | float | Sequence[str] | Sequence[bool] | Sequence[int] | Sequence[float]
"""A value that an OpenTelemetry attribute may have."""

Generation = Call
"""The typed view of an LLM call: model, provider, tokens and dollars, with `None` for what is unknown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Something that happened during a span: an exception, say."""

    name: str
    time: int
    """Unix time in nanoseconds."""
    attributes: Mapping[str, Attribute] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """A finished span, ours or the application's, for a destination.

    The user, the session and the like are fields of every span, LLM call or not: most platforms want them on each.
    """

    name: str
    trace_id: str
    """32 hex digits."""
    span_id: str
    """16 hex digits."""
    parent_span_id: str | None
    """The parent, which is sent too, unless it is of another process; `None` for a root."""
    kind: Literal["internal", "server", "client", "producer", "consumer"]
    start: int
    """Unix time in nanoseconds."""
    end: int
    """Unix time in nanoseconds."""
    status: Literal["unset", "ok", "error"]
    status_message: str | None
    attributes: Mapping[str, Attribute]
    content: Mapping[str, Attribute] = field(default_factory=dict)
    """Prompts and completions, as attributes (`gen_ai.input.messages` and so on, JSON text); empty if they were not
    captured, and for a destination with `privacy`."""
    events: Sequence[Event] = ()
    user: str | None = None
    session: str | None = None
    trace_name: str | None = None
    """The name of the whole trace; `None` if it has none."""
    tags: Mapping[str, str] = field(default_factory=dict)
    """Set by the application with `spancast.attribute`."""
    metadata: Mapping[str, str] = field(default_factory=dict)
    """From the request (`metadata`, and the other keys of `trace`) and from the destination."""
    environment: str | None = None
    """`production`, `staging`, ...: the destination's, else the request's, else the resource's. An own option of the
    exporter ranks between the last two; an option named `environment` receives the destination's."""
    release: str | None = None
    """The application's version: the request's, else the resource's `service.version`."""
    resource: Mapping[str, Scalar]
    scope: tuple[str, str]
    """Name and version of the instrumentation scope."""
    generation: Generation | None
    """The LLM call; `None` on every other span."""
    encoder: "Encoder" = field(repr=False, compare=False)

    def otlp(
        self,
        *,
        add: Mapping[str, Attribute] | None = None,
        drop: Sequence[str] = (),
        resource: Mapping[str, Scalar] | None = None,
    ) -> bytes:
        """Return the span, including its content, as a serialised OTLP `ExportTraceServiceRequest` of one span.

        The messages concatenate: joined, they are one request with all spans (protobuf, repeated fields).

        Args:
            add: attributes to set on the span.
            drop: keys of attributes to leave out.
            resource: attributes to set on the resource.
        """
        return self.encoder(self, add or {}, drop, resource or {})


class Encoder(Protocol):
    """Turns a span into OTLP bytes; see `Span.otlp`."""

    def __call__(
        self, span: Span, add: Mapping[str, Attribute], drop: Sequence[str], resource: Mapping[str, Scalar], /
    ) -> bytes:
        """Return the span as a serialised request of one span."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """An HTTP request for the courier to send."""

    url: str
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)
    method: str = "POST"


@dataclass(frozen=True, slots=True)
class Encoded:
    """A request, and the ids of the spans that it carries."""

    request: Request
    span_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Reply:
    """The platform's HTTP response."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    """Names in lower case. `date` is always present: the platform's, else the time of receipt (RFC 9110 §6.6.1)."""
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class Delivered:
    """The platform has every span of the request."""


@dataclass(frozen=True, slots=True)
class Retry:
    """The platform may accept the request later."""

    reason: str
    after: float | None = None
    """Seconds the platform asked to wait; `None` if it did not say."""
    doubtful: bool = False
    """Whether the platform may have accepted some spans. If it stores a resent span twice (`Traits.resend`), the
    courier asks which ones it has (`ReadBack`); if it cannot ask, it resends none."""


@dataclass(frozen=True, slots=True)
class Split:
    """The request was too large; fewer spans at a time may pass.

    With a 2xx, the platform accepted some spans without saying which. If it stores a resent span twice
    (`Traits.resend`), the courier does not split the request then: it asks which spans the platform has, or resends
    none, and records the reason.
    """

    reason: str


@dataclass(frozen=True, slots=True)
class Rejected:
    """The platform will never accept these spans; it has accepted the others of the request."""

    reasons: Mapping[str, str]
    """Why, by span id."""


@dataclass(frozen=True, slots=True)
class Unauthorized:
    """The credential is wrong; all spans wait until it is changed."""

    reason: str


Verdict = Delivered | Retry | Split | Rejected | Unauthorized
"""What became of a request."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Traits:
    """What the courier must know about a platform."""

    max_spans: int = 512
    """Spans in one request."""
    max_bytes: int = 4 * 1024 * 1024
    """Bytes of one request's body, after compression."""
    max_age: float | None = None
    """Seconds after which the platform refuses a span; `None` if it accepts any age."""
    resend: Literal["upsert", "ignored", "duplicates"] = "duplicates"
    """What a resent span becomes: it replaces the first (`upsert`), is dropped (`ignored`) or is stored twice."""
    visible_after: float = 30.0
    """Seconds until `ReadBack` finds a span that the platform has accepted."""


@runtime_checkable
class Exporter(Protocol):
    """A platform over HTTP. Both methods are pure, may be called from any thread, and repeatedly for the same spans."""

    @property
    def traits(self) -> Traits:
        """The platform's limits."""
        ...

    def encode(self, spans: Sequence[Span], at: datetime) -> Sequence[Encoded]:
        """Return the requests that carry `spans`, in order; `at` is the time of sending, in UTC."""
        ...

    def judge(self, encoded: Encoded, reply: Reply) -> Verdict:
        """Return what became of the request."""
        ...


@runtime_checkable
class Probe(Protocol):
    """An exporter that can be tested without a span, by `spancast check`."""

    def probe(self, at: datetime) -> Request:
        """Return a request that tests endpoint and credential, and if possible leaves nothing on the platform."""
        ...

    def diagnose(self, reply: Reply) -> str | None:
        """Return `None` if all is well, else the problem and its cure, in one line."""
        ...


@runtime_checkable
class ReadBack(Protocol):
    """An exporter that can ask the platform which spans it has, for requests whose response was lost."""

    def read_back(self, spans: Sequence[Span], at: datetime) -> Request:
        """Return the request that asks for these spans."""
        ...

    def found(self, spans: Sequence[Span], reply: Reply) -> Mapping[str, bool]:
        """Return, by span id, whether the platform has the span; leave out what the reply does not tell."""
        ...


@dataclass(frozen=True, slots=True)
class Grant:
    """A credential that the platform has issued."""

    headers: Mapping[str, str] = field(repr=False)
    """Added to each request while the credential is valid."""
    until: datetime
    """When it expires, in UTC."""


@runtime_checkable
class Authorizer(Protocol):
    """An exporter whose requests need a credential that is requested first, such as an OAuth token."""

    def ask(self, at: datetime) -> Request:
        """Return the request for a credential."""
        ...

    def grant(self, reply: Reply, at: datetime) -> Grant | Retry | Unauthorized:
        """Return the credential, or why there is none."""
        ...


@runtime_checkable
class Sink(Protocol):
    """A destination that is not HTTP: a console, a file, another exporter."""

    def write(self, spans: Sequence[Span]) -> Verdict:
        """Write the spans; return what became of them."""
        ...


@runtime_checkable
class Closeable(Protocol):
    """A sink that holds a resource open between writes."""

    def close(self) -> None:
        """Close the resource; a later `write` opens it again."""
        ...


@runtime_checkable
class SelfTest(Protocol):
    """A sink that can be tested without a span, by `spancast check`."""

    def self_test(self) -> str | None:
        """Return `None` if all is well, else the problem and its cure, in one line; leave nothing behind."""
        ...


@runtime_checkable
class ExporterChoice(Protocol):
    """A set of options that selects what to build: an exporter over HTTP, say, or a sink over gRPC."""

    def build(self) -> Exporter | Sink:
        """Return the exporter or sink that the options select."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class OtherSender:
    """Other software that may send the same calls to the platform, and the signs that it is in use.

    It counts as in use if all signs are present.
    """

    name: str
    """As in `Acme's SDK`."""
    cure: str
    """What to do if both send, as a sentence."""
    packages: Sequence[str] = ()
    """Distributions, one of which is installed."""
    variables: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """Environment variables that are all set, each to one of its values (in lower case; no values: to anything)."""
    unless: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """Environment variables that turn it off when set to one of their values."""
    otlp: str | None = None
    """A URL of the platform: OpenTelemetry's own OTLP exporter sends to that host."""


@runtime_checkable
class AlsoSentBy(Protocol):
    """An exporter that knows what else may send the same calls to its platform; `spancast doctor` checks for it."""

    @property
    def also_sent_by(self) -> Sequence[OtherSender]:
        """Return the other senders."""
        ...


def by_opentelemetry(url: str) -> OtherSender:
    """Return OpenTelemetry's own OTLP exporter as another sender to the host of a URL."""
    cure = "Set OTEL_TRACES_EXPORTER=none, or leave one of the two out."
    return OtherSender(name="OpenTelemetry's own exporter", cure=cure, otlp=url)


def judge_status(encoded: Encoded, reply: Reply) -> Verdict:
    """Judge by the HTTP status alone; right for most platforms.

    Any 2xx is delivered; 401 and 403 mean a wrong credential; 413 is too large. 408, 429 and 5xx may pass later, after
    `Retry-After`; so may redirects, 404, 405, 407, 421 and 425, which concern the route and not the spans: a captive
    portal, a proxy, a wrong path. Everything else is rejected for good.
    """
    status, reason = reply.status, f"HTTP {reply.status}"
    if 200 <= status < 300:  # noqa: PLR2004 - the class of success
        return Delivered()
    if status in (401, 403):
        return Unauthorized(reason)
    if status == 413:  # noqa: PLR2004 - Content Too Large
        return Split(reason)
    if status in _MAY_PASS or 300 <= status < 400 or status >= 500:  # noqa: PLR2004 - the classes of HTTP
        return Retry(reason, retry_after(reply))
    return Rejected(dict.fromkeys(encoded.span_ids, reason))


_MAY_PASS = frozenset({404, 405, 407, 408, 421, 425, 429})


def shown_url(url: str) -> str:
    """Return a URL, even a malformed one, as an error may show it: without user, password and query."""
    place, query, _ = re.sub(r"(?s)^((?:[^@]*?//)?).*@", r"\1...@", url).partition("?")
    return place + (query and "?...")


def retry_after(reply: Reply) -> float | None:
    """Return the seconds of `Retry-After`; `None` if it is absent or malformed.

    Both forms are read, seconds and a date (RFC 9110 §10.2.3); a date is relative to the reply's own.
    """
    return http_fields.retry_after(reply.headers)


def conflicting(names: Iterable[str]) -> frozenset[str]:
    """Return the names that are a dotted prefix of another: `a.b` beside `a.b.c`.

    A platform that nests attributes by their dots cannot store both, and may refuse the whole span; see `Span.otlp`,
    `drop`.
    """
    known = set(names)
    return frozenset(above for name in known for above in _prefixes(name) if above in known)


def _prefixes(name: str) -> Iterator[str]:
    at = name.find(".")
    while at >= 0:
        yield name[:at]
        at = name.find(".", at + 1)


ExporterFactory = Callable[..., Exporter | Sink]
"""Makes the exporter of a destination; called with `endpoint=` and the destination's options."""
