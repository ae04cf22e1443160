"""Installed beside another instrumentation, of today's version: one LLM span a call, and every dollar booked once.

Each library lies in an environment of its own, and calls the simulator in four ways in one process; what it says of
its spans is told on standard output. `docs/beside.md` says in prose what is tested here.
"""

import json
import subprocess
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import pytest

from spancast.testing import Simulator
from tests.support.environments import python_with
from tests.support.programs import calls, surroundings

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

WAYS = ("plain", "stream", "async plain", "async stream")

BEGIN = """
import asyncio, json, os
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

memory, others = InMemorySpanExporter(), []
key = dict(base_url=os.environ["OPENROUTER_BASE_URL"], api_key=os.environ["OPENROUTER_API_KEY"])

def provider():
    made = TracerProvider()
    made.add_span_processor(SimpleSpanProcessor(memory))
    trace.set_tracer_provider(made)

def told():
    spans = [
        dict(
            name=span.name,
            scope=span.instrumentation_scope.name,
            id=format(span.context.span_id, "016x"),
            trace=format(span.context.trace_id, "032x"),
            parent=span.parent and format(span.parent.span_id, "016x"),
            attributes=dict(span.attributes),
        )
        for span in memory.get_finished_spans()
    ] + others
    memory.clear()
    others.clear()
    return spans
"""

OPENAI = """
import openai
wanted = dict(model="openai/gpt-4o-mini", messages=[{"role": "user", "content": "Hello to you."}], user="u_1")

def plain():
    openai.OpenAI(**key).chat.completions.create(**wanted)

def stream():
    for chunk in openai.OpenAI(**key).chat.completions.create(**wanted, stream=True):
        pass

async def async_plain():
    async with openai.AsyncOpenAI(**key) as client:
        await client.chat.completions.create(**wanted)

async def async_stream():
    async with openai.AsyncOpenAI(**key) as client:
        async for chunk in await client.chat.completions.create(**wanted, stream=True):
            pass
"""

RESPONSES = """
import openai
wanted = dict(model="openai/gpt-4o-mini", input="Hello to you.", user="u_1")

def plain():
    openai.OpenAI(**key).responses.create(**wanted)

def stream():
    for event in openai.OpenAI(**key).responses.create(**wanted, stream=True):
        pass

async def async_plain():
    async with openai.AsyncOpenAI(**key) as client:
        await client.responses.create(**wanted)

async def async_stream():
    async with openai.AsyncOpenAI(**key) as client:
        async for event in await client.responses.create(**wanted, stream=True):
            pass
"""

UNTRACED_RESPONSES = """
import httpx2
body = dict(model="openai/gpt-4o-mini", input="Hello to you.", user="u_1")
sent = dict(headers={"authorization": "Bearer " + key["api_key"]})

def plain():
    httpx2.post(key["base_url"] + "/responses", json=body, **sent)

def stream():
    httpx2.post(key["base_url"] + "/responses", json=body | {"stream": True}, **sent)

async def async_plain():
    async with httpx2.AsyncClient() as client:
        await client.post(key["base_url"] + "/responses", json=body, **sent)

async def async_stream():
    async with httpx2.AsyncClient() as client:
        await client.post(key["base_url"] + "/responses", json=body | {"stream": True}, **sent)
"""

PYDANTIC_AI = """
import openai
from pydantic_ai import Agent
from pydantic_ai.models.openrouter import OpenRouterModel
from pydantic_ai.providers.openrouter import OpenRouterProvider

Agent.instrument_all()

def agent():
    provider = OpenRouterProvider(openai_client=openai.AsyncOpenAI(**key))  # a client is bound to its event loop
    return Agent(OpenRouterModel("openai/gpt-4o-mini", provider=provider), model_settings={"openai_user": "u_1"})

def plain():
    agent().run_sync("Hello to you.")

def stream():
    agent().run_stream_sync("Hello to you.").get_output()

async def async_plain():
    await agent().run("Hello to you.")

async def async_stream():
    async with agent().run_stream("Hello to you.") as answer:
        await answer.get_output()
"""

END = """
seen = {}
for name, call in {"plain": plain, "stream": stream}.items():
    call()
    seen[name] = told()

async def both():
    for name, call in {"async plain": async_plain, "async stream": async_stream}.items():
        await call()
        seen[name] = told()

asyncio.run(both())
print("SPANS", json.dumps(seen))
"""


@dataclass(frozen=True)
class Library:
    """An instrumentation, how its own documentation turns it on, and where a call has a span of ours beside its own."""

    name: str
    requires: tuple[str, ...]
    setup: str
    program: str = OPENAI
    marked: tuple[str, ...] = ()
    like: str | None = None
    """Of which library it is another use, whose name and environment it has."""

    @property
    def known_as(self) -> str:
        """What it is called in `spancast.beside`."""
        return self.like or self.name


