"""Whatever a program asks OpenRouter with, it gets what it would get, and each call is booked once, to the digit.

`docs/clients.md` says in prose what is checked here. Each program is run once bare and once hooked; the tests look at
what came of that.
"""

import json
import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from spancast.testing.simulator import Bill, Served
from tests.sdks.attributed import BLOCK
from tests.sdks.running import Ran, run
from tests.sdks.table import SDKS, Sdk

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]

RETRYING = [sdk for sdk in SDKS if any(line.endswith(" again") for line in sdk.calls)]
"""Those that send a request again by themselves."""

each_sdk = pytest.mark.parametrize("sdk", SDKS, ids=str)

Running = Callable[[Sdk], Ran]

TEXT = {"input_tokens", "output_tokens", "cached_tokens", "reasoning_tokens", "response_model"}
STATED = {
    "chat": TEXT | {"provider", "finish_reason"},
    "completion": TEXT | {"provider", "finish_reason"},
    "message": TEXT | {"provider", "finish_reason"},
    "responses": TEXT,
    "embeddings": {"input_tokens", "response_model", "provider"},
    "rerank": {"response_model", "provider"},
    "image": {"input_tokens", "output_tokens", "provider"},
    "speech": set(),
    "transcription": set(),
    "video": set(),
}
"""What the answers of a dialect say of themselves, beside the generation and its cost."""
SILENT = {"speech"}
"""What never states its cost."""


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Running:
    done: dict[Sdk, Ran] = {}

    def once(sdk: Sdk) -> Ran:
        if sdk not in done:
            done[sdk] = run(sdk, tmp_path_factory.mktemp(sdk.program))
        return done[sdk]

    return once


@each_sdk
def test_the_program_says_the_same_bare_and_hooked(ran: Running, sdk: Sdk) -> None:
    seen = ran(sdk)

    assert seen.bare.status == 0, seen.bare.err
    assert seen.hooked == seen.bare


@each_sdk
def test_every_exchange_is_one_call(ran: Running, sdk: Sdk) -> None:
    seen = ran(sdk)

    assert [call["request_model"] for call in seen.booked] == [body(each)["model"] for each in seen.served]


@each_sdk
def test_its_calls_are_those_that_it_makes(ran: Running, sdk: Sdk) -> None:
    seen = ran(sdk)

    assert [described(call) for call in seen.booked] == sdk.calls


@pytest.mark.parametrize("sdk", RETRYING, ids=str)
def test_a_second_try_is_linked_to_the_first_of_the_same_request(ran: Running, sdk: Sdk) -> None:
    booked = ran(sdk).booked
    first = {call["call_id"]: call for call in booked}

    again = [call for call in booked if call["attempt_of"] is not None]
    assert again
    for call in again:
        before = first[call["attempt_of"]]
        assert (before["request_model"], before["retry"]) == (call["request_model"], None)
        assert before["started_at"] < call["started_at"]


@each_sdk
def test_each_call_is_booked_as_it_was_billed(ran: Running, sdk: Sdk) -> None:
    seen = ran(sdk)
    billed = [call for call in seen.booked if call["generation_id"] is not None]

    assert [call["generation_id"] for call in billed] == [bill.generation_id for bill in seen.bills]
    for call, bill in zip(billed, seen.bills, strict=True):
        ended = call["outcome"] == "completed"
        stated = {name: call[name] for name in STATED[call["operation"]] if ended}
        assert stated == {name: of(bill)[name] for name in stated}
        assert (call["operation"], call["streamed"]) == (bill.operation, bill.streamed)
        if call["cost_usd"] is None:
            assert call["operation"] in SILENT or not ended
        else:
            assert Decimal(call["cost_usd"]) == bill.cost


@each_sdk
def test_every_dollar_is_in_the_ledger_in_the_end(ran: Running, sdk: Sdk) -> None:
    seen = ran(sdk)
    costs = {call["generation_id"]: Decimal(call["cost_usd"]) for call in seen.settled if call["cost_usd"] is not None}

    assert costs == {bill.generation_id: bill.cost for bill in seen.bills}


@each_sdk
def test_whom_each_call_is_for(ran: Running, sdk: Sdk) -> None:
    seen = ran(sdk)

    assert seen.booked
    for call, served in zip(seen.booked, seen.served, strict=True):
        user, session = named(served)
        assert (call["user"], call["session"]) == (user or BLOCK["user"], session or BLOCK["session"])
        assert call["tags"] == BLOCK["tags"]


def described(call: dict[str, Any]) -> str:
    """Return what was asked for and how it ended, in the words of the files beside the programs."""
    ending = call["error_type"] or call["finish_reason"] or call["outcome"]
    words = (call["operation"], "stream" * call["streamed"], ending, "again" * (call["attempt_of"] is not None))
    return " ".join(filter(None, words))


def of(bill: Bill) -> dict[str, Any]:
    """Return what a bill says, in the ledger's names."""
    return {
        "input_tokens": bill.prompt_tokens,
        "output_tokens": bill.completion_tokens,
        "cached_tokens": bill.cached_tokens,
        "reasoning_tokens": bill.reasoning_tokens,
        "response_model": bill.model,
        "provider": bill.provider,
        "finish_reason": bill.finish_reason,
    }


def body(served: Served) -> dict[str, Any]:
    """Return the fields of a request: JSON, or of a form those that are text."""
    if "json" in served.headers["content-type"]:
        found: dict[str, Any] = json.loads(served.body)
        return found
    field = re.compile(rb'name="(\w+)"\r\n(?:[\w-]+: [^\r]+\r\n)*\r\n([^\r]*)\r\n')
    return {name.decode(): value.decode() for name, value in field.findall(served.body)}


def named(served: Served) -> tuple[str | None, str | None]:
    """Return the user and the session that a request itself names."""
    asked = body(served)
    user = asked.get("user") or asked.get("metadata", {}).get("user_id")
    return user, asked.get("session_id") or served.headers.get("x-session-id")
