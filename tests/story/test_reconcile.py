"""Every cent accounted for: real calls of instrumented programs, beside what the simulator billed for them."""

import signal
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx2
import openai
import pytest

from spancast.cli import main
from spancast.testing import Simulator
from tests.support.answers import plain
from tests.support.programs import run_program, surroundings
from tests.support.reconciled import DAY, KEY, OTHER, Desk, billed, dollars, opened
from tests.support.verbatim import verbatim

STATED = ("byok", "byok-free", "discount", "error-mid-stream", "choice-error", "content-filter", "cache-hit")
"""Faults whose answers state what is billed."""
Open = Callable[..., Desk]


@pytest.fixture
def open_desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Open]:
    """Open a desk with options of the simulator's."""
    with ExitStack() as stack:
        yield lambda **options: stack.enter_context(opened(tmp_path, monkeypatch, capsys, **options))


@pytest.fixture
def desk(open_desk: Open) -> Desk:
    return open_desk()


def test_every_kind_of_bill_that_an_answer_states_is_matched_to_the_last_digit(desk: Desk) -> None:
    for number in range(3):
        desk.ask(user=f"u_{number}")
    for fault in STATED:
        with suppress(openai.APIError):
            list(desk.ask(f"simulator/{fault}", stream=True))

    status, found = desk.reconcile()

    assert status == 0
    assert {each["generation_id"]: dollars(each, "cost") for each in found["matched"]} == {
        bill.generation_id: billed([bill]) for bill in desk.openrouter.bills
    }
    assert len(found["matched"]) == found["totals"]["matched"] == 3 + len(STATED)
    assert dollars(found["totals"], "billed") == dollars(found["totals"], "ledger") == billed(desk.openrouter.bills)
    assert (found["totals"]["remainder_usd"], found["totals"]["remainder_byok_usd"]) == ("0", "0")
    assert (found["ours_only"], found["theirs_only"], found["different"]) == ([], [], [])
    assert {each["call_id"] for each in found["matched"]} == {call["call_id"] for call in desk.calls()}


def test_what_failed_is_ours_only_and_costs_nothing(desk: Desk) -> None:
    desk.ask()
    for fault in ("402", "429", "502", "502-in-200"):
        with suppress(openai.APIError):
            desk.ask(f"simulator/{fault}")

    status, found = desk.reconcile()

    assert status == 0
    assert [(each["model"], each["cost_usd"], each["why"]) for each in found["ours_only"]] == [
        (f"simulator/{fault}", None, "failed") for fault in ("402", "429", "502", "502-in-200")
    ]
    assert all(each["explained"] for each in found["ours_only"])


def cut(desk: Desk) -> None:
    """Leave one stream, have another one cut, and hear a sound, which states no cost."""
    stream = desk.ask(stream=True)
    next(stream)
    stream.close()
    desk.wait_for(1)
    with suppress(httpx2.TransportError, openai.APIError):
        list(desk.ask("simulator/cut", stream=True))
    desk.wait_for(2)
    desk.client.audio.speech.create(model="hexgrad/kokoro-82m", voice="alloy", input="Hello there.").read()


def test_what_no_answer_has_stated_differs_until_it_is_filled_in(desk: Desk) -> None:
    cut(desk)

    status, found = desk.reconcile()
    assert status == 1
    assert [(each["cost_usd"], each["why"], each["explained"]) for each in found["different"]] == [
        (None, "unknown", False)
    ] * 3
    assert dollars(found["totals"], "remainder") == billed(desk.openrouter.bills)

    status, found = desk.reconcile("--fill")
    assert (status, found["totals"]["filled"], found["different"]) == (0, 3, [])
    calls = {call["generation_id"]: call for call in desk.calls()}
    for bill in desk.openrouter.bills:
        call = calls[bill.generation_id]
        assert (Decimal(call["cost_usd"]), call["cost_source"]) == (bill.cost, "analytics")
        assert (call["provider"], call["is_byok"]) == (bill.provider, False)
    assert [calls[bill.generation_id]["output_tokens"] for bill in desk.openrouter.bills[:2]] == [
        bill.completion_tokens for bill in desk.openrouter.bills[:2]
    ]

    status, found = desk.reconcile("--fill")
    assert (status, found["totals"]["filled"], len(found["matched"])) == (0, 0, 3)


