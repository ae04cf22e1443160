"""The directives of a request to the simulator: its `X-Simulator-…` headers."""

from collections.abc import Callable, Mapping
from typing import TypeVar

import msgspec

from spancast.testing.simulator import errors, faults, pieces, tiers
from spancast.testing.simulator.answer import Answer
from spancast.testing.simulator.config import Config, LookupDelay
from spancast.testing.simulator.faults import Fault

_T = TypeVar("_T")
_NAMED_SIZES: Mapping[str, pieces.Size] = {"event": "event", "whole": "whole"}


class Directives(msgspec.Struct, frozen=True, kw_only=True):
    """How a response is generated and sent."""

    fault: Fault | None
    chunks: pieces.Size
    chunk_delay: float
    """Seconds before every network chunk."""
    words: int | None
    tier: str | None
    """The service tier that serves, whatever was requested."""
    done: bool
    """Whether a stream of Messages ends with OpenRouter's `[DONE]`."""
    gzip: bool
    delay: float
    """Seconds that the fault `slow` takes."""
    lookup_delay: LookupDelay
    polls: int
    """The number of polls that find the job in progress."""


def parse_directives(headers: Mapping[str, str], config: Config) -> Directives:
    """Return the directives in the headers, or `config`'s defaults; raise `RequestError` (400) for an invalid one."""
    return Directives(
        fault=_parsed(headers, "x-simulator-fault", faults.by_name, None),
        chunks=_parsed(headers, "x-simulator-chunks", _size, "event"),
        chunk_delay=_parsed(headers, "x-simulator-chunk-delay", _seconds, 0.0),
        words=_parsed(headers, "x-simulator-words", _words, None),
        tier=_parsed(headers, "x-simulator-tier", _tier, None),
        done=_parsed(headers, "x-simulator-done", _is("named"), default=False),
        gzip=_parsed(headers, "x-simulator-encoding", _is("gzip"), default=False),
        delay=_parsed(headers, "x-simulator-delay", _seconds, config.slow_delay),
        lookup_delay=LookupDelay(
            lookups=_parsed(headers, "x-simulator-lookups", _count, config.lookups_before_ready),
            seconds=_parsed(headers, "x-simulator-ready-after", _seconds, config.ready_after),
        ),
        polls=_parsed(headers, "x-simulator-polls", _count, config.polls_before_done),
    )


def apply_directives(answer: Answer, directives: Directives) -> Answer:
    """Return the response, compressed, split into network chunks and delayed as directed."""
    if directives.gzip:
        answer = msgspec.structs.replace(
            answer,
            headers=answer.headers | {"Content-Encoding": "gzip"},
            pieces=pieces.compressed(answer.pieces, ended=not answer.cut),
        )
    sent = pieces.resized(answer.pieces, directives.chunks)
    paced = tuple(msgspec.structs.replace(piece, wait=piece.wait + directives.chunk_delay) for piece in sent)
    return msgspec.structs.replace(answer, pieces=paced)


def _parsed(headers: Mapping[str, str], name: str, parse: Callable[[str], _T], default: _T) -> _T:
    if name not in headers:
        return default
    try:
        return parse(headers[name].strip())
    except ValueError as error:
        raise errors.bad_request(f"{name} cannot be {headers[name]!r}. Write {error}.") from None


def _size(value: str) -> pieces.Size:
    if value in _NAMED_SIZES:
        return _NAMED_SIZES[value]
    if not value.isdecimal() or int(value) < 1:
        raise ValueError("event, whole, or a number of bytes from 1")
    return int(value)


def _seconds(value: str) -> float:
    seconds = float(value) if value.replace(".", "", 1).isdecimal() else -1.0
    if seconds < 0:
        raise ValueError("seconds, such as 0.05")
    return seconds


def _words(value: str) -> int:
    if not value.isdecimal() or int(value) < 1:
        raise ValueError("a number of words from 1")
    return int(value)


def _count(value: str) -> int:
    if not value.isdecimal():
        raise ValueError("a number from 0")
    return int(value)


def _tier(value: str) -> str:
    if value not in tiers.NAMES:
        raise ValueError(" or ".join(tiers.NAMES))
    return value


def _is(only: str) -> Callable[[str], bool]:
    """Return a parser that accepts only the word `only`."""

    def parse(value: str) -> bool:
        if value != only:
            raise ValueError(only)
        return True

    return parse
