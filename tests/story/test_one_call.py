"""One call all the way through: a program that knows nothing of us calls OpenRouter, and its owner reads the bill."""

import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from spancast.testing import Simulator
from tests.support.programs import calls, costs, run_program, spancast, surroundings

ROOT = Path(__file__).parents[2]
EXAMPLES = sorted((ROOT / "examples").glob("0*.py"))

ASK = """
import os, openai
client = openai.OpenAI(base_url=os.environ["OPENROUTER_BASE_URL"], api_key=os.environ["OPENROUTER_API_KEY"])
def ask(**more):
    return client.chat.completions.create(
        **{"model": "openai/gpt-4o-mini", "messages": [{"role": "user", "content": "Hello there."}], **more}
    )
"""


@pytest.fixture
def openrouter() -> Iterator[Simulator]:
    with Simulator(seed=3) as simulator:
        yield simulator


def test_every_field_of_a_call_is_what_openrouter_said(tmp_path: Path, openrouter: Simulator) -> None:
    environment = surroundings(tmp_path, openrouter)

    done = run_program(ASK + "print(ask(user='u_1').model_dump_json())", environment)

    assert done.stderr == ""
    (call,), (bill,) = calls(environment), openrouter.bills
    assert call["generation_id"] == bill.generation_id
    assert (call["operation"], call["outcome"], call["http_status"]) == ("chat", "completed", 200)
    assert (call["request_model"], call["response_model"], call["provider"]) == (
        "openai/gpt-4o-mini",
        bill.model,
        bill.provider,
    )
    assert (call["input_tokens"], call["output_tokens"]) == (bill.prompt_tokens, bill.completion_tokens)
    assert Decimal(call["cost_usd"]) == bill.cost
    assert (call["user"], call["session"], call["error_type"], call["streamed"]) == ("u_1", None, None, False)
    assert len(call["trace_id"]) == 32
    assert len(call["span_id"]) == 16
    assert call["duration_s"] > 0


def test_the_costs_of_each_user_are_those_that_were_billed(tmp_path: Path, openrouter: Simulator) -> None:
    environment = surroundings(tmp_path, openrouter)
    program = (
        ASK + "for n in range(6): ask(user=f'u_{n % 3}', messages=[{'role': 'user', 'content': 'word ' * n + '?'}])"
    )

    run_program(program, environment)

    billed: Counter[str] = Counter()
    for bill in openrouter.bills:
        billed[bill.user] += bill.cost
    report = costs(environment, "--by", "user")
    assert {row["user"]: Decimal(row["cost_usd"]) for row in report["rows"]} == dict(billed)
    assert Decimal(report["total"]["cost_usd"]) == sum(billed.values())


@pytest.mark.parametrize("program", EXAMPLES, ids=lambda path: path.stem)
def test_every_example_runs_and_is_booked(program: Path, tmp_path: Path, openrouter: Simulator) -> None:
    environment = surroundings(tmp_path, openrouter)

    done = spancast("run", "--", sys.executable, str(program), environment=environment)

    assert done.stderr == ""
    billed = [bill.generation_id for bill in openrouter.bills]
    booked = [call["generation_id"] for call in calls(environment)]
    assert [each for each in booked if each] == billed
    assert booked


def test_a_call_is_booked_though_its_process_is_killed_right_behind_it(tmp_path: Path, openrouter: Simulator) -> None:
    environment = surroundings(tmp_path, openrouter)

    done = run_program(ASK + "import signal; ask(user='u_1'); os.kill(os.getpid(), signal.SIGKILL)", environment)

    assert done.returncode == -9
    (call,) = calls(environment)
    assert Decimal(call["cost_usd"]) == openrouter.bills[0].cost


def test_a_stream_that_is_under_way_when_its_process_is_killed_is_booked_as_killed(
    tmp_path: Path, openrouter: Simulator
) -> None:
    environment = surroundings(tmp_path, openrouter)
    program = ASK + "import signal; stream = ask(stream=True); next(stream); os.kill(os.getpid(), signal.SIGKILL)"

    run_program(program, environment)

    (call,) = calls(environment)
    assert (call["outcome"], call["cost_usd"], call["error_type"]) == ("killed", None, None)
    assert call["generation_id"]


def test_a_stream_that_is_read_to_its_end_is_completed(tmp_path: Path, openrouter: Simulator) -> None:
    environment = surroundings(tmp_path, openrouter)

    run_program(ASK + "print(sum(1 for _ in ask(stream=True)))", environment)

    (call,) = calls(environment)
    assert (call["outcome"], call["streamed"]) == ("completed", True)
    assert Decimal(call["cost_usd"]) == openrouter.bills[0].cost
    assert 0 < call["time_to_first_token_s"] <= call["duration_s"]


