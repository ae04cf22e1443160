"""What makes a body long and states nothing."""

import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spancast.capture.body.bulk import MIN_RUN, without_bulk

PIECES = st.sampled_from(
    [b"A" * MIN_RUN, b"A" * (MIN_RUN - 1), b"+/=_-09azAZ" * 500, b'"', b" ", b"\xff", b"\\/", b"B", b"{}"]
)


def test_an_image_goes_and_its_string_stays() -> None:
    body = b'{"b64_json":"%s","usage":{"cost":0.1}}' % (b"iVBORw0K" * 1000)
    assert without_bulk(body) == b'{"b64_json":"","usage":{"cost":0.1}}'


def test_an_image_that_is_still_to_end_goes_up_to_where_it_has_come() -> None:
    assert without_bulk(b'{"url":"data:image/png;base64,' + b"A" * 9999) == b'{"url":"data:image/png;base64,'


@pytest.mark.parametrize("short", [b"", b"A" * (MIN_RUN - 1), b"two words " * 9999, b'{"a":[0.123,-4]}' * 9999])
def test_what_is_no_image_stays(short: bytes) -> None:
    assert without_bulk(short) == short


@given(st.lists(PIECES, max_size=12))
def test_exactly_the_long_runs_go(pieces: list[bytes]) -> None:
    body = b"".join(pieces)
    runs = re.findall(rb"[A-Za-z0-9+/=_-]+|[^A-Za-z0-9+/=_-]+", body)
    long = re.compile(rb"[A-Za-z0-9+/=_-]{%d,}" % MIN_RUN)
    assert without_bulk(body) == b"".join(run for run in runs if not long.fullmatch(run))


@pytest.mark.parametrize("piece", [b"A", b"\x00", b'{"a":', b"A" * (MIN_RUN - 1) + b" "])
def test_no_body_takes_long(piece: bytes) -> None:
    body = piece * (4_000_000 // len(piece))
    started = time.process_time()
    without_bulk(body)
    assert time.process_time() - started < 1
