"""What an answer to a test of a connection means, whatever the platform."""

import pytest

from spancast.contract import Delivered, Encoded, Reply, Request, Retry
from spancast_exporters import _refusal

HTML = {"content-type": "text/html; charset=utf-8"}
WHERE, CURE = "https://api.example", "See EXAMPLE_URL."


@pytest.mark.parametrize("reply", [Reply(200), Reply(204), Reply(401), Reply(403, {}, b'{"message":"Forbidden"}')])
def test_a_success_and_a_refusal_of_the_credential_are_for_the_platform_to_tell(reply):
    assert _refusal.diagnose_status(reply, WHERE, CURE) is None


@pytest.mark.parametrize(
    ("reply", "told"),
    [
        (Reply(404), "https://api.example answers HTTP 404. See EXAMPLE_URL."),
        (Reply(400, {}, b'{"error":"no"}'), "https://api.example answers HTTP 400: no. See EXAMPLE_URL."),
        (Reply(503), "https://api.example answers HTTP 503, which may be temporary. Try again later."),
        (
            Reply(502, HTML, b"<html>Bad Gateway"),
            "https://api.example answers HTTP 502, which may be temporary. Try again later.",
        ),
        (Reply(408), "https://api.example answers HTTP 408, which may be temporary. Try again later."),
        (
            Reply(429, {}, b'{"error":"slow"}'),
            "https://api.example answers HTTP 429: slow, which may be temporary. Try again later.",
        ),
        (
            Reply(403, HTML, b"<html>Blocked"),
            "A proxy or a firewall on the way to https://api.example refuses the request (HTTP 403). Allow it there.",
        ),
        (
            Reply(407, HTML),
            "The proxy on the way to https://api.example requires a credential (HTTP 407). Check HTTPS_PROXY.",
        ),
        (
            Reply(308, {"location": "https://user:secret@api.example/login?token=secret"}),
            "https://api.example answers HTTP 308 and redirects to https://api.example. See EXAMPLE_URL.",
        ),
        (Reply(302, {"location": "/login"}), "https://api.example answers HTTP 302. See EXAMPLE_URL."),
        (Reply(302, {"location": "https://[broken"}), "https://api.example answers HTTP 302. See EXAMPLE_URL."),
    ],
)
def test_the_rest_is_told_with_its_cure(reply, told):
    assert _refusal.diagnose_status(reply, WHERE, CURE) == told


@pytest.mark.parametrize(
    ("status", "body", "told"),
    [
        (200, b"", Delivered()),
        (207, b'{"errors":[]}', Delivered()),
        (200, b"<html>Log in", Retry("HTTP 200 with an HTML page instead of an acknowledgement")),
        (200, b'{"error":"down"}', Retry("HTTP 200: down")),
        (200, b'{"success":false,"message":"down"}', Retry("HTTP 200: down")),
        (200, b'{"errors":["no such model"]}', Retry("HTTP 200: no such model", doubtful=True)),
        (200, b'{"errors":', Retry("HTTP 200 with truncated JSON", doubtful=True)),
        (207, b"<multistatus>", Retry("HTTP 207 with an HTML page instead of an acknowledgement", doubtful=True)),
        (207, b'{"error":"1 of 2"}', Retry("HTTP 207: 1 of 2", doubtful=True)),
    ],
)
def test_a_success_that_lists_errors_or_breaks_off_may_have_taken_some(status, body, told):
    sent = Encoded(Request(url=WHERE, body=b""), ("1" * 16, "2" * 16))
    assert _refusal.judge(sent, Reply(status, {}, body)) == told