GENAI = """
os.environ["OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT"] = "SPAN_ONLY"
provider()
from opentelemetry.instrumentation.genai.openai import OpenAIInstrumentor
OpenAIInstrumentor().instrument()
"""

OPENLLMETRY = """
provider()
from opentelemetry.instrumentation.openai import OpenAIInstrumentor
OpenAIInstrumentor().instrument()
"""

OPENINFERENCE = """
provider()
from openinference.instrumentation.openai import OpenAIInstrumentor
OpenAIInstrumentor().instrument()
"""

LOGFIRE = """
import logfire
logfire.configure(
    send_to_logfire=False, console=False, additional_span_processors=[SimpleSpanProcessor(memory)]
)
logfire.instrument_openai()
"""

LANGFUSE = """
from langfuse import Langfuse, get_client
Langfuse(public_key="pk", secret_key="sk", base_url="http://127.0.0.1:9", span_exporter=memory)
import langfuse.openai
told_soon = told

def told():
    get_client().flush()
    return told_soon()
"""

DDTRACE = """
provider()
os.environ |= {"DD_INSTRUMENTATION_TELEMETRY_ENABLED": "false", "DD_REMOTE_CONFIGURATION_ENABLED": "false"}
import atexit, sys
import spancast
from ddtrace.llmobs import LLMObs
from ddtrace.trace import TraceFilter, tracer

class Keep(TraceFilter):
    def process_trace(self, spans):
        others.extend(dict(name=span.name, scope="ddtrace", llm=True) for span in spans if span.span_type == "llm")

LLMObs.enable(ml_app="shop", agentless_enabled=False)
tracer.configure(trace_processors=[Keep()])

def leave():
    spancast.stop()
    sys.stdout.flush()
    os._exit(0)  # its writers look for an agent that is not there

atexit.register(leave)
"""

HTTPX = """
provider()
from opentelemetry.instrumentation.httpx import HTTPX2ClientInstrumentor, HTTPXClientInstrumentor
HTTPXClientInstrumentor().instrument()
HTTPX2ClientInstrumentor().instrument()
"""

OF_OPENLLMETRY = ("opentelemetry-instrumentation-openai", "openai")
LIBRARIES = (
    Library("otel-genai", ("opentelemetry-instrumentation-genai-openai", "openai"), GENAI),
    Library("openllmetry", OF_OPENLLMETRY, OPENLLMETRY),
    Library("openinference", ("openinference-instrumentation-openai", "openai"), OPENINFERENCE),
    Library("langfuse", ("langfuse", "openai"), LANGFUSE),
    Library("pydantic-ai", ("pydantic-ai-slim[openai]",), "provider()", PYDANTIC_AI),
    Library("logfire", ("logfire", "openai"), LOGFIRE, marked=("stream", "async stream")),
    Library("ddtrace", ("ddtrace", "openai"), DDTRACE, marked=WAYS),
    Library("openllmetry-responses", OF_OPENLLMETRY, OPENLLMETRY, RESPONSES, marked=WAYS, like="openllmetry"),
)
UNTRACED = Library("openllmetry-untraced", OF_OPENLLMETRY, OPENLLMETRY, UNTRACED_RESPONSES, like="openllmetry")
HTTP_ONLY = Library("otel-httpx", ("opentelemetry-instrumentation-httpx", "openai", "openrouter"), HTTPX)
CARRIED = [(each, way) for each in LIBRARIES for way in WAYS if way not in each.marked]
MARKED = [(each, way) for each in LIBRARIES for way in each.marked]


@dataclass(frozen=True)
class Ran:
    """What came of a library's four calls."""

    spans: dict[str, list[dict[str, Any]]]
    booked: dict[str, dict[str, Any]]
    billed: dict[str, Any]
    said: str


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Any:
    done: dict[str, Ran] = {}

    def run(library: Library) -> Ran:
        if library.name not in done:
            done[library.name] = _run(library, tmp_path_factory)
        return done[library.name]

    return run


def _run(library: Library, folders: pytest.TempPathFactory) -> Ran:
    python = python_with(f"beside/{library.known_as}", *library.requires)
    with Simulator(seed=2) as openrouter:
        environment = surroundings(folders.mktemp("home"), openrouter)
        done = subprocess.run(
            [python, "-m", "spancast", "run", "--", python, "-c", BEGIN + library.setup + library.program + END],
            env=environment,
            check=False,
            capture_output=True,
            text=True,
            timeout=180,
        )
        found = [line.removeprefix("SPANS ") for line in done.stdout.splitlines() if line.startswith("SPANS ")]
        assert found, done.stderr
        booked = calls(environment)
        assert len(booked) == len(openrouter.bills) == len(WAYS)
        return Ran(
            json.loads(found[0]),
            dict(zip(WAYS, booked, strict=True)),
            dict(zip(WAYS, openrouter.bills, strict=True)),
            done.stderr,
        )


