"""Words all the way through: what a real SDK asked and was answered, on the span, to the end of the process."""

import asyncio
import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import openai
import pytest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

import spancast
from spancast.semconv import names
from spancast.testing import Simulator
from tests.support.programs import calls, surroundings
from tests.support.shapes import check_messages, check_tools

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
KEY = "sk-or-v1-0123456789abcdef0123456789abcdef"
MODEL = "openai/gpt-4o-mini"
THINKER = "deepseek/deepseek-r1-0528"
HELLO: Any = [{"role": "system", "content": "Be kind."}, {"role": "user", "content": "Hello to you."}]
WEATHER: Any = [{"role": "user", "content": "Use get_weather."}]
TOOL: Any = {
    "type": "function",
    "function": {"name": "get_weather", "parameters": {"type": "object", "properties": {"city": {"type": "string"}}}},
}
WORDS = (names.INPUT_MESSAGES, names.OUTPUT_MESSAGES, names.SYSTEM_INSTRUCTIONS, names.TOOL_DEFINITIONS)


@pytest.fixture
def openrouter() -> Iterator[Simulator]:
    with Simulator(seed=5) as simulator:
        yield simulator


class Traced:
    """An application with a provider of its own, and the spans that have ended in it."""

    def __init__(self, home: Path, openrouter: Simulator) -> None:
        self._exporter = InMemorySpanExporter()
        self._provider = TracerProvider(shutdown_on_exit=False)
        self._provider.add_span_processor(SimpleSpanProcessor(self._exporter))
        self.home, self.openrouter = home, openrouter

    def start(self, **settings: Any) -> None:
        spancast.start(home=self.home, hosts=[self.openrouter.address], tracer_provider=self._provider, **settings)

    @property
    def client(self) -> openai.OpenAI:
        return openai.OpenAI(base_url=self.openrouter.base_url, api_key=KEY, max_retries=0)

    @property
    def spans(self) -> tuple[ReadableSpan, ...]:
        assert spancast.flush(10)
        return self._exporter.get_finished_spans()

    @property
    def words(self) -> dict[str, Any]:
        """The words of the one call there is, once they have been seen to have the conventions' shapes."""
        (span,) = self.spans
        found = {name: json.loads(str((span.attributes or {}).get(name, "[]"))) for name in WORDS}
        check_messages(found[names.INPUT_MESSAGES])
        check_messages(found[names.OUTPUT_MESSAGES])
        check_tools(found[names.TOOL_DEFINITIONS])
        return found

    def said(self, kind: str = "text") -> list[Any]:
        """The content of the parts of one kind that were answered."""
        return [
            part for message in self.words[names.OUTPUT_MESSAGES] for part in message["parts"] if part["type"] == kind
        ]


@pytest.fixture
def traced(tmp_path: Path, openrouter: Simulator) -> Iterator[Traced]:
    yield Traced(tmp_path, openrouter)
    spancast.stop()


def plainly(client: openai.OpenAI, **wanted: Any) -> tuple[str | None, str, list[Any]]:
    """Return the thoughts, the text and the tool calls of an answer."""
    message: Any = client.chat.completions.create(**wanted).choices[0].message
    calls_made = [(call.id, call.function.name, call.function.arguments) for call in message.tool_calls or ()]
    return getattr(message, "reasoning", None), message.content or "", calls_made


def streaming(client: openai.OpenAI, **wanted: Any) -> tuple[str | None, str, list[Any]]:
    """Return the same, joined from the pieces of a stream."""
    return _joined(list(client.chat.completions.create(**wanted, stream=True)))


def asynchronously(client: openai.OpenAI, **wanted: Any) -> tuple[str | None, str, list[Any]]:
    """Return the same of an asynchronous stream."""

    async def chunks() -> list[Any]:
        async with openai.AsyncOpenAI(base_url=client.base_url, api_key=KEY, max_retries=0) as own:
            return [chunk async for chunk in await own.chat.completions.create(**wanted, stream=True)]

    return _joined(asyncio.run(chunks()))


