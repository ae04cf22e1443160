"""`spancast run`: any Python program, unchanged, with Spancast on."""

import argparse
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from importlib.util import find_spec
from itertools import dropwhile
from pathlib import Path

from spancast.destinations import discover
from spancast.destinations.destination import Destination
from spancast.settings.resolve import resolve

NOT_FOUND = 127
"""The exit status for a command that does not exist, as in shells."""

_OPTIONS = {"home": "SPANCAST_HOME", "destinations": "SPANCAST_DESTINATIONS", "hosts": "SPANCAST_HOSTS"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the verb."""
    parser.usage = "spancast run [--home PATH] [--destinations NAMES] [--hosts HOSTS] [--] COMMAND ..."
    parser.add_argument("--home", help="the directory of the journal and the ledger (SPANCAST_HOME)")
    parser.add_argument("--destinations", help="where spans are sent: otlp,... (SPANCAST_DESTINATIONS)")
    parser.add_argument("--hosts", help="further hosts that speak OpenRouter (SPANCAST_HOSTS)")
    parser.add_argument("command", nargs=argparse.REMAINDER, help="what to run: python app.py, gunicorn app:app, ...")


def run(args: argparse.Namespace) -> int:
    """Replace this process by the command, in an environment that starts Spancast; return only on failure."""
    command = args.command[1:] if args.command[:1] == ["--"] else args.command
    if not command:
        sys.stderr.write("spancast run needs a command, such as: spancast run -- python app.py\n")
        return 2
    program = shutil.which(command[0])
    if program is None:
        sys.stderr.write(f"spancast run found no command {command[0]!r}. {_cure(command[0])}\n")
        return NOT_FOUND
    given = {name: value for name in _OPTIONS if (value := getattr(args, name)) is not None}
    settings = resolve(given)
    _check(settings.destinations)
    if settings.instead_of is None and ("home" in given or os.environ.get(_OPTIONS["home"])):
        given["home"] = str(settings.home)  # absolute: the program and those that it starts may change the directory
    flag = _flag_without_sitecustomize(_interpreter(program, command))
    if flag is not None:
        sys.stderr.write(
            f"spancast run: with -{flag}, {command[0]} does not load Spancast before the program: no call is recorded. "
            "Leave the flag out, or call spancast.start() in the program.\n"
        )
    return _exec(program, command, environment({_OPTIONS[name]: value for name, value in given.items()}))


def _cure(missing: str) -> str:
    """Return what to do about a command that does not exist, or that is a file which cannot be executed."""
    if not Path(missing).is_file():
        return "Is it installed, and on PATH?"
    how = f"spancast run -- python {missing}" if missing.endswith(".py") else f"chmod +x {missing}"
    return f"There is a file of that name, which is not executable or not on PATH. Try: {how}"


def _check(destinations: Sequence[Destination]) -> None:
    """Raise `ConfigurationError` for an invalid destination; one may lack its credential."""
    for destination in destinations:
        with suppress(discover.Unconfigured):
            discover.exporter(destination)


def _interpreter(program: str, command: Sequence[str]) -> Sequence[str]:
    """Return the command line of the interpreter that the first line of a script names, else the command itself."""
    with suppress(OSError), Path(program).open("rb") as file:
        first = file.readline(_MAX_SHEBANG_BYTES)
        if first.startswith(b"#!"):
            return [*os.fsdecode(first[2:]).split(), program]
    return command


_MAX_SHEBANG_BYTES = 256
"""How much of the line Linux reads (BINPRM_BUF_SIZE)."""


def _flag_without_sitecustomize(command: Sequence[str]) -> str | None:
    """Return the flag that keeps a Python, also one started by `env`, from loading our `sitecustomize`."""
    words = iter(command)
    if Path(command[0]).name == "env":
        words = dropwhile(lambda word: "=" in word or word == "-S", command[1:])
    if not Path(next(words, "")).name.startswith("python"):
        return None
    return next((flag for flag in _flags(words) if flag in _WITHOUT_SITECUSTOMIZE), None)


_WITHOUT_SITECUSTOMIZE = "IES"
"""Python's flags to ignore `PYTHONPATH` (`-I`, `-E`) or not to import `site` (`-S`)."""


def _flags(words: Iterator[str]) -> Iterator[str]:
    """Yield Python's own flags without a value, up to its program, by CPython's rules (Python/getopt.c)."""
    for word in words:
        if word in ("-", "--") or not word.startswith("-"):
            return
        if word == _LONG_WITH_VALUE:
            next(words, None)
        elif not word.startswith("--"):
            alone, *valued = _WITH_VALUE.split(word[1:], maxsplit=1)
            yield from alone
            if valued[:1] in (["c"], ["m"]):  # what follows is the program and its arguments
                return
            if valued[1:] == [""]:
                next(words, None)


_WITH_VALUE = re.compile("([cmWX])")
"""The flags whose value is the rest of their word or, if that is empty, the next word."""
_LONG_WITH_VALUE = "--check-hash-based-pycs"


def environment(settings: Mapping[str, str]) -> dict[str, str]:
    """Return this process's environment with `settings`, in which Python loads Spancast before the program."""
    current = os.environ.get("PYTHONPATH")
    folders = [
        bootstrap_folder(),
        *(current.split(os.pathsep) if current else ()),
    ]  # an empty one is the working directory
    return {**os.environ, **settings, "PYTHONPATH": os.pathsep.join(dict.fromkeys(folders))}


def bootstrap_folder() -> str:
    """Return the folder whose `sitecustomize` starts Spancast."""
    spec = find_spec("spancast")
    assert spec is not None
    assert spec.origin is not None
    return str(Path(spec.origin).resolve().parent / "bootstrap")


def _exec(program: str, command: list[str], environment: Mapping[str, str]) -> int:
    if os.name == "nt":  # Windows cannot replace a process
        return subprocess.run([program, *command[1:]], env=dict(environment), check=False).returncode  # noqa: S603 - asked for
    sys.stdout.flush()
    os.execve(program, command, environment)  # noqa: S606 - to run what the user names is what the verb is for
    raise AssertionError("execve() returned.")
