"""Secrets that pass by in every place they can be in, and a look at every byte that is kept, sent or said after it."""

import gzip
import os
import subprocess
import sys
from pathlib import Path

import pytest

from spancast.testing import Simulator
from tests.support.platform import Platform, answer
from tests.support.programs import surroundings

CANARIES = {
    "key": "sk-or-v1-" + "c0ffee" * 10,
    "bearer": "canarybearertoken0123456789abcdef",
    "cookie": "canarycookie0123456789abcdef",
    "header": "canaryapikeyheader0123456789abcdef",
    "query": "sk-or-v1-" + "bada55" * 10,
    "said": "sk-or-v1-" + "decade" * 10,
    "anthropic": "sk-ant-api03-" + "canary" * 8,
    "destination": "canarydestinationkey0123456789",
}
PROGRAM = """
import os, httpx2, requests, urllib.request
import spancast
C = {name: os.environ[f"CANARY_{name.upper()}"] for name in os.environ["CANARIES"].split()}
URL = os.environ["OPENROUTER_BASE_URL"] + "/chat/completions"
HEADERS = {
    "authorization": "Bearer " + C["key"], "cookie": "session=" + C["cookie"], "x-api-key": C["header"],
    "proxy-authorization": "Basic " + C["bearer"],
}

def body(text, **more):
    return {"model": "openai/gpt-4o-mini", "messages": [{"role": "user", "content": text}], **more}

said = f"My key is {C['said']}, and the other one {C['anthropic']}; {C['key']} is in use."
httpx2.post(URL, json=body(said), headers=HEADERS)
httpx2.post(URL, json=body(said, stream=True), headers=HEADERS)
httpx2.post(URL, json=body("Hi", user=C["said"], metadata={"token": C["said"]}), headers=HEADERS)
httpx2.post(URL, params={"api_key": C["query"]}, json=body("Hi"), headers=HEADERS)
httpx2.post(URL, json=body("Hi", model=C["said"]), headers=HEADERS)       # an error that quotes the request
requests.post(URL, json=body(said), headers=HEADERS)
with spancast.attribute(user=C["said"], session=C["said"], tags={"note": "with " + C["said"]}):
    httpx2.post(URL, json=body("Hi"), headers=HEADERS)
for url in ("http://user:" + C["bearer"] + "@127.0.0.1:1/api/v1/chat/completions?key=" + C["query"],):
    try:
        httpx2.post(url, json=body("Hi"), headers=HEADERS)                # an error that may quote the address
    except httpx2.HTTPError:
        pass
spancast.flush(3.0)
httpx2.post(URL, json=body(said), headers=HEADERS)
os._exit(0)                                                               # what it left is in the journal
"""


def kept(home: Path) -> dict[str, bytes]:
    """Return the content of every file that was written."""
    return {str(path.relative_to(home)): path.read_bytes() for path in home.rglob("*") if path.is_file()}


@pytest.mark.parametrize("status", [200, pytest.param(503, marks=pytest.mark.slow)])
def test_no_secret_is_in_any_byte_that_is_kept_sent_or_said(status: int, tmp_path: Path) -> None:
    with Simulator(seed=7) as openrouter, Platform(answer(status)).open() as platform:
        environment = surroundings(
            tmp_path / "home",
            openrouter,
            SPANCAST_DESTINATIONS="otlp",
            SPANCAST_CAPTURE_CONTENT="span_and_event",
            SPANCAST_HOSTS=f"{openrouter.address},127.0.0.1:1",
            OTEL_EXPORTER_OTLP_ENDPOINT=platform.url,
            OTEL_EXPORTER_OTLP_HEADERS=f"x-platform-key={CANARIES['destination']}",
            CANARIES=" ".join(CANARIES),
            **{f"CANARY_{name.upper()}": secret for name, secret in CANARIES.items()},
        )
        done = subprocess.run(
            [sys.executable, "-m", "spancast", "run", "--", sys.executable, "-c", PROGRAM],
            env=environment,
            check=True,
            capture_output=True,
            timeout=100,
        )
        places = kept(tmp_path / "home")
        assert any(name.endswith(".seg") for name in places), "the last call is still in the journal"
        told = subprocess.run(
            [sys.executable, "-m", "spancast", "calls", "--json"], env=environment, check=True, capture_output=True
        )
        places |= {f"{name}, drained": content for name, content in kept(tmp_path / "home").items()}
        places |= {"stdout": done.stdout, "stderr": done.stderr, "calls": told.stdout}
        for number, received in enumerate(platform.received):
            places[f"body {number}"] = (
                gzip.decompress(received.body) if received.body[:2] == b"\x1f\x8b" else received.body
            )
            others = {name: value for name, value in received.headers.items() if name != "x-platform-key"}
            places[f"head {number}"] = repr((received.path, others)).encode()

    assert platform.received
    assert told.stdout.count(b"\n") == 9
    found = [
        (where, name)
        for where, content in places.items()
        for name, secret in CANARIES.items()
        if secret.encode() in content
    ]
    assert found == []


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="file modes are POSIX's")
def test_all_that_is_kept_is_for_its_owner_alone(tmp_path: Path) -> None:
    script = (
        "import httpx2, os; httpx2.post(os.environ['OPENROUTER_BASE_URL'] + '/chat/completions', json={'model': 'm'})"
    )
    with Simulator(seed=7) as openrouter:
        environment = surroundings(tmp_path / "home", openrouter, SPANCAST_DESTINATIONS="otlp")
        previous = os.umask(0)
        try:
            subprocess.run(
                [sys.executable, "-m", "spancast", "run", "--", sys.executable, "-c", script],
                env=environment,
                check=True,
            )
        finally:
            os.umask(previous)
    modes = {path: path.stat().st_mode & 0o777 for path in [tmp_path / "home", *(tmp_path / "home").rglob("*")]}
    assert {mode for path, mode in modes.items() if path.is_dir()} == {0o700}
    assert {mode for path, mode in modes.items() if path.is_file()} == {0o600}