def _joined(chunks: list[Any]) -> tuple[str | None, str, list[Any]]:
    deltas = [chunk.choices[0].delta for chunk in chunks if chunk.choices]
    made: dict[int, list[str]] = {}
    for piece in (call for delta in deltas for call in delta.tool_calls or ()):
        call = made.setdefault(piece.index, ["", "", ""])
        call[:] = [piece.id or call[0], piece.function.name or call[1], call[2] + (piece.function.arguments or "")]
    thoughts = "".join(getattr(delta, "reasoning", None) or "" for delta in deltas)
    return thoughts or None, "".join(delta.content or "" for delta in deltas), [tuple(call) for call in made.values()]


Ask = Callable[..., tuple[str | None, str, list[Any]]]


@pytest.mark.parametrize("ask", [plainly, streaming, asynchronously])
@pytest.mark.parametrize(
    "wanted",
    [
        {"model": MODEL, "messages": HELLO},
        {"model": THINKER, "messages": HELLO},
        {"model": MODEL, "messages": WEATHER, "tools": [TOOL]},
    ],
    ids=["text", "thoughts", "tools"],
)
def test_the_span_says_what_the_sdk_was_answered(ask: Ask, wanted: dict[str, Any], traced: Traced) -> None:
    traced.start(capture_content=True)

    thoughts, text, calls_made = ask(traced.client, **wanted)

    assert "".join(part["content"] for part in traced.said()) == text
    assert "".join(part["content"] for part in traced.said("reasoning")) == (thoughts or "")
    assert traced.said("tool_call") == [
        {"type": "tool_call", "id": identity, "name": name, "arguments": json.loads(arguments)}
        for identity, name, arguments in calls_made
    ]
    assert bool(calls_made) is ("tools" in wanted)
    assert bool(thoughts) is (wanted["model"] == THINKER)
    asked = [(message["role"], message["parts"][0]["content"]) for message in traced.words[names.INPUT_MESSAGES]]
    assert asked == [(message["role"], message["content"]) for message in wanted["messages"]]
    assert [tool["name"] for tool in traced.words[names.TOOL_DEFINITIONS]] == (
        ["get_weather"] if "tools" in wanted else []
    )


@pytest.mark.parametrize("stream", [False, True])
def test_the_words_of_a_response(stream: bool, traced: Traced) -> None:
    traced.start(capture_content=True)
    answer: Any = traced.client.responses.create(
        model=MODEL, input="Hello to you.", instructions="Be kind.", stream=stream
    )
    response = list(answer)[-1].response if stream else answer

    assert [part["content"] for part in traced.said()] == [response.output_text]
    assert traced.words[names.SYSTEM_INSTRUCTIONS] == [{"type": "text", "content": "Be kind."}]
    assert traced.words[names.INPUT_MESSAGES][0]["parts"] == [{"type": "text", "content": "Hello to you."}]


@pytest.mark.parametrize("stream", [False, True])
def test_the_words_of_a_message(stream: bool, traced: Traced) -> None:
    traced.start(capture_content=True)
    sent = {
        "model": "anthropic/claude-haiku-4.5",
        "max_tokens": 100,
        "system": "Be kind.",
        "messages": [{"role": "user", "content": "Hello to you."}],
        "stream": stream,
    }
    url = f"{traced.openrouter.base_url}/messages"
    with httpx.stream("POST", url, json=sent, headers={"x-api-key": KEY}) as response:
        body = response.read().decode()

    text = "".join(part["content"] for part in traced.said())
    assert text
    if stream:
        pieces = [json.loads(line[6:]) for line in body.splitlines() if line.startswith("data: {")]
        assert text == "".join(piece.get("delta", {}).get("text", "") for piece in pieces)
    else:
        assert text == "".join(block.get("text", "") for block in json.loads(body)["content"])
    assert traced.words[names.SYSTEM_INSTRUCTIONS] == [{"type": "text", "content": "Be kind."}]


