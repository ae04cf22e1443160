"""`spancast run`, and a program that has something to say itself."""

import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from spancast.testing import Simulator
from tests.support.programs import calls, run_program, spancast, surroundings

ASK = """
import os, openai
client = openai.OpenAI(base_url=os.environ["OPENROUTER_BASE_URL"], api_key=os.environ["OPENROUTER_API_KEY"])
client.chat.completions.create(model="openai/gpt-4o-mini", messages=[{"role": "user", "content": "Hello."}], **MORE)
"""
KEY = "sk-or-v1-0123456789abcdef"
PRINTS_WHETHER_IT_SEES_NOTHING = "import sys; print(int(sys.flags.ignore_environment or sys.flags.no_site))"


@pytest.fixture
def openrouter() -> Iterator[Simulator]:
    with Simulator(seed=5) as simulator:
        yield simulator


def test_what_the_program_says_wins_over_what_run_started(tmp_path: Path, openrouter: Simulator) -> None:
    environment = surroundings(tmp_path / "of run", openrouter)
    own = tmp_path / "of the program"

    done = run_program(f"import spancast; spancast.start(home={str(own)!r}); MORE = {{}}" + ASK, environment)

    assert done.stderr == ""
    assert calls(environment) == []
    assert len(calls({**environment, "SPANCAST_HOME": str(own)})) == 1


def test_a_key_is_nowhere_in_the_home_wherever_the_program_writes_it(tmp_path: Path, openrouter: Simulator) -> None:
    environment = surroundings(tmp_path / "home", openrouter, OPENROUTER_API_KEY=KEY)
    written = {"user": f"of {KEY}", "extra_headers": {"HTTP-Referer": f"https://u:{KEY}@app.example/x?k={KEY}"}}

    run_program(f"MORE = {written!r}" + ASK, environment)

    (call,) = calls(environment)
    assert (call["user"], call["app_url"]) == ("of [removed]", "https://app.example/x")
    files = [file for file in (tmp_path / "home").rglob("*") if file.is_file()]
    assert [file for file in files if KEY.encode() in file.read_bytes()] == []


def test_every_folder_that_is_made_is_closed_to_others(tmp_path: Path, openrouter: Simulator) -> None:
    home = tmp_path / "a" / "b"
    program = "import os; os.umask(0); import spancast; spancast.start(); MORE = {}" + ASK

    subprocess.run([sys.executable, "-c", program], env=surroundings(home, openrouter), check=True)

    made = [home.parent, home, *(folder for folder in home.rglob("*") if folder.is_dir())]
    assert {stat.S_IMODE(folder.stat().st_mode) for folder in made} == {0o700}
    assert {stat.S_IMODE(file.stat().st_mode) for file in home.rglob("*") if file.is_file()} == {0o600}


def test_a_destination_that_cannot_be_stops_run_before_the_program(tmp_path: Path, openrouter: Simulator) -> None:
    environment = surroundings(tmp_path, openrouter, SPANCAST_DESTINATIONS="nope")

    done = spancast("run", "--", sys.executable, "-c", "print(1)", environment=environment, check=False)

    assert (done.returncode, done.stdout) == (2, "")
    assert "nope" in done.stderr


@pytest.mark.parametrize("flag", ["-I", "-E", "-S", "-IS"])
def test_a_python_that_ignores_its_environment_is_told_of(flag: str, tmp_path: Path, openrouter: Simulator) -> None:
    environment = surroundings(tmp_path, openrouter)

    done = spancast("run", "--", sys.executable, flag, "-c", "print(1)", environment=environment)

    assert done.stdout == "1\n"
    assert f"with {flag[:2]}, " in done.stderr
    assert "no call is recorded" in done.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="a first line names no interpreter here")
@pytest.mark.parametrize(
    "first",
    [
        "{python}",
        "{python} -I",
        "{python} -sE",
        "{python} -B -I",
        "/usr/bin/env {python}",
        "/usr/bin/env -S {python} -I -s",
        "/usr/bin/env -S X=1 {python} -S",
    ],
)
def test_so_is_one_that_the_first_line_of_a_script_names(first: str, tmp_path: Path, openrouter: Simulator) -> None:
    script = tmp_path / "script"
    script.write_text(f"#!{first.format(python=sys.executable)}\n{PRINTS_WHETHER_IT_SEES_NOTHING}\n")
    script.chmod(0o755)

    done = spancast("run", "--", str(script), environment=surroundings(tmp_path, openrouter), check=False)

    if "-B -I" in first:  # one argument, as Linux passes it on
        assert "no call is recorded" in done.stderr
    else:
        assert done.stdout == f"{int('no call is recorded' in done.stderr)}\n"


@pytest.mark.parametrize(("executable", "cure"), [("app.py", "python app.py"), ("app", "chmod +x app")])
def test_a_file_that_is_no_command_is_told_how_to_be_run(
    executable: str, cure: str, tmp_path: Path, openrouter: Simulator
) -> None:
    (tmp_path / executable).write_text("print(1)")
    environment = surroundings(tmp_path / "home", openrouter)

    done = spancast("run", executable, environment=environment, folder=tmp_path, check=False)

    assert (done.returncode, done.stdout) == (127, "")
    assert done.stderr.endswith(f"{cure}\n")