def test_an_unknown_cost_under_the_accounts_own_key_is_filled_in_with_both_bills(desk: Desk) -> None:
    headers = {"x-simulator-fault": "byok"}
    desk.client.audio.speech.create(
        model="hexgrad/kokoro-82m", voice="alloy", input="Hello.", extra_headers=headers
    ).read()

    status, found = desk.reconcile("--fill")

    (bill,), (call,) = desk.openrouter.bills, desk.calls()
    assert (status, dollars(found["totals"], "ledger")) == (0, (bill.cost, bill.upstream_cost))
    assert (Decimal(call["upstream_cost_usd"]), call["is_byok"]) == (bill.upstream_cost, True)
    assert bill.upstream_cost > 0


def test_calls_that_bypassed_us_are_theirs_by_application_key_and_model(desk: Desk) -> None:
    desk.ask()
    desk.bypass(x_title="Cron job")
    desk.bypass(OTHER)

    status, found = desk.reconcile()

    assert status == 1
    (theirs,), bill = found["theirs_only"], desk.openrouter.bills[1]
    assert (theirs["generation_id"], theirs["key"]) == (bill.generation_id, f"Simulator {str(bill.key_hash)[:8]}")
    assert (theirs["app"], theirs["model"], theirs["user"], theirs["provider"]) == (
        "Cron job",
        "openai/gpt-4o",
        "u_9",
        "OpenAI",
    )
    assert dollars(theirs, "cost") == dollars(found["totals"], "remainder") == billed([bill])

    status, found = desk.reconcile("--all-keys")
    assert (status, len(found["theirs_only"]), len(found["matched"])) == (1, 2, 1)
    assert dollars(found["totals"], "billed") == billed(desk.openrouter.bills)


def test_filling_notes_beside_the_ledger_what_bypassed_us_and_changes_no_call(desk: Desk) -> None:
    desk.ask()
    desk.bypass()
    before = desk.calls()

    status, found = desk.reconcile("--fill")

    bill = desk.openrouter.bills[1]
    assert (status, found["totals"]["filled"]) == (0, 1)
    assert dollars(found["totals"], "adjusted") == billed([bill])
    assert desk.calls() == before
    (row,) = desk.adjustments()
    assert (row["kind"], row["generation_id"], row["call_id"]) == ("theirs_only", bill.generation_id, None)
    assert (Decimal(row["cost_text"]), row["cost"]) == (bill.cost, int(bill.cost * 10**12))
    assert (row["model"], row["user"], row["key"]) == (bill.model, "u_9", f"Simulator {str(bill.key_hash)[:8]}")
    assert row["billed_at"] == bill.created * 10**9

    status, found = desk.reconcile("--fill")
    assert (status, found["totals"]["filled"], found["theirs_only"][0]["explained"]) == (0, 0, True)
    assert len(desk.adjustments()) == 1


def test_costs_come_to_what_was_billed_once_it_is_filled_in(desk: Desk) -> None:
    desk.ask(user="u_1")
    cut(desk)
    desk.bypass()
    desk.bypass()
    assert desk.reconcile("--fill")[0] == 0

    bills = desk.openrouter.bills
    (total, _), bypassed = billed(bills), [bill for bill in bills if bill.model == "openai/gpt-4o"]
    for by in ("user", "model", "provider", "day", "hour", "session", "tag:feature"):
        found = desk.costs("--by", by)
        assert sum(Decimal(row["cost_usd"]) for row in found["rows"]) == Decimal(found["total"]["cost_usd"]) == total
        assert (found["total"]["calls"], found["total"]["adjustments"]) == (len(bills) - 2, 2)
        assert Decimal(found["total"]["adjusted_usd"]) == sum(bill.cost for bill in bypassed)
    rows = {row["user"]: row for row in desk.costs()["rows"]}
    assert (rows["u_9"]["calls"], Decimal(rows["u_9"]["cost_usd"])) == (0, sum(bill.cost for bill in bypassed))
    assert (rows["u_9"]["cost_per_call_usd"], rows["u_1"]["adjusted_usd"]) == (None, None)
    (filtered,) = desk.costs("--model", "openai/gpt-4o", "--by", "provider")["rows"]
    assert (filtered["provider"], filtered["adjustments"]) == ("OpenAI", 2)
    assert desk.costs("--operation", "chat")["total"]["adjustments"] == 0
    assert desk.costs("--until", desk.today())["rows"] == []


