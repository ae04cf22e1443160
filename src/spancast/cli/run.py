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
"""The exit status for a command that does not exist, as shells have it."""

_OPTIONS = {"home": "SPANCAST_HOME", "destinations": "SPANCAST_DESTINATIONS", "hosts": "SPANCAST_HOSTS"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the verb."""
    parser.usage = "spancast run [--home PATH] [--destinations NAMES] [--hosts HOSTS] [--] COMMAND ..."
    parser.add_argument("--home", help="the directory of the journal and the ledger (SPANCAST_HOME)")
    parser.add_argument("--destinations", help="where spans are sent: otlp,... (SPANCAST_DESTINATIONS)")
    parser.add_argument("--hosts", help="further hosts that speak OpenRouter (SPANCAST_HOSTS)")
    parser.add_argument("command", nargs=argparse.REMAINDER, help="what to run: python app.py, gunicorn app:app, ...")


def run(args: argparse.Namespace) -> int:
    """Become the command, in an environment that starts Spancast; return only when that cannot be."""
    command = args.command[1:] if args.command[:1] == ["--"] else args.command
    if not command:
        sys.stderr.write("spancast run needs a command, such as: spancast run -- python app.py\n")
        return 2
    program = shutil.which(command[0])
    if program is None:
        sys.stderr.write(f"spancast run found no command {command[0]!r}. Is it installed, and on PATH?\n")
        return NOT_FOUND
    given = {name: value for name in _OPTIONS if (value := getattr(args, name)) is not None}
    inforce = resolve(given)
    _check(inforce.destinations)
    if "home" in given:  # whole: the programs that it starts may work elsewhere
        given["home"] = str(inforce.home)
    unseeing = _unseeing(command)
    if unseeing is not None:
        sys.stderr.write(
            f"spancast run: {command[0]} is told by -{unseeing} to run nothing before its program: no call is seen. "
            "Leave it out, or call spancast.start() in the program.\n"
        )
    return _become(program, command, environment({_OPTIONS[name]: value for name, value in given.items()}))


def _check(destinations: Sequence[Destination]) -> None:
    """Raise `ConfigurationError` for a destination that cannot be; one that only lacks its credential can."""
    for destination in destinations:
        with suppress(discover.Unconfigured):
            discover.exporter(destination)


def _unseeing(command: Sequence[str]) -> str | None:
    """Return the flag by which a Python, also one that `env` is to become, looks for no `sitecustomize` of ours."""
    words = iter(command)
    if Path(command[0]).name == "env":
        words = dropwhile(lambda word: "=" in word, command[1:])
    if not Path(next(words, "")).name.startswith("python"):
        return None
    return next((flag for flag in _flags(words) if flag in _UNSEEING), None)


_UNSEEING = "IES"
"""Python's flags to ignore `PYTHONPATH` (`-I`, `-E`) or to import no `site` (`-S`)."""


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
"""The flags whose value is the rest of their word or, where nothing is left of it, the next word."""
_LONG_WITH_VALUE = "--check-hash-based-pycs"


def environment(settings: Mapping[str, str]) -> dict[str, str]:
    """Return this process's environment with `settings`, in which a Python program starts Spancast before itself."""
    theirs = os.environ.get("PYTHONPATH")
    folders = [
        bootstrap_folder(),
        *(theirs.split(os.pathsep) if theirs else ()),
    ]  # an empty one is the working directory
    return {**os.environ, **settings, "PYTHONPATH": os.pathsep.join(dict.fromkeys(folders))}


def bootstrap_folder() -> str:
    """Return the folder whose `sitecustomize` starts Spancast."""
    spec = find_spec("spancast")
    assert spec is not None
    assert spec.origin is not None
    return str(Path(spec.origin).resolve().parent / "bootstrap")


def _become(program: str, command: list[str], environment: Mapping[str, str]) -> int:
    if os.name == "nt":  # a process cannot be replaced there
        return subprocess.run([program, *command[1:]], env=dict(environment), check=False).returncode  # noqa: S603 - asked for
    sys.stdout.flush()
    os.execve(program, command, environment)  # noqa: S606 - to run what the user names is what the verb is for
    raise AssertionError("A process that was replaced goes on.")