@pytest.mark.skipif(sys.platform == "win32", reason="there is no env here")
@pytest.mark.parametrize("flags", ["", "-I", "-S"])
def test_so_is_one_that_is_started_by_env(flags: str, tmp_path: Path, openrouter: Simulator) -> None:
    command = ["env", "X=1", "Y=", sys.executable, *flags.split(), "-c", PRINTS_WHETHER_IT_SEES_NOTHING]

    done = spancast("run", "--", *command, environment=surroundings(tmp_path, openrouter))

    assert done.stdout == f"{int('no call is recorded' in done.stderr)}\n"


@pytest.mark.parametrize(
    "flags",
    [
        "-Wignore::ImportWarning",
        "-W ignore -I",
        "-W ignore",
        "-bWIE",
        "-X dev -E",
        "-Xdev -E",
        "-XI",
        "-uX I",
        "-uBE",
        "-sS",
        "-S -I",
        "--check-hash-based-pycs always -I",
        "--check-hash-based-pycs always",
    ],
)
def test_the_flags_are_read_as_python_reads_them(flags: str, tmp_path: Path, openrouter: Simulator) -> None:
    environment = surroundings(tmp_path, openrouter)
    command = [sys.executable, *flags.split(), "-c", PRINTS_WHETHER_IT_SEES_NOTHING, "-I", "-E"]

    done = spancast("run", "--", *command, environment=environment)

    assert done.stdout == f"{int('no call is recorded' in done.stderr)}\n"


@pytest.mark.parametrize(
    ("words", "program"), [("-mthis -I", ""), ("-m this -I", ""), ("- -I", "print(1)"), ("-- {file} -I", "")]
)
def test_what_comes_behind_the_program_is_the_programs(
    words: str, program: str, tmp_path: Path, openrouter: Simulator
) -> None:
    file = tmp_path / "app.py"
    file.write_text("print(1)")
    command = [sys.executable, *(word.format(file=file) for word in words.split())]

    done = subprocess.run(
        [sys.executable, "-m", "spancast", "run", *command],
        env=surroundings(tmp_path, openrouter),
        input=program,
        capture_output=True,
        text=True,
        check=True,
    )

    assert done.stdout != ""
    assert "no call is recorded" not in done.stderr


def test_an_empty_entry_of_the_python_path_stays_the_working_directory(tmp_path: Path, openrouter: Simulator) -> None:
    (tmp_path / "beside_the_folder.py").write_text("NAME = 'found'\n")
    (tmp_path / "app").mkdir()
    (tmp_path / "app" / "main.py").write_text("import beside_the_folder; print(beside_the_folder.NAME)\n")
    environment = {**surroundings(tmp_path / "home", openrouter), "PYTHONPATH": f"{os.pathsep}lib"}

    done = spancast("run", "--", sys.executable, "app/main.py", environment=environment, folder=tmp_path)

    assert (done.stdout, done.stderr) == ("found\n", "")


def test_a_home_is_where_run_was_given_it_wherever_the_program_works(tmp_path: Path, openrouter: Simulator) -> None:
    (tmp_path / "app").mkdir()
    program = "import os; os.chdir('app'); MORE = {}" + ASK
    environment = surroundings(tmp_path / "other", openrouter)

    done = spancast(
        "run", "--home", "books", "--", sys.executable, "-c", program, environment=environment, folder=tmp_path
    )

    assert done.stderr == ""
    assert len(calls({**environment, "SPANCAST_HOME": str(tmp_path / "books")})) == 1


def test_so_is_one_that_the_variable_names(tmp_path: Path, openrouter: Simulator) -> None:
    (tmp_path / "app").mkdir()
    program = (
        "import os, subprocess, sys; os.chdir('app'); "
        f"subprocess.run([sys.executable, '-c', {'MORE = {}' + ASK!r}], check=True)"
    )
    environment = {**surroundings(tmp_path, openrouter), "SPANCAST_HOME": "books"}

    done = spancast("run", "--", sys.executable, "-c", program, environment=environment, folder=tmp_path)

    assert done.stderr == ""
    assert len(calls({**environment, "SPANCAST_HOME": str(tmp_path / "books")})) == 1
    assert list((tmp_path / "app").iterdir()) == []


@pytest.mark.parametrize("home", ["", "~nobody-of-this-name/books"])
def test_a_home_that_cannot_be_is_told_in_words(home: str, tmp_path: Path, openrouter: Simulator) -> None:
    environment = surroundings(tmp_path / "other", openrouter)

    done = spancast(
        "run", "--home", home, "--", sys.executable, "-c", "", environment=environment, check=False, folder=tmp_path
    )

    assert done.returncode != 0
    assert "home" in done.stderr
    assert "Traceback" not in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_what_start_is_told_a_second_time_is_not_used_and_that_is_said(tmp_path: Path, openrouter: Simulator) -> None:
    environment = surroundings(tmp_path, openrouter)
    program = "import spancast; spancast.start(hosts='one.example'); spancast.start(hosts='one.example');"

    same = run_program(program, environment)
    other = run_program(program + "spancast.start(hosts='another.example')", environment)

    assert (same.returncode, same.stderr) == (0, "")
    assert "the arguments of this start() are ignored" in other.stderr


ANEW = """
import sys, spancast
for name in [name for name in sys.modules if name.partition(".")[0] == "spancast"]:
    del sys.modules[name]
import spancast
spancast.start()
MORE = {}
"""


def test_a_call_is_booked_once_though_spancast_was_imported_anew(tmp_path: Path, openrouter: Simulator) -> None:
    environment = surroundings(tmp_path / "home", openrouter)
    done = run_program(ANEW + ASK, environment)
    assert (done.returncode, done.stderr) == (0, "")
    assert len(calls(environment)) == 1
