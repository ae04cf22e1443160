"""With `user_hash` no user is written down as it is: in no file, no span, no request, no line of the command."""

import hmac
from pathlib import Path

from spancast.testing import Simulator
from tests.support.programs import calls, run_program, spancast, surroundings

KEY = "a-key-that-nobody-is-shown"
USERS = ("ada@example.com", "bob@example.com", "cyd@example.com")
PROGRAM = """
import os, httpx2, opentelemetry.trace, spancast
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import ConsoleSpanExporter, SimpleSpanProcessor

provider = TracerProvider()
provider.add_span_processor(SimpleSpanProcessor(ConsoleSpanExporter()))
opentelemetry.trace.set_tracer_provider(provider)
tracer = opentelemetry.trace.get_tracer("application")
url, key = os.environ["OPENROUTER_BASE_URL"] + "/chat/completions", {"authorization": "Bearer sk-or-v1-simulator"}

def ask(**more):
    body = {"model": "openai/gpt-4o-mini", "messages": [{"role": "user", "content": "Hi"}], **more}
    httpx2.post(url, json=body, headers=key)

with spancast.attribute(user="ada@example.com"), tracer.start_as_current_span("handler"):
    ask()
ask(metadata={"user_id": "bob@example.com", "team": "blue"})
with spancast.attribute(tags={"user_id": "cyd@example.com"}):
    ask(user="cyd@example.com")
own = dict.fromkeys(["user.id", "session.id", "customer"], "cyd@example.com")
with tracer.start_as_current_span("own word", attributes=own):
    ask(model="simulator/502")
with spancast.attribute(user="cyd@example.com"):
    tracer.start_span("own words alone", attributes={"thread_id": "cyd@example.com"}).end()
"""


def test_no_user_is_written_as_it_is(tmp_path: Path) -> None:
    with Simulator(seed=8) as openrouter:
        environment = surroundings(
            tmp_path,
            openrouter,
            SPANCAST_USER_HASH=f"hmac:{KEY}",
            SPANCAST_FORWARD_USER="true",
            SPANCAST_DESTINATIONS="otlp",
            SPANCAST_DESTINATION_OTLP_SPANS="all",
            OTEL_EXPORTER_OTLP_ENDPOINT="http://127.0.0.1:9",
        )
        done = run_program(PROGRAM, environment)
        assert done.returncode == 0, done.stderr
        billed = [bill.user for bill in openrouter.bills]
    booked = calls(environment)
    pseudonyms = [hmac.new(KEY.encode(), user.encode(), "sha256").hexdigest() for user in USERS]

    assert [call["user"] for call in booked[:3]] == pseudonyms
    assert booked[2]["tags"] == {"user_id": pseudonyms[2]}
    assert billed[:1] == pseudonyms[:1]
    shown = "".join(
        spancast(verb, environment=environment, check=False).stdout for verb in ("calls", "costs", "doctor")
    )
    written = {path.name: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    written |= {"the command": shown.encode(), "the program": (done.stdout + done.stderr).encode()}
    assert [name for name, seen in written.items() if KEY.encode() in seen] == []
    own_words = {"the program"}  # what an application sets on its own span is its console's to show
    assert [
        (name, user)
        for name, seen in written.items()
        for user in USERS[: 2 if name in own_words else 3]
        if user.encode() in seen
    ] == []
    assert {"ledger.db", "outbox.db"} <= written.keys()
