"""What a platform says reaches nobody with the key in it that it was sent."""

from contextlib import closing

import pytest

from spancast.base.deadline import Deadline
from spancast.contract import Reply, Request
from spancast.delivery.http.allowance import Allowance
from spancast.delivery.http.channel import Channel
from spancast_exporters.otlp import Otlp
from tests.support.platform import Platform, answer

KEY = "k-0123456789abcdef"
TEXT = {"content-type": "text/plain"}


def posted(request: Request) -> Reply:
    with closing(Channel(Otlp(endpoint=request.url))) as channel:
        return channel.post(request, Allowance(Deadline(5), lambda: False))


@pytest.mark.parametrize("headers", [{"authorization": f"Bearer {KEY}"}, {"X-Api-Key": KEY}])
def test_a_key_that_the_platform_quotes_is_taken_out_of_its_answer(headers):
    with Platform(answer(401, TEXT, f"Invalid API key {KEY}.".encode())).open() as platform:
        request = Request(url=platform.url, body=b"", headers=headers)
        reply = posted(request)
    assert (reply.status, reply.body) == (401, b"Invalid API key [removed].")


def test_an_answer_without_it_is_as_the_platform_wrote_it():
    with Platform(answer(400, TEXT, b"Bad request.")).open() as platform:
        request = Request(
            url=platform.url, body=b"", headers={"authorization": f"Bearer {KEY}", "x-note": "Bad request."}
        )
        reply = posted(request)
    assert reply.body == b"Bad request."
