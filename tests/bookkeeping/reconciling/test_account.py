"""How the account is asked: again where that helps, and with a word for whoever asked where it does not."""

import json
import socket
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from spancast.bookkeeping.reconciling.account import NotManagementKeyError, OpenRouterAccount
from spancast.bookkeeping.reconciling.period import Period
from spancast.delivery.http.wire import Wire
from spancast.errors import SpancastError
from tests.support.verbatim import verbatim

KEY = "sk-or-v1-canary-management"
SPAN = Period(datetime(2026, 11, 26, tzinfo=UTC), datetime(2026, 11, 27, tzinfo=UTC))


def said(body, status="200 OK", **headers):
    text = body.encode() if isinstance(body, str) else json.dumps(body).encode()
    stated = {"content-length": len(text), "date": "Thu, 26 Nov 2026 12:00:00 GMT", **headers}
    lines = [f"{name.replace('_', '-')}: {value}" for name, value in stated.items()]
    return "\r\n".join([f"HTTP/1.1 {status}", *lines, "connection: close", "", ""]).encode() + text


@pytest.fixture
def server():
    with verbatim() as server:
        yield server


@pytest.fixture
def pauses():
    return []


@pytest.fixture
def account(server, pauses):
    wire = Wire()
    yield OpenRouterAccount(wire, f"http://{server.host}/api/v1", KEY, pauses.append)
    wire.close()


def test_what_is_asked_and_what_is_answered(server, account):
    server.answers = [
        said('{"data": {"data": [{"credits_usage": 4.1400000000000003e-05}], "metadata": {"truncated": true}}}')
    ]
    page = account.analytics(SPAN, ["hash"], ("generation_id", "model"), ("credits_usage",))
    assert (page.rows, page.truncated) == ([{"credits_usage": Decimal("4.1400000000000003e-05")}], True)
    head, _, body = server.requests[0].partition(b"\r\n\r\n")
    assert head.startswith(b"POST /api/v1/analytics/query HTTP/1.1")
    assert b"Bearer " + KEY.encode() in head
    assert json.loads(body) == {
        "metrics": ["credits_usage"],
        "dimensions": ["generation_id", "model"],
        "filters": [{"field": "api_key_id", "operator": "in", "value": ["hash"]}],
        "time_range": {"start": "2026-11-26T00:00:00.000000Z", "end": "2026-11-27T00:00:00.000000Z"},
        "limit": 10_000,
    }
    assert account.now == datetime(2026, 11, 26, 12, tzinfo=UTC)


def test_it_waits_as_long_as_it_is_asked_to(server, account, pauses):
    server.answers = [said({}, "429 Too Many Requests", retry_after=7), said({}, "503 Unavailable"), said({"data": {}})]
    account.own_key()
    assert 7 <= pauses[0] <= 7.5
    assert len(server.requests) == 3


def test_it_does_not_wait_for_ever(server, account, pauses):
    server.answers = [said({}, "429 Too Many Requests", retry_after=600)]
    with pytest.raises(SpancastError, match=r"answers HTTP 429\. Try again later"):
        account.own_key()
    assert pauses == []


def test_a_server_that_is_not_there_is_asked_a_few_times(pauses):
    with socket.create_server(("127.0.0.1", 0)) as gone:
        port = gone.getsockname()[1]
    with pytest.raises(SpancastError, match="cannot be reached"):
        OpenRouterAccount(Wire(), f"http://127.0.0.1:{port}/api/v1", KEY, pauses.append).own_key()
    assert len(pauses) == 3


@pytest.mark.parametrize("status", ["401 Unauthorized", "403 Forbidden"])
def test_a_key_that_may_not_ask_is_told_and_not_quoted(server, account, status):
    server.answers = [said({"error": {"message": KEY}}, status)]
    with pytest.raises(NotManagementKeyError, match="Set OPENROUTER_MANAGEMENT_KEY to a management key") as caught:
        list(account.listed_keys())
    assert "canary" not in str(caught.value)


@pytest.mark.parametrize("body", ["<html>", "[]", "{}", '{"data": 1}', '{"data": [1]}', "\xff"])
def test_what_is_no_answer_of_openrouters_is_an_error(server, account, body):
    server.answers = [said(body)]
    with pytest.raises(SpancastError, match="Check OPENROUTER_BASE_URL"):
        account.activity(None)


def test_an_answer_that_leaves_a_key_out_is_an_error(server, account):
    data = {"data": [], "metadata": {"truncated": False}, "warnings": ["Could not resolve api_key_id hash: abc"]}
    server.answers = [said({"data": data})]
    with pytest.raises(SpancastError, match="Could not resolve api_key_id hash: abc"):
        account.analytics(SPAN, ["abc"], ("generation_id",), ("credits_usage",))


def test_a_bad_request_is_an_error(server, account):
    server.answers = [said({"error": {"message": KEY}}, "400 Bad Request")]
    with pytest.raises(SpancastError, match="answers HTTP 400") as caught:
        account.activity("hash")
    assert "canary" not in str(caught.value)


def test_keys_are_listed_to_the_last_page(server, account):
    server.answers = [
        said({"data": [{"hash": "a"}, {"hash": "b"}]}),
        said({"data": [{"hash": "c"}]}),
        said({"data": []}),
    ]
    assert [row["hash"] for row in account.listed_keys()] == ["a", "b", "c"]
    assert [request.split(b" ")[1].rpartition(b"=")[2] for request in server.requests] == [b"0", b"2", b"3"]


def test_a_key_that_the_account_does_not_have_is_none(server, account):
    server.answers = [said({"error": {}}, "404 Not Found"), said({"data": {"hash": "a"}})]
    assert (account.key("x"), account.key("a")) == (None, {"hash": "a"})