def test_the_words_of_a_transcription_and_the_model_that_its_form_asks_for(traced: Traced) -> None:
    traced.start(capture_content=True)

    answer = traced.client.audio.transcriptions.create(
        model="openai/whisper-1", file=("a.wav", b"RIFF" + b"\0" * 5_000), temperature=0.5
    )

    (span,) = traced.spans
    attributes = span.attributes or {}
    assert (attributes[names.REQUEST_MODEL], attributes[names.TEMPERATURE]) == ("openai/whisper-1", 0.5)
    assert span.name == "generate_content openai/whisper-1"
    assert [part["content"] for part in traced.said()] == [answer.text]
    assert names.INPUT_MESSAGES not in attributes


def test_what_an_error_quotes_is_kept_as_content(traced: Traced) -> None:
    traced.start(capture_content=True)
    with pytest.raises(openai.APIStatusError):
        traced.client.chat.completions.create(model="simulator/402", messages=HELLO)
    (span,) = traced.spans
    (error,) = json.loads(str((span.attributes or {})[names.ERROR_CONTENT]))
    assert error["code"] == 402
    assert (span.attributes or {})[names.INPUT_MESSAGES]


def everything_in(home: Path) -> bytes:
    return b"".join(path.read_bytes() for path in home.rglob("*") if path.is_file())


def test_without_being_asked_nothing_is_kept(traced: Traced) -> None:
    traced.start()
    traced.client.chat.completions.create(model=MODEL, messages=HELLO, tools=[TOOL])
    (span,) = traced.spans
    assert set(WORDS).isdisjoint(span.attributes or {})
    spancast.stop()
    kept = everything_in(traced.home)
    assert MODEL.encode() in kept
    assert b"Hello to you" not in kept
    assert b"get_weather" not in kept


@pytest.mark.parametrize("stream", [False, True])
def test_no_key_gets_into_a_span_or_a_file(stream: bool, traced: Traced) -> None:
    traced.start(capture_content=True)
    secret = "sk-ant-api03-AbCdEfGh12345678"
    messages: Any = [
        {"role": "user", "content": f"My key is {KEY}, and {secret} is another."},
        {
            "role": "assistant",
            "tool_calls": [
                {
                    "id": "c",
                    "type": "function",
                    "function": {"name": "f", "arguments": json.dumps({"api_key": "hunter2", "note": [KEY]})},
                }
            ],
        },
        {"role": "tool", "tool_call_id": "c", "content": f"Bearer {secret}"},
    ]
    described = {"type": "function", "function": {**TOOL["function"], "description": f"Takes {secret}"}}
    answer = traced.client.chat.completions.create(model=MODEL, messages=messages, tools=[described], stream=stream)
    if stream:
        list(answer)
    (span,) = traced.spans
    spancast.stop()
    seen = span.to_json().encode() + everything_in(traced.home)
    assert b"My key is [removed]" in seen
    assert not [word for word in (KEY, secret, "hunter2") if word.encode() in seen]


def test_a_redactor_has_the_last_word_off_the_callers_thread(traced: Traced) -> None:
    threads: set[int] = set()

    def redact(text: str) -> str:
        threads.add(threading.get_ident())
        return text.replace("Hello", "[greeting]")

    traced.start(capture_content=True, redact=redact)
    traced.client.chat.completions.create(model=MODEL, messages=HELLO)
    assert traced.words[names.INPUT_MESSAGES][1]["parts"][0]["content"] == "[greeting] to you."
    assert threads
    assert threading.get_ident() not in threads
    spancast.stop()
    assert b"Hello to you" not in everything_in(traced.home)


@pytest.mark.parametrize("stream", [False, True])
def test_a_redactor_that_raises_or_sleeps_costs_the_application_nothing(stream: bool, traced: Traced) -> None:
    slept = threading.Event()

    def redact(text: str) -> str:
        if "Hello" in text:
            slept.wait(20)
        raise LookupError(text)

    traced.start(capture_content=True, redact=redact)
    began = time.monotonic()
    answers = [traced.client.chat.completions.create(model=MODEL, messages=HELLO, stream=stream) for _ in range(3)]
    if stream:
        assert all(list(answer) for answer in answers)
    assert time.monotonic() - began < 15  # seconds; the redactor takes twenty for each
    assert spancast.stop(2.0)
    ended = traced._exporter.get_finished_spans()
    assert len(ended) == 3
    assert set(WORDS).isdisjoint({name for span in ended for name in span.attributes or {}})
    assert all(names.COST in (span.attributes or {}) for span in ended)
    slept.set()


