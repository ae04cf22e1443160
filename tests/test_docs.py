"""The documentation is run, and compared with the code."""

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import get_args

import pytest

from spancast.bookkeeping.reconciling.comparison import Different
from spancast.bookkeeping.reconciling.why import Why
from spancast.cli import VERBS
from spancast.semconv import names
from spancast.settings.table import SETTINGS
from spancast.testing import Simulator
from tests.support.programs import calls, run_program, spancast, surroundings
from tests.support.waiting import eventually
from tests.testing.wire import chat

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()


def blocks(text: str, language: str) -> list[str]:
    """Return the fenced blocks of one language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)


def rows(page: str) -> dict[str, list[str]]:
    """Return the table rows of a page whose first cell is code, by that code."""
    found = {}
    for line in (ROOT / "docs" / page).read_text().splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if line.startswith("| `"):
            found[cells[0].strip("`")] = cells
    return found


def test_the_program_of_the_readme_prints_what_the_readme_says(tmp_path: Path) -> None:
    (program,), shown = blocks(README, "python"), blocks(README, "console")[0]
    with Simulator(seed=1) as openrouter:
        environment = {
            **os.environ,
            "SPANCAST_HOME": str(tmp_path),
            "SPANCAST_HOSTS": openrouter.address,
            "OPENAI_BASE_URL": openrouter.base_url,
            "OPENAI_API_KEY": "sk-or-v1-simulator",
            "COLUMNS": "120",
        }
        printed = output([sys.executable, "-c", program], environment)
        for command in re.findall(r"^\$ spancast (.*)$", shown, re.MULTILINE):
            printed += f"$ spancast {command}\n" + output(
                [sys.executable, "-m", "spancast", *command.split()], environment
            )

    assert [line.rstrip() for line in printed.splitlines()] == [line.rstrip() for line in shown.splitlines()]


def output(command: list[str], environment: dict[str, str]) -> str:
    return subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_is_in_the_readme(verb: str) -> None:
    assert f"`spancast {verb}" in README


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_explains_itself(verb: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "spancast", verb, "--help"], check=True, capture_output=True, text=True
    )

    assert done.stdout.startswith(f"usage: spancast {verb}")


def test_every_setting_is_in_the_table_of_settings() -> None:
    written = {key: cells[1].strip("`") for key, cells in rows("settings.md").items() if "SPANCAST_" in cells[1]}

    assert written == {setting.name: setting.variable for setting in SETTINGS}


def test_every_setting_means_what_the_table_says() -> None:
    written = rows("settings.md")

    assert {setting.name: written[setting.name][3] for setting in SETTINGS} == {
        setting.name: setting.meaning for setting in SETTINGS
    }


ATTRIBUTES = {value for name, value in vars(names).items() if name.isupper() and isinstance(value, str)}


def test_every_attribute_is_in_the_table_of_attributes() -> None:
    written = {re.sub("<.*>", "", key) for key in rows("attributes.md") if "." in key}

    assert written == ATTRIBUTES


def test_every_attribute_that_is_no_conventions_says_why_it_is_there() -> None:
    reasons = {re.sub("<.*>", "", key): cells[3] for key, cells in rows("attributes.md").items() if len(cells) > 3}
    own = {name for name in ATTRIBUTES if name.startswith(("openrouter.", "spancast.")) or name == names.COST}

    assert set(names.REASONS) == own
    assert {name: reasons[name] for name in own} == names.REASONS


def test_every_link_of_the_readme_leads_to_a_file() -> None:
    links = re.findall(r"\]\((?!https?:)([^)#]+)", README)

    assert [link for link in links if not (ROOT / link).is_file()] == []


ATTRIBUTION = (ROOT / "docs" / "attribution.md").read_text()


@pytest.mark.parametrize("number", range(len(blocks(ATTRIBUTION, "python"))))
def test_the_programs_of_the_page_of_attribution_run(number: int, tmp_path: Path) -> None:
    with Simulator(seed=1) as openrouter:
        environment = surroundings(tmp_path, openrouter)
        done = run_program(blocks(ATTRIBUTION, "python")[number], environment)

    assert (done.returncode, done.stderr) == (0, "")


def test_the_page_of_attribution_says_whom_its_calls_are_for(tmp_path: Path) -> None:
    with Simulator(seed=1) as openrouter:
        environment = surroundings(tmp_path, openrouter)
        run_program(blocks(ATTRIBUTION, "python")[0], environment)

    assert [(call["user"], call["session"], call["tags"]) for call in calls(environment)] == [
        ("u_42", "s_7", {"feature": "search"}),
        (None, None, {}),
    ]


@pytest.mark.parametrize("block", blocks(ATTRIBUTION, "py"), ids=lambda block: block.split(maxsplit=1)[0])
def test_what_frameworks_are_told_is_python(block: str) -> None:
    compile(block, "attribution.md", "exec")


RECONCILE = (ROOT / "docs" / "reconcile.md").read_text()


def test_the_page_of_reconciling_shows_what_is_printed(tmp_path: Path) -> None:
    (program,), shown = blocks(RECONCILE, "python"), "".join(blocks(RECONCILE, "console"))
    with Simulator() as openrouter:
        clients = {"OPENAI_BASE_URL": openrouter.base_url, "OPENAI_API_KEY": "sk-or-v1-simulator", "COLUMNS": "100"}
        environment = surroundings(tmp_path, openrouter, OPENROUTER_MANAGEMENT_KEY="sk-or-v1-management", **clients)
        assert run_program(program, environment).stderr == ""
        eventually(lambda: len(openrouter.bills) == 2, 10)  # who goes away is billed when the server has noticed
        chat(openrouter, {"X-Title": "Nightly job"}, model="openai/gpt-4o")
        printed = ""
        for command in re.findall(r"^\$ spancast (.*)$", shown, re.MULTILINE):
            done = spancast(*command.split(), environment=environment, check=False)
            printed += f"$ spancast {command}\n{done.stdout}"

    assert masked(printed) == masked(shown)


def masked(text: str) -> list[str]:
    """Return the lines without what is different each time: times, and the ids of generations."""
    return [re.sub(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d|gen-\S+", "...", line.rstrip()) for line in text.splitlines()]


@pytest.mark.parametrize("why", [*get_args(Why), *get_args(Different.__annotations__["reason"])])
def test_every_reason_is_on_the_page_of_reconciling(why: str) -> None:
    assert f"`{why}`" in RECONCILE