def llm(spans: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the spans that a platform takes for an LLM call."""

    def is_llm(span: dict[str, Any]) -> bool:
        said = span.get("attributes", {})
        return (
            span.get("llm") is True
            or said.get("gen_ai.operation.name") == "chat"
            or said.get("llm.request.type") in ("chat", "completion")
            or said.get("openinference.span.kind") == "LLM"
            or said.get("langfuse.observation.type") == "generation"
        )

    return [span for span in spans if is_llm(span)]


def case(parameter: Any) -> str:
    return parameter.name if isinstance(parameter, Library) else parameter.replace(" ", "-")


@pytest.mark.parametrize(("library", "way"), CARRIED, ids=case)
def test_one_llm_span_has_their_content_and_our_bill(ran: Any, library: Library, way: str) -> None:
    seen = ran(library)
    (span,), bill = llm(seen.spans[way]), seen.billed[way]

    said = span["attributes"]
    assert span["scope"] != "spancast"
    assert "Hello to you." in json.dumps(said)
    assert said["openrouter.cost_usd"] == format(bill.cost, "f")
    assert said["gen_ai.usage.cost"] == float(bill.cost)
    assert said["openrouter.generation.id"] == bill.generation_id
    assert said["openrouter.provider"] == bill.provider
    assert said["user.id"] == "u_1"
    assert said["spancast.outcome"] == "completed"
    assert "spancast.beside" not in said


@pytest.mark.parametrize(("library", "way"), CARRIED, ids=case)
def test_the_call_has_the_ids_of_that_span(ran: Any, library: Library, way: str) -> None:
    seen = ran(library)
    (span,) = llm(seen.spans[way])

    assert (seen.booked[way]["trace_id"], seen.booked[way]["span_id"]) == (span["trace"], span["id"])


@pytest.mark.parametrize(("library", "way"), CARRIED, ids=case)
def test_nothing_of_ours_is_a_dotted_prefix_of_theirs_or_the_other_way_round(
    ran: Any, library: Library, way: str
) -> None:
    (span,) = llm(ran(library).spans[way])

    found = set(span["attributes"])
    assert [name for name in found if any(other.startswith(name + ".") for other in found)] == []


@pytest.mark.parametrize(("library", "way"), MARKED, ids=case)
def test_where_one_span_cannot_be_ours_says_so_and_alone_has_the_bill(ran: Any, library: Library, way: str) -> None:
    seen = ran(library)
    spans, bill = llm(seen.spans[way]), seen.billed[way]

    (ours,) = (span for span in spans if span["scope"] == "spancast")
    theirs = [span for span in spans if span is not ours]
    assert theirs
    assert not any("openrouter.cost_usd" in span.get("attributes", {}) for span in theirs)
    assert ours["attributes"]["spancast.beside"] == library.known_as
    assert ours["attributes"]["openrouter.cost_usd"] == format(bill.cost, "f")
    assert seen.booked[way]["span_id"] == ours["id"]


@pytest.mark.parametrize("way", WAYS, ids=case)
def test_a_call_that_they_do_not_trace_is_beside_nothing(ran: Any, way: str) -> None:
    (ours,) = ran(UNTRACED).spans[way]

    assert ours["scope"] == "spancast"
    assert "spancast.beside" not in ours["attributes"]


@pytest.mark.parametrize("library", [*LIBRARIES, HTTP_ONLY], ids=case)
def test_the_ledger_books_each_call_once(ran: Any, library: Library) -> None:
    seen = ran(library)

    for way in WAYS:
        call, bill = seen.booked[way], seen.billed[way]
        assert (call["generation_id"], Decimal(call["cost_usd"])) == (bill.generation_id, bill.cost)
        assert (call["user"], call["outcome"]) == ("u_1", "completed")


@pytest.mark.parametrize("way", WAYS, ids=case)
def test_a_span_of_http_hangs_under_the_one_llm_span_which_is_ours(ran: Any, way: str) -> None:
    seen = ran(HTTP_ONLY)
    (ours,) = llm(seen.spans[way])
    (http,) = (span for span in seen.spans[way] if span is not ours)

    assert (ours["scope"], http["parent"]) == ("spancast", ours["id"])
    assert "spancast.beside" not in ours["attributes"]
    assert ours["attributes"]["openrouter.cost_usd"] == format(seen.billed[way].cost, "f")


@pytest.mark.parametrize("library", [*LIBRARIES, HTTP_ONLY], ids=case)
def test_nothing_of_ours_is_logged(ran: Any, library: Library) -> None:
    assert "spancast" not in ran(library).said.lower()
