"""The user in the body that OpenRouter gets."""

import asyncio
import json
import urllib.request
from collections.abc import Callable
from types import ModuleType
from typing import Any

import aiohttp
import httpx
import httpx2
import pytest
import requests
import urllib3
from opentelemetry.sdk.trace import TracerProvider

from spancast import attribute
from spancast.attribution import rules
from spancast.attribution.forward import forwardable, names_user
from spancast.attribution.rules import Rules, pseudonymized_user
from spancast.capture.exchange import Exchange
from spancast.capture.http_request import HttpRequest
from spancast.capture.json_body import decode_members, with_members
from spancast.capture.route import Routes
from spancast.recording.recorder import Recorder
from spancast.testing import Simulator
from spancast.trace.tracing import Tracing
from tests.support.answers import PROMPT
from tests.support.watching import watching

KEY = {"authorization": "Bearer sk-or-v1-simulator"}


def forwarded(body: bytes, user: str | None) -> bytes | None:
    members, user = decode_members(body), forwardable(user)
    return None if members is None or user is None or names_user(members) else with_members(members, {"user": user})


@pytest.fixture(autouse=True)
def _wanted(_nobody_before_and_after: None) -> None:
    rules.set_rules(Rules(forward_user=True))


def test_the_user_is_added_and_every_other_member_stays_as_it_is_written() -> None:
    body = b'{"model": "m",\n "n": 1.50,"big":12345678901234567890123, "messages": [ {"role":"user"} ]}'
    sent = forwarded(body, 'ü "1"')
    assert sent is not None
    assert json.loads(sent) == {**json.loads(body), "user": 'ü "1"'}
    assert b'"n":1.50' in sent
    assert b'[ {"role":"user"} ]' in sent
    assert b"12345678901234567890123" in sent


@pytest.mark.parametrize(
    "body",
    [
        b'{"user": "theirs"}',
        b'{"user": 7}',
        b'{"user": ""}',
        b'{"metadata": {"user_id": "theirs"}}',
        b"[]",
        b"no JSON",
        b"\xff",
        b"",
    ],
    ids=repr,
)
def test_a_body_that_names_a_user_or_is_no_object_is_left_alone(body: bytes) -> None:
    assert forwarded(body, "u_1") is None


@pytest.mark.parametrize("body", [b'{"user": null}', b'{"metadata": {"user_id": null}}', b'{"metadata": null}', b"{}"])
def test_a_member_that_is_null_names_nobody(body: bytes) -> None:
    assert json.loads(forwarded(body, "u_1") or b"") == {**json.loads(body), "user": "u_1"}


@pytest.mark.parametrize("user", [None, "mail [removed]"])
def test_nothing_is_said_of_nobody(user: str | None) -> None:
    assert forwarded(b"{}", user) is None


def test_a_user_that_openrouter_might_refuse_is_not_forwarded() -> None:
    assert forwarded(b"{}", "u" * 128)
    assert forwarded(b"{}", "u" * 129) is None


def test_nothing_is_forwarded_unless_it_is_asked_for() -> None:
    rules.set_rules(Rules())
    assert forwarded(b"{}", "u_1") is None


@pytest.mark.parametrize("module", [httpx, httpx2], ids=["httpx", "httpx2"])
def test_openrouter_is_told_the_user_and_never_the_session(module: ModuleType) -> None:
    with Simulator(seed=6) as openrouter, watching(openrouter.address) as seen:
        with attribute(user="u_1", session="s_1"), module.Client() as client:
            request = client.build_request("POST", f"{openrouter.base_url}/chat/completions", json=PROMPT, headers=KEY)
            answer = client.send(request)
        (bill,) = openrouter.bills
    assert answer.status_code == 200
    assert (bill.user, bill.session_id) == ("u_1", None)
    assert (seen.only.user, seen.only.session) == ("u_1", "s_1")
    assert json.loads(request.content) == PROMPT


async def by_aiohttp(url: str) -> None:
    async with aiohttp.ClientSession() as session, session.post(url, json=PROMPT, headers=KEY) as response:
        await response.read()


OTHERS: dict[str, Callable[[str], Any]] = {
    "requests": lambda url: requests.post(url, json=PROMPT, headers=KEY, timeout=10),
    "urllib3": lambda url: urllib3.request("POST", url, json=PROMPT, headers=KEY),
    "urllib": lambda url: urllib.request.urlopen(
        urllib.request.Request(url, json.dumps(PROMPT).encode(), {"content-type": "application/json", **KEY})
    ).read(),
    "aiohttp": lambda url: asyncio.run(by_aiohttp(url)),
}


@pytest.mark.parametrize("post", OTHERS.values(), ids=OTHERS)
def test_every_other_client_tells_it_too(post: Callable[[str], Any]) -> None:
    with Simulator(seed=6) as openrouter, watching(openrouter.address) as seen:
        with attribute(user="u_1"):
            post(f"{openrouter.base_url}/chat/completions")
        (bill,) = openrouter.bills
    assert bill.user == seen.only.user == "u_1"


def test_what_is_forwarded_is_the_pseudonym() -> None:
    rules.set_rules(Rules(forward_user=True, hash_key=b"k"))
    told: dict[str, Any] = {}
    with Simulator(seed=6) as openrouter, watching(openrouter.address) as seen:
        with attribute(user="u_1"):
            httpx2.post(f"{openrouter.base_url}/chat/completions", json=PROMPT, headers=KEY)
        told["billed"] = openrouter.bills[0].user
    assert told["billed"] == seen.only.user == pseudonymized_user("u_1")


def opened(*, replaceable: bool, content_type: str = "application/json") -> Exchange:
    """Open a call that is also to name its span."""
    recorder = Recorder(Routes(), Tracing(TracerProvider(shutdown_on_exit=False)), append=None, link_broadcast=True)
    request = HttpRequest(
        "POST",
        "https",
        "openrouter.ai",
        None,
        "/api/v1/chat/completions",
        {"content-type": content_type},
        json.dumps(PROMPT).encode(),
        replaceable=replaceable,
    )
    with attribute(user="u_1"):
        exchange = recorder.open(request)
    assert exchange is not None
    return exchange


def test_a_body_that_names_its_span_names_the_user_too() -> None:
    exchange = opened(replaceable=True)
    assert exchange.replacement_body is not None
    sent = json.loads(exchange.replacement_body)
    assert {**PROMPT, "user": "u_1", "trace": sent["trace"]} == sent
    assert sent["trace"].keys() == {"trace_id", "parent_span_id"}
    exchange.close()


@pytest.mark.parametrize(
    ("replaceable", "content_type"), [(False, "application/json"), (True, "text/plain")], ids=["hook", "type"]
)
def test_a_body_that_cannot_be_replaced_is_left_alone(replaceable: bool, content_type: str) -> None:
    exchange = opened(replaceable=replaceable, content_type=content_type)
    assert exchange.replacement_body is None
    exchange.close()
