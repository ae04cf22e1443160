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
    """A finished span, ours or the application's, on its way to a destination.

    Whom it was for and where it belongs are fields on every span, an LLM call or not: most platforms want them on each.
    """

    name: str
    trace_id: str
    """32 hex digits."""
    span_id: str
    """16 hex digits."""
    parent_span_id: str | None
    """The span above, which is sent, too; `None` for a root."""
    kind: Literal["internal", "server", "client", "producer", "consumer"]
    start: int
    """Unix time in nanoseconds."""
    end: int
    """Unix time in nanoseconds."""
    status: Literal["unset", "ok", "error"]
    status_message: str | None
    attributes: Mapping[str, Attribute]
    content: Mapping[str, Attribute] = field(default_factory=dict)
    """The words of the call, as attributes (`gen_ai.input.messages` and so on, JSON text); empty where they were not
    kept, and for a destination in private."""
    events: Sequence[Event] = ()
    user: str | None = None
    session: str | None = None
    trace_name: str | None = None
    """What the whole trace is called; `None` where nobody named it."""
    tags: Mapping[str, str] = field(default_factory=dict)
    """The application's own, given to `spancast.attribute`."""
    metadata: Mapping[str, str] = field(default_factory=dict)
    """What the request says of itself (`metadata`, and the further keys of `trace`), and what the destination adds."""
    environment: str | None = None
    """`production`, `staging`, ...; of the destination, else of the request, else of the resource. An option of the
    exporter's own stands between the last two; one called `environment` is given what the destination says."""
    release: str | None = None
    """The version of the application; of the request, else the resource's `service.version`."""
    resource: Mapping[str, Scalar]
    scope: tuple[str, str]
    """Name and version of the instrumentation that made it."""
    generation: Generation | None
    """What the call was, when the span is one; `None` on every other span."""
    encoder: "Encoder" = field(repr=False, compare=False)

    def otlp(
        self,
        *,
        add: Mapping[str, Attribute] | None = None,
        drop: Sequence[str] = (),
        resource: Mapping[str, Scalar] | None = None,
    ) -> bytes:
        """Return the span, its content included, as a serialised OTLP `ExportTraceServiceRequest` of one span.

        Such messages concatenate: the join of many is one request that holds them all (protobuf, repeated fields).
        `add` and `resource` are merged over the attributes of the span and of its resource; `drop` are keys left out.
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
    """One HTTP request for the courier to send."""

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
    """What the platform answered."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    """Names in lower case. There always is a `date`: of the platform, else of the receipt (RFC 9110 §6.6.1)."""
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class Delivered:
    """The platform has every span of the request."""


@dataclass(frozen=True, slots=True)
class Retry:
    """The platform may take it later."""

    reason: str
    after: float | None = None
    """Seconds the platform asked to wait; `None` when it did not say."""
    doubtful: bool = False
    """Whether it may have taken some already. Where spans that are sent twice are two, it is asked which (`ReadBack`);
    where it cannot be asked, none is sent again."""


@dataclass(frozen=True, slots=True)
class Split:
    """The request was too large; fewer spans at a time may pass.

    With a 2xx it says that the platform took some, and not which. Where spans that are sent twice are two, they are not
    taken apart then: it is asked which it has, or none is sent again, and the reason is kept.
    """

    reason: str


@dataclass(frozen=True, slots=True)
class Rejected:
    """The platform will never take these spans, and has taken the others of the request."""

    reasons: Mapping[str, str]
    """Why, by span id."""


@dataclass(frozen=True, slots=True)
class Unauthorized:
    """The credential is wrong; everything waits until it is changed."""

    reason: str


Verdict = Delivered | Retry | Split | Rejected | Unauthorized
"""What became of a request."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Traits:
    """What the courier must know of a platform."""

    max_spans: int = 512
    """Spans in one request."""
    max_bytes: int = 4 * 1024 * 1024
    """Bytes of one request's body, after compression."""
    max_age: float | None = None
    """Seconds after which the platform refuses a span; `None` when it takes any."""
    resend: Literal["upsert", "ignored", "duplicates"] = "duplicates"
    """Whether a span that is sent twice is one on the platform, as it was the last time or as the first, or two."""
    visible_after: float = 30.0
    """Seconds after which a span that the platform took is found when it is asked for; see `ReadBack`."""


@runtime_checkable
class Exporter(Protocol):
    """A platform. Both methods are pure, may be called from any thread, and may be called again for the same spans."""

    @property
    def traits(self) -> Traits:
        """The platform's limits."""
        ...

    def encode(self, spans: Sequence[Span], at: datetime) -> Sequence[Encoded]:
        """Return the requests that carry `spans`, in order; `at` is the time of sending, in UTC."""
        ...

    def judge(self, encoded: Encoded, reply: Reply) -> Verdict:
        """Say what became of the request."""
        ...


