"""An instrumented program, its ledger, and the account that it calls, whose bills the ledger is held against."""

import json
import sqlite3
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import openai
import pytest

import spancast
from spancast.cli import main
from spancast.testing import Simulator
from spancast.testing.simulator import Bill
from tests.support.waiting import eventually
from tests.testing.wire import chat

KEY, OTHER, MANAGEMENT = "sk-or-v1-canary-own", "sk-or-v1-canary-other", "sk-or-v1-canary-management"
DAY = 24 * 60 * 60
HELLO = [{"role": "user", "content": "Hello there."}]


class Clock:
    """OpenRouter's time, which can be put forward."""

    def __init__(self) -> None:
        self.ahead = 0.0

    def __call__(self) -> float:
        return time.time() + self.ahead


@dataclass
class Desk:
    """Calls models, and reconciles."""

    home: Path
    openrouter: Simulator
    clock: Clock
    capsys: pytest.CaptureFixture[str]
    client: openai.OpenAI

    def ask(self, model: str = "openai/gpt-4o-mini", **more: Any) -> Any:
        """Call a model as an application does."""
        return self.client.chat.completions.create(model=model, messages=HELLO, **more)  # type: ignore[call-overload]

    def bypass(self, key: str = KEY, **headers: str) -> None:
        """Call a model from where nothing is instrumented."""
        stated = {name.replace("_", "-"): value for name, value in headers.items()}
        chat(self.openrouter, {"Authorization": f"Bearer {key}", **stated}, model="openai/gpt-4o", user="u_9")

    def run(self, *arguments: str) -> tuple[int, str, str]:
        """Run the command; return its exit status, what it printed and what it complained of."""
        spancast.flush(10.0)
        status = main(["reconcile", "--home", str(self.home), *arguments])
        printed = self.capsys.readouterr()
        assert "canary" not in printed.out + printed.err
        return status, printed.out, printed.err

    def reconcile(self, *arguments: str) -> tuple[int, Any]:
        """Return the exit status, and the result."""
        status, printed, complaints = self.run(*arguments, "--json")
        assert complaints == ""
        return status, json.loads(printed)

    def calls(self) -> list[dict[str, Any]]:
        """Return the ledger's calls."""
        main(["calls", "--home", str(self.home), "--json"])
        return [json.loads(line) for line in self.capsys.readouterr().out.splitlines()]

    def costs(self, *arguments: str) -> Any:
        """Return what the calls cost."""
        assert main(["costs", "--home", str(self.home), "--json", *arguments]) == 0
        return json.loads(self.capsys.readouterr().out)

    def adjustments(self) -> list[sqlite3.Row]:
        """Return the audit trail."""
        with closing(sqlite3.connect(self.home / "ledger.db")) as connection:
            connection.row_factory = sqlite3.Row
            return connection.execute("SELECT * FROM adjustments ORDER BY seq").fetchall()

    def asked(self, path: str) -> int:
        """Return how often a path was asked for."""
        return sum(served.path == f"/api/v1{path}" for served in self.openrouter.requests)

    def today(self) -> str:
        """Return the day of the first bill."""
        return time.strftime("%Y-%m-%d", time.gmtime(self.openrouter.bills[0].created))

    def wait_for(self, bills: int) -> None:
        """Wait until so much was billed; who goes away is billed when the server has noticed."""
        eventually(lambda: len(self.openrouter.bills) >= bills, 10)


@contextmanager
def opened(
    home: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    hosts: Sequence[str] = (),
    **options: Any,
) -> Iterator[Desk]:
    """Open a desk whose program looks at further `hosts`, and whose simulator has these options."""
    clock = Clock()
    with Simulator(clock=clock, management_key=MANAGEMENT, **options) as openrouter:
        monkeypatch.setenv("OPENROUTER_BASE_URL", openrouter.base_url)
        monkeypatch.setenv("OPENROUTER_MANAGEMENT_KEY", MANAGEMENT)
        spancast.start(home=home, hosts=[openrouter.address, *hosts])
        try:
            with openai.OpenAI(base_url=openrouter.base_url, api_key=KEY, max_retries=0) as client:
                yield Desk(home, openrouter, clock, capsys, client)
        finally:
            spancast.stop()


def dollars(found: Mapping[str, Any], name: str) -> tuple[Decimal, Decimal]:
    """Return what is printed of the credits, and of the account's own keys."""
    return Decimal(found[f"{name}_usd"]), Decimal(found[f"{name}_byok_usd"])


def billed(bills: Iterable[Bill]) -> tuple[Decimal, Decimal]:
    """Return what the credits and the account's own keys paid."""
    bills = tuple(bills)
    own = (bill.upstream_cost for bill in bills if bill.is_byok)
    return sum((bill.cost for bill in bills), Decimal()), sum(own, Decimal())