HEAD = """
import json, os, sys, threading, time
import openai
import spancast
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, ConsoleSpanExporter, SimpleSpanProcessor

def lines(span):
    return json.dumps(dict(span.attributes or {})) + os.linesep

def set_provider(processor=BatchSpanProcessor):
    provider = TracerProvider()
    provider.add_span_processor(processor(ConsoleSpanExporter(formatter=lines)))
    trace.set_tracer_provider(provider)
    return provider

leaving = threading.Event()
sys.modules["app"] = sys.modules["__main__"]

def late(text):
    "Be done with a text only when the process is on its way out."
    while threading.main_thread().is_alive() and not leaving.wait(0.005):
        pass
    time.sleep(0.05)
    return text

def ask(text="Hello to you."):
    client = openai.OpenAI(base_url=os.environ["OPENROUTER_BASE_URL"], api_key=os.environ["OPENROUTER_API_KEY"])
    client.chat.completions.create(model="openai/gpt-4o-mini", messages=[{"role": "user", "content": text}])
"""


def run(program: str, home: Path, openrouter: Simulator, **environment: str) -> list[dict[str, Any]]:
    """Run a program to its end and return the attributes of the spans that it printed; nothing else may be printed."""
    environment = {**surroundings(home, openrouter), "SPANCAST_CAPTURE_CONTENT": "true", **environment}
    done = subprocess.run(
        [sys.executable, "-c", HEAD + program],
        cwd=ROOT,
        env={name: value for name, value in environment.items() if value},
        check=True,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.stderr == ""
    return [json.loads(line) for line in done.stdout.splitlines()]


def prompts(spans: list[dict[str, Any]]) -> list[str | None]:
    """Return the text that each span says was asked."""
    return [
        json.loads(span[names.INPUT_MESSAGES])[0]["parts"][0]["content"] if names.INPUT_MESSAGES in span else None
        for span in spans
    ]


@pytest.mark.parametrize(
    "program",
    [
        "set_provider(); spancast.start(); ask()",
        "spancast.start(); set_provider(); ask()",
        "spancast.start(); set_provider(SimpleSpanProcessor); ask()",
        "set_provider(); spancast.OpenRouterInstrumentor().instrument(); ask()",
        "spancast.OpenRouterInstrumentor().instrument(); set_provider(); ask()",
        "provider = set_provider(); spancast.start(); ask(); leaving.set(); provider.shutdown()",
        "provider = set_provider(); spancast.start(); ask(); leaving.set(); provider.force_flush(); os._exit(0)",
        "import atexit; set_provider(); spancast.start(); atexit.register(ask)",
        "set_provider(); spancast.start(); ask(); sys.exit(0)",
    ],
)
def test_the_span_ends_with_its_words_though_the_process_ends_right_behind_the_call(
    program: str, tmp_path: Path, openrouter: Simulator
) -> None:
    ledger = "" if "Instrumentor" in program else str(tmp_path)
    (span,) = run(program, tmp_path, openrouter, SPANCAST_HOME=ledger, SPANCAST_REDACT="app:late")

    assert prompts([span]) == ["Hello to you."]
    assert json.loads(span[names.OUTPUT_MESSAGES])[0]["parts"][0]["content"]
    assert span[names.COST] > 0


def test_a_provider_that_comes_after_the_first_call_has_the_words_of_the_next(
    tmp_path: Path, openrouter: Simulator
) -> None:
    found = run("spancast.start(); ask('First.'); set_provider(); ask('Second.')", tmp_path, openrouter)

    assert prompts(found) == ["Second."]


@pytest.mark.parametrize(
    ("redact", "most"),
    [
        ("def redact(text): raise LookupError(text)", 20.0),
        ("def redact(text): time.sleep(60)", 20.0),
        ("def redact(text): sys.exit(text)", 20.0),
    ],
)
@pytest.mark.parametrize("begin", ["spancast.start(redact=redact)", "spancast.OpenRouterInstrumentor().instrument()"])
def test_at_the_end_of_a_process_a_redactor_costs_the_words_and_never_the_span(
    begin: str, redact: str, most: float, tmp_path: Path, openrouter: Simulator
) -> None:
    program = f"{redact}\nset_provider()\n{begin}\nask()\n"
    environment = {"SPANCAST_REDACT": "app:redact", "SPANCAST_HOME": "" if "Instrumentor" in begin else str(tmp_path)}
    quiet = "import logging; logging.getLogger('spancast').disabled = True\n"
    began = time.monotonic()

    (span,) = run(quiet + program, tmp_path, openrouter, **environment)

    assert time.monotonic() - began < most  # seconds; the slow one would take sixty for each text
    assert set(WORDS).isdisjoint(span)
    assert span[names.COST] > 0
    if "Instrumentor" not in begin:
        (call,) = calls(surroundings(tmp_path, openrouter))
        assert call["outcome"] == "completed"


def test_forked_workers_say_their_own_words_once(tmp_path: Path, openrouter: Simulator) -> None:
    program = """
provider = set_provider()
spancast.start()
ask("parent, before")
provider.force_flush()
sys.stdout.flush()
children = []
for number in range(3):
    child = os.fork()
    if child == 0:
        ask(f"child {number}")
        spancast.flush()
        provider.force_flush()
        sys.stdout.flush()
        os._exit(0)
    children.append(child)
ask("parent, after")
for child in children:
    os.waitpid(child, 0)
"""

    found = run(program, tmp_path, openrouter)

    assert sorted(str(prompt) for prompt in prompts(found)) == [
        "child 0",
        "child 1",
        "child 2",
        "parent, after",
        "parent, before",
    ]


def test_words_for_the_event_alone_are_on_no_span(tmp_path: Path, openrouter: Simulator) -> None:
    program = """
from opentelemetry import _logs
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor, ConsoleLogRecordExporter

def told(record):
    log = record.log_record
    return json.dumps({"event": log.event_name, "span": log.span_id, **dict(log.attributes)}) + os.linesep

set_provider()
logs = LoggerProvider()
logs.add_log_record_processor(BatchLogRecordProcessor(ConsoleLogRecordExporter(formatter=told)))
_logs.set_logger_provider(logs)
spancast.start(capture_content="event_only")
ask()
"""

    found = run(program, tmp_path, openrouter)

    (event,) = (each for each in found if "event" in each)
    (span,) = (each for each in found if "event" not in each)
    assert event["event"] == "gen_ai.client.inference.operation.details"
    assert event["span"]
    assert event[names.INPUT_MESSAGES][0]["parts"][0]["content"] == "Hello to you."
    assert set(WORDS).isdisjoint(span)
    assert span[names.COST] == event[names.COST] > 0


def test_metrics_of_the_last_call_are_there_when_the_process_ends(tmp_path: Path, openrouter: Simulator) -> None:
    program = """
from opentelemetry import metrics
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import ConsoleMetricExporter, PeriodicExportingMetricReader

def told(data):
    found = [metric for each in data.resource_metrics for scope in each.scope_metrics for metric in scope.metrics]
    points = [point for metric in found if metric.name == "openrouter.client.cost" for point in metric.data.data_points]
    costs = [point.value for point in points]
    return json.dumps({"costs": costs}) + os.linesep

metrics.set_meter_provider(MeterProvider([PeriodicExportingMetricReader(ConsoleMetricExporter(formatter=told))]))
spancast.start()
ask()
"""

    (read,) = run(program, tmp_path, openrouter, SPANCAST_CAPTURE_CONTENT="false")

    assert read["costs"] == [pytest.approx(float(openrouter.bills[0].cost))]