def test_lists_of_calls_say_what_was_noted_beside_them(desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    desk.ask(user="u_1")
    desk.bypass()
    assert desk.reconcile("--fill")[0] == 0

    said = "1 adjustment by reconcile, $0.000325, in `spancast costs` but in no call.\n"
    for listed, is_said in (
        (["calls"], True),
        (["ledger", "export", "--to", "-", "--format", "csv"], True),
        (["calls", "--user", "u_1"], False),
    ):
        assert main([*listed, "--home", str(desk.home)]) == 0
        assert (said in "".join(capsys.readouterr())) == is_said


KILLED = """
import os, signal, openai
client = openai.OpenAI(base_url=os.environ["OPENROUTER_BASE_URL"], api_key=os.environ["OPENROUTER_API_KEY"])
stream = client.chat.completions.create(
    model="openai/gpt-4o-mini", messages=[{"role": "user", "content": "Hello there."}], user="u_1", stream=True
)
next(stream)
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.slow
def test_what_a_killed_process_cost_is_found_and_filled_in(desk: Desk) -> None:
    environment = surroundings(desk.home, desk.openrouter, OPENROUTER_API_KEY=KEY)
    assert run_program(KILLED, environment).returncode == -signal.SIGKILL
    desk.wait_for(1)

    status, found = desk.reconcile()
    assert (status, [each["outcome"] for each in found["different"]]) == (1, ["killed"])

    status, found = desk.reconcile("--fill")
    (call,), (bill,) = desk.calls(), desk.openrouter.bills
    assert (status, Decimal(call["cost_usd"]), call["user"]) == (0, bill.cost, "u_1")


def test_answers_that_leave_something_out_are_asked_for_in_smaller_pieces(open_desk: Open) -> None:
    desk = open_desk(analytics_rows=2)
    for pause in (1, 1, 61, 61, 3700, 1):
        desk.ask()
        desk.clock.ahead += pause

    status, found = desk.reconcile()

    assert (status, len(found["matched"])) == (0, 6)
    assert dollars(found["totals"], "billed") == billed(desk.openrouter.bills)
    assert desk.asked("/analytics/query") > 6


def test_where_openrouter_leaves_something_out_whatever_is_asked_that_is_an_error(open_desk: Open) -> None:
    desk = open_desk(analytics_rows=1)
    at = int(time.time()) + 100
    for _ in range(2):
        desk.clock.ahead = at - time.time()
        desk.ask()
    desk.clock.ahead = at + 2 - time.time()

    status, printed, complaints = desk.run()

    assert (status, printed) == (1, "")
    assert "OpenRouter's list of the generations of" in complaints


def test_days_that_agree_need_no_call_by_call(desk: Desk) -> None:
    for model in ("simulator/byok", "simulator/discount", "openai/gpt-4o-mini"):
        desk.ask(model)
    since, until = _days_around(desk)
    desk.clock.ahead = 3 * DAY

    status, found = desk.reconcile("--since", since, "--until", until)

    assert (status, desk.asked("/analytics/query"), found["matched"]) == (0, 0, [])
    assert found["totals"]["matched"] == 3
    assert dollars(found["totals"], "billed") == dollars(found["totals"], "ledger") == billed(desk.openrouter.bills)
    assert [day["examined"] for day in found["days"]] == [False] * 3


def test_days_that_do_not_agree_are_looked_at_call_by_call(desk: Desk) -> None:
    desk.ask()
    desk.bypass()
    since, until = _days_around(desk)
    desk.clock.ahead = 3 * DAY

    status, found = desk.reconcile("--since", since, "--until", until)

    assert (status, len(found["matched"]), len(found["theirs_only"])) == (1, 1, 1)
    assert {day["name"]: day["examined"] for day in found["days"]}[desk.today()]
    assert dollars(found["totals"], "billed") == billed(desk.openrouter.bills)
    assert desk.reconcile("--since", since, "--until", until, "--fill")[0] == 0
    assert desk.reconcile("--since", since, "--until", until)[0] == 0


def test_a_day_with_an_unknown_cost_is_looked_at_even_if_nothing_was_billed_for_it(desk: Desk) -> None:
    desk.ask("openai/gpt-oss-20b:free", extra_headers={"x-simulator-fault": "no-usage"})
    since, until = _days_around(desk)
    desk.clock.ahead = 3 * DAY

    status, found = desk.reconcile("--since", since, "--until", until, "--fill")

    assert (status, found["totals"]["filled"], len(found["matched"])) == (0, 1, 1)
    assert [Decimal(call["cost_usd"]) for call in desk.calls()] == [0]


def _days_around(desk: Desk) -> tuple[str, str]:
    """Return the day before the first call, and the second day after it: three whole days."""
    at = desk.openrouter.bills[0].created if desk.openrouter.bills else time.time()
    return tuple(time.strftime("%Y-%m-%d", time.gmtime(at + days * DAY)) for days in (-1, 2))  # type: ignore[return-value]


def test_what_is_billed_in_a_while_is_not_explained_yet(open_desk: Open) -> None:
    desk = open_desk(ready_after=300.0)
    desk.ask()

    status, found = desk.reconcile()
    assert (status, [each["why"] for each in found["ours_only"]]) == (1, ["too recent"])
    assert "reconcile again in ten minutes" in desk.run()[1]

    desk.clock.ahead = 301
    assert desk.reconcile()[0] == 0


def test_a_call_that_began_before_the_end_and_was_billed_after_it_is_of_the_time_after(desk: Desk) -> None:
    desk.clock.ahead = 20
    desk.ask()
    between = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(desk.openrouter.bills[0].created - 10))
    since, until = _days_around(desk)

    status, before = desk.reconcile("--since", since, "--until", between)
    assert (status, before["ours_only"], before["totals"]["billed_usd"], before["totals"]["ledger_usd"]) == (
        0,
        [],
        "0",
        "0",
    )
    status, after = desk.reconcile("--since", between, "--until", until)
    assert (status, len(after["matched"])) == (0, 1)


def test_what_openrouter_does_not_know_of_is_put_right_once_it_is_old_enough(open_desk: Open) -> None:
    desk = open_desk(ready_after=30.0 * DAY)
    cost = Decimal(str(desk.ask().usage.cost))
    desk.clock.ahead = 3600

    status, found = desk.reconcile()
    assert (status, [each["why"] for each in found["ours_only"]]) == (1, ["not billed"])
    assert dollars(found["totals"], "remainder") == (-cost, 0)

    status, found = desk.reconcile("--fill")
    assert (status, dollars(found["totals"], "adjusted")) == (0, (-cost, 0))
    assert [(row["kind"], Decimal(row["cost_text"])) for row in desk.adjustments()] == [("ours_only", -cost)]

    desk.clock.ahead = 31 * DAY
    status, found = desk.reconcile("--since", "2d", "--until", _days_around(desk)[1])
    assert (status, [each["why"] for each in found["different"]]) == (1, ["amount"])
    status, found = desk.reconcile("--since", "2d", "--until", _days_around(desk)[1], "--fill")
    assert (status, dollars(found["totals"], "adjusted"), len(found["matched"])) == (0, (0, 0), 1)


def test_calls_of_another_account_are_told_apart(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.ask()
    with Simulator(clock=desk.clock) as other:
        monkeypatch.setenv("OPENROUTER_BASE_URL", other.base_url)

        status, _, complaints = desk.run()
        assert (status, "a key of the account" in complaints) == (1, True)

        status, found = desk.reconcile("--all-keys")
        assert (status, [each["why"] for each in found["ours_only"]]) == (0, ["another account"])
        assert dollars(found["totals"], "ledger") == (0, 0)


def test_calls_to_another_server_are_told_apart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    answer = plain('{"prompt_tokens":1,"completion_tokens":1,"cost":0.5}')
    with (
        verbatim() as gateway,
        opened(tmp_path, monkeypatch, capsys, hosts=[gateway.host.replace("127.0.0.1", "localhost")]) as desk,
    ):
        gateway.answers = [f"HTTP/1.1 200 OK\r\ncontent-length: {len(answer)}\r\n\r\n".encode() + answer]
        desk.ask()
        httpx2.post(gateway.url.replace("127.0.0.1", "localhost"), json={"model": "m", "messages": []})

        status, found = desk.reconcile()

    assert (status, len(found["matched"]), [each["why"] for each in found["ours_only"]]) == (0, 1, ["another server"])
    assert dollars(found["totals"], "ledger") == dollars(found["totals"], "billed")


def test_a_batch_is_one_call_of_ours_and_several_bills(desk: Desk) -> None:
    requests = [{"custom_id": name, "body": {"messages": [{"role": "user", "content": name}]}} for name in "abc"]
    body: dict[str, Any] = {
        "endpoint": "/v1/chat/completions",
        "model": "openai/gpt-4o-mini",
        "requests": requests,
    }
    with httpx2.Client(headers={"authorization": f"Bearer {KEY}", "x-simulator-polls": "0"}) as client:
        job = client.post(f"{desk.openrouter.base_url}/batches", json=body).json()["id"]
        early, _ = desk.reconcile()
        client.get(f"{desk.openrouter.base_url}/batches/{job}")

    status, found = desk.reconcile()

    (call,) = desk.calls()
    assert early == 1
    assert status == 0
    assert {each["call_id"] for each in found["matched"]} == {call["call_id"]}
    assert dollars(found["totals"], "ledger") == billed(desk.openrouter.bills)
    assert len(found["matched"]) == len(desk.openrouter.bills) == 3


def test_a_video_is_matched_by_the_generation_that_its_poll_names(desk: Desk) -> None:
    body = {"model": "x-ai/grok-imagine-video", "prompt": "a calm wave", "duration": 2}
    with httpx2.Client(headers={"authorization": f"Bearer {KEY}", "x-simulator-polls": "0"}) as client:
        job = client.post(f"{desk.openrouter.base_url}/videos", json=body).json()["id"]
        client.get(f"{desk.openrouter.base_url}/videos/{job}")

    status, found = desk.reconcile()

    assert (status, len(found["matched"])) == (0, 1)
    assert dollars(found["totals"], "ledger") == billed(desk.openrouter.bills)


def test_a_key_that_is_no_management_key_is_held_to_its_totals(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENROUTER_MANAGEMENT_KEY")
    monkeypatch.setenv("MINE", KEY)
    desk.ask("simulator/byok")
    desk.ask()
    desk.bypass(OTHER)

    status, found = desk.reconcile("--key-env", "MINE")
    assert (status, found["source"], found["totals"]["matched"]) == (0, "key", 2)
    assert [day["name"] for day in found["days"]] == ["today", "this week", "this month"]
    assert all(
        dollars(day, "booked") == dollars(day, "billed") == billed(desk.openrouter.bills[:2]) for day in found["days"]
    )

    desk.bypass()
    status, printed, _ = desk.run("--key-env", "MINE")
    assert status == 1
    assert "A management key, in OPENROUTER_MANAGEMENT_KEY, shows which calls make the difference." in printed
    assert "only its totals so far are compared" in desk.run("--key-env", "MINE", "--fill")[2]
    assert desk.run("--key-env", "MINE", "--since", "1m")[0] == 2


def test_a_key_that_the_ledger_has_no_call_of_explains_nothing(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENROUTER_MANAGEMENT_KEY")
    monkeypatch.setenv("MINE", OTHER)
    desk.ask()

    status, printed, told = desk.run("--key-env", "MINE")
    assert (status, printed) == (1, "")
    assert "No call in the ledger was made with this key" in told


def test_totals_and_calls_of_openrouters_that_do_not_agree_are_no_explanation(open_desk: Open) -> None:
    desk = open_desk(ready_after=5.0 * DAY)
    desk.ask("simulator/no-usage")
    since, until = _days_around(desk)
    desk.clock.ahead = 3 * DAY  # the day's total is told, and the call is not

    status, found = desk.reconcile("--since", since, "--until", until)

    assert (status, [each["explained"] for each in found["ours_only"]]) == (1, [True])
    assert dollars(found["totals"], "remainder") == billed(desk.openrouter.bills)
    assert (
        "totals of whole days and its single calls differ by 0.000091"
        in desk.run("--since", since, "--until", until)[1]
    )