@runtime_checkable
class Probe(Protocol):
    """An exporter that can be tested without a span; `spancast check` asks it."""

    def probe(self, at: datetime) -> Request:
        """Return a request that proves endpoint and credential, and leaves nothing on the platform where it can."""
        ...

    def diagnose(self, reply: Reply) -> str | None:
        """Return `None` when all is well, else what is wrong and the cure, in one line."""
        ...


@runtime_checkable
class ReadBack(Protocol):
    """An exporter that can ask the platform which spans it has, for requests whose answer was lost."""

    def read_back(self, spans: Sequence[Span], at: datetime) -> Request:
        """Return the request that asks for these spans."""
        ...

    def found(self, spans: Sequence[Span], reply: Reply) -> Mapping[str, bool]:
        """Return by span id whether the platform has it; a span id that is left out is not known."""
        ...


@dataclass(frozen=True, slots=True)
class Grant:
    """A credential that was asked for."""

    headers: Mapping[str, str] = field(repr=False)
    """Added to each request while it is valid."""
    until: datetime
    """When it ends, in UTC."""


@runtime_checkable
class Authorizer(Protocol):
    """An exporter whose requests need a credential that must be asked for first, as OAuth's tokens."""

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
        """Take the spans, or say why not."""
        ...


@runtime_checkable
class Closing(Protocol):
    """A sink that holds something open between two writes."""

    def close(self) -> None:
        """Close it; a later `write` opens it again."""
        ...


@runtime_checkable
class SelfTest(Protocol):
    """A sink that can be tested without a span; `spancast check` asks it."""

    def tested(self) -> str | None:
        """Return `None` when all is well, else what is wrong and the cure, in one line; leave nothing behind."""
        ...


@runtime_checkable
class Choice(Protocol):
    """Options of which one decides what they make: an exporter over HTTP, say, or a sink over gRPC."""

    def chosen(self) -> Exporter | Sink:
        """Return what they make."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Another:
    """Another way in which an application may send its calls to the same platform, and how it is seen from outside.

    It is taken to be in use where everything that is said of it holds.
    """

    who: str
    """As in `Acme's SDK`."""
    cure: str
    """What to do where both are in use, as a sentence."""
    packages: Sequence[str] = ()
    """Distributions, of which one is installed."""
    variables: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """Variables that are all set: to one of these, in lower case, or to anything where there are none."""
    unless: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """Variables that turn it off, set to one of these."""
    otlp: str | None = None
    """A URL at the platform: an exporter of OpenTelemetry's own sends to that host."""


@runtime_checkable
class NotAlone(Protocol):
    """An exporter that knows who else sends to its platform; `spancast doctor` looks whether they do."""

    @property
    def also_sent_by(self) -> Sequence[Another]:
        """Return each of them."""
        ...


def by_opentelemetry(url: str) -> Another:
    """Return OpenTelemetry's own exporter, where it sends to the host of a URL."""
    cure = "Set OTEL_TRACES_EXPORTER=none, or leave one of the two out."
    return Another(who="OpenTelemetry's own exporter", cure=cure, otlp=url)


def judge_status(encoded: Encoded, reply: Reply) -> Verdict:
    """Judge by the HTTP status alone, as most platforms mean it.

    Any 2xx is delivered; 401 and 403 are the credential; 413 is too large. 408, 429 and 5xx may pass later, after what
    `Retry-After` says; so may a redirect, 404, 405, 407, 421 and 425, which are about the way and not about the spans:
    a portal or a proxy in between, a path that is to be mended. Everything else never will.
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
    """Return a URL, or what was meant as one, as an error may show it: without a user, a password and a query."""
    place, query, _ = re.sub(r"(?s)^((?:[^@]*?//)?).*@", r"\1...@", url).partition("?")
    return place + (query and "?...")


def retry_after(reply: Reply) -> float | None:
    """Return the seconds that a platform asks to wait; `None` where it does not say, or what cannot be read.

    Both forms are known, seconds and a date (RFC 9110 §10.2.3), which is read by the clock of the reply.
    """
    return http_fields.retry_after(reply.headers)


def conflicting(names: Iterable[str]) -> frozenset[str]:
    """Return those of the names that are a dotted prefix of another: `a.b` beside `a.b.c`.

    A platform that makes a tree of them has no place for both, and may refuse the whole span; see `Span.otlp`, `drop`.
    """
    known = set(names)
    return frozenset(above for name in known for above in _prefixes(name) if above in known)


def _prefixes(name: str) -> Iterator[str]:
    at = name.find(".")
    while at >= 0:
        yield name[:at]
        at = name.find(".", at + 1)


ExporterFactory = Callable[..., Exporter | Sink]
"""What a destination's name stands for: called with `endpoint=` and the destination's options."""
