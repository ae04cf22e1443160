"""SDK lines that cannot share an environment with those of the suite, each in one of its own."""

import subprocess
from decimal import Decimal
from pathlib import Path

import pytest

from spancast.testing import Simulator
from tests.support.environments import python_with
from tests.support.programs import calls, surroundings

PROGRAM = """
import asyncio, os, openai
key = dict(base_url=os.environ["OPENROUTER_BASE_URL"], api_key=os.environ["OPENROUTER_API_KEY"])
wanted = dict(model="openai/gpt-4o-mini", messages=[{"role": "user", "content": "Hello."}], user="u_1")
client = openai.OpenAI(**key)
client.chat.completions.create(**wanted)
list(client.chat.completions.create(**wanted, stream=True))

async def main():
    async with openai.AsyncOpenAI(**key) as client:
        await client.chat.completions.create(**wanted)
        async for chunk in await client.chat.completions.create(**wanted, stream=True):
            pass

asyncio.run(main())
print(openai.VERSION)
"""


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_openai_2_on_httpx(tmp_path: Path) -> None:
    python = python_with("sdks/openai-2", "openai<3")
    with Simulator(seed=2) as openrouter:
        environment = surroundings(tmp_path / "home", openrouter)

        done = subprocess.run(
            [python, "-m", "spancast", "run", "--", python, "-c", PROGRAM],
            env=environment,
            check=True,
            capture_output=True,
            text=True,
        )

        assert done.stdout.startswith("2.")
        booked = [(call["generation_id"], Decimal(call["cost_usd"]), call["outcome"]) for call in calls(environment)]
        assert booked == [(bill.generation_id, bill.cost, "completed") for bill in openrouter.bills]
        assert len(booked) == 4
        assert done.stderr == ""