@pytest.mark.parametrize(
    ("fault", "status", "error_type"),
    [
        ("402", 402, "payment_required"),
        ("429", 429, "rate_limit_exceeded"),
        ("502-in-200", 200, "502"),
    ],
)
def test_a_refusal_is_booked_with_its_type(
    fault: str, status: int, error_type: str, tmp_path: Path, openrouter: Simulator
) -> None:
    environment = surroundings(tmp_path, openrouter)
    program = (
        ASK
        + f"""
client = client.with_options(max_retries=0)
try:
    print(ask(model="simulator/{fault}"))
except openai.APIError as error:
    print(type(error))
"""
    )

    run_program(program, environment)

    (call,) = calls(environment)
    assert (call["outcome"], call["http_status"], call["error_type"]) == ("error", status, error_type)
    assert call["cost_usd"] is None


def test_each_attempt_of_an_sdk_is_a_call_of_its_own(tmp_path: Path, openrouter: Simulator) -> None:
    environment = surroundings(tmp_path, openrouter)
    program = (
        ASK
        + """
try:
    client = client.with_options(max_retries=1)
    ask(model="simulator/500")
except openai.InternalServerError:
    pass
"""
    )

    run_program(program, environment)

    assert [call["http_status"] for call in calls(environment)] == [500, 500]


def test_calls_to_other_hosts_are_none_of_ours(tmp_path: Path, openrouter: Simulator) -> None:
    environment = {**surroundings(tmp_path, openrouter), "SPANCAST_HOSTS": "gateway.example"}

    run_program(ASK + "ask()", environment)

    assert calls(environment) == []


def test_forked_workers_lose_nothing(tmp_path: Path, openrouter: Simulator) -> None:
    environment = surroundings(tmp_path, openrouter)
    program = (
        ASK
        + """
ask(user="parent")
children = []
for number in range(3):
    child = os.fork()
    if child == 0:
        client = client.copy(http_client=openai.DefaultHttpxClient())  # a connection is no thing to share
        ask(user=f"child_{number}")
        os._exit(0)
    children.append(child)
for child in children:
    os.waitpid(child, 0)
"""
    )

    run_program(program, environment)

    assert sorted(call["user"] for call in calls(environment)) == ["child_0", "child_1", "child_2", "parent"]


def test_opentelemetry_instrument_finds_us(tmp_path: Path, openrouter: Simulator) -> None:
    environment = surroundings(tmp_path, openrouter, OTEL_TRACES_EXPORTER="console", OTEL_METRICS_EXPORTER="none")
    environment |= {"OTEL_LOGS_EXPORTER": "none"}
    del environment["SPANCAST_HOME"]
    program = tmp_path / "app.py"
    program.write_text(ASK + "ask(user='u_1')")
    instrument = Path(sys.executable).with_name("opentelemetry-instrument")

    done = subprocess.run(
        [instrument, sys.executable, program], env=environment, check=True, capture_output=True, text=True
    )

    assert '"gen_ai.usage.cost": ' in done.stdout
    assert '"user.id": "u_1"' in done.stdout
    assert list(tmp_path.iterdir()) == [program]


def test_opentelemetry_instrument_keeps_a_ledger_where_a_home_is_set(tmp_path: Path, openrouter: Simulator) -> None:
    environment = surroundings(tmp_path, openrouter, OTEL_TRACES_EXPORTER="none", OTEL_METRICS_EXPORTER="none")
    environment |= {"OTEL_LOGS_EXPORTER": "none"}
    instrument = Path(sys.executable).with_name("opentelemetry-instrument")

    subprocess.run([instrument, sys.executable, "-c", ASK + "ask(user='u_1')"], env=environment, check=True)

    assert [call["user"] for call in calls(environment)] == ["u_1"]


def test_a_process_ends_in_a_second_though_every_destination_is_dead(tmp_path: Path, openrouter: Simulator) -> None:
    environment = surroundings(
        tmp_path,
        openrouter,
        SPANCAST_DESTINATIONS="otlp",
        OTEL_EXPORTER_OTLP_ENDPOINT="http://127.0.0.1:9",
    )
    program = ASK + "import time; ask(); print(time.time())"

    done = run_program(program, environment)
    took = time.time() - float(done.stdout)

    assert took < 3  # seconds; the budget is one, and this machine may be busy
    (call,) = calls(environment)
    assert Decimal(call["cost_usd"]) == openrouter.bills[0].cost


def test_a_wrong_setting_is_told_before_the_program_runs(tmp_path: Path, openrouter: Simulator) -> None:
    environment = surroundings(tmp_path, openrouter, SPANCAST_DURABILITY="forever")

    done = run_program("print('ran')", environment)

    assert done.returncode == 2
    assert done.stdout == ""
    assert "SPANCAST_DURABILITY cannot be 'forever'. Give one of process, power, memory." in done.stderr


def test_a_program_runs_though_its_home_cannot_be_written(tmp_path: Path, openrouter: Simulator) -> None:
    (tmp_path / "file").write_text("in the way")
    environment = surroundings(tmp_path / "file" / "home", openrouter)

    done = run_program(ASK + "print(ask().choices[0].finish_reason)", environment)

    assert done.stdout == "stop\n"
    assert done.returncode == 0
