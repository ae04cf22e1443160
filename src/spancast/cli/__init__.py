"""The command `spancast`: a table of verbs, one module each, imported when its verb is used."""

import argparse
import difflib
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module
from importlib.metadata import version
from io import TextIOWrapper
from pathlib import Path
from typing import Protocol, TextIO, cast

from spancast.errors import ConfigurationError, SpancastError


class VerbModule(Protocol):
    """What the module of a verb holds."""

    add_arguments: Callable[[argparse.ArgumentParser], None]
    run: Callable[[argparse.Namespace], int]


@dataclass(frozen=True, slots=True)
class Verb:
    """A row of the table."""

    module: str
    meaning: str

    def load(self) -> VerbModule:
        """Import the module."""
        return cast("VerbModule", import_module(self.module))


VERBS = {
    "run": Verb("spancast.cli.run", "run any Python program with Spancast on: spancast run -- python app.py"),
    "costs": Verb("spancast.cli.costs", "what was spent, by user, model, day or tag"),
    "calls": Verb("spancast.cli.calls", "every call, newest last"),
    "tail": Verb("spancast.cli.tail", "calls as they are made, newest at the bottom"),
    "user": Verb("spancast.cli.user", "one user on a page: spend, sessions, models, errors, latest calls"),
    "destinations": Verb("spancast.cli.destinations", "how each destination stands: delivered, waiting, dead"),
    "deliver": Verb("spancast.cli.deliver", "send what waits"),
    "check": Verb("spancast.cli.check", "ask a platform whether it takes what we would send"),
    "replay": Verb("spancast.cli.replay", "send a destination the calls of the past that it does not have"),
    "reconcile": Verb("spancast.cli.reconcile", "the ledger beside what OpenRouter billed, every cent accounted for"),
    "ledger": Verb("spancast.cli.ledger", "the ledger's file: where it is, check, rebuild, export, prune"),
    "prices": Verb("spancast.cli.prices", "what OpenRouter's models cost"),
    "demo": Verb("spancast.cli.demo", "see it work, without a key"),
    "simulator": Verb("spancast.cli.simulator", "an OpenRouter that runs on this machine"),
    "doctor": Verb("spancast.cli.doctor", "check this machine, its settings and the ledger"),
}
"""What can be done. Each row's module has `add_arguments(parser)` and `run(args) -> int`, the exit status."""

OK, FAILED, MISUSED, INTERRUPTED = 0, 1, 2, 130
"""Exit statuses; the last is 128 + SIGINT, as shells have it."""


def main(argv: Sequence[str] | None = None) -> int:
    """Do what the command line says; return the exit status."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    _open_what_is_closed()
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # a terminal that cannot show a character shows a question mark
    try:
        status = _dispatch(arguments)
        sys.stdout.flush()
    except ConfigurationError as error:
        return _complain(error, MISUSED)
    except (SpancastError, OSError) as error:
        if isinstance(error, BrokenPipeError):
            _leave_quietly()
            return OK
        return _complain(error, FAILED)
    except KeyboardInterrupt:
        return INTERRUPTED
    return status


def _dispatch(arguments: Sequence[str]) -> int:
    name = arguments[0] if arguments else "--help"
    if name in ("-h", "--help", "help"):
        print(_overview())
        return OK
    if name in ("-V", "--version"):
        print(f"spancast {version('spancast')}")
        return OK
    if name not in VERBS:
        return _complain(_unknown(name), MISUSED)
    empty = next((each for each in _own(name, arguments) if each.startswith("--") and each.endswith("=--")), None)
    if empty is not None:
        return _complain(f"{empty!r} gives no value. Write one behind the equals sign.", MISUSED)
    verb = VERBS[name]
    module = verb.load()
    parser = argparse.ArgumentParser(f"spancast {name}", description=_sentence(verb.meaning), allow_abbrev=False)
    module.add_arguments(parser)
    return module.run(parser.parse_args(arguments[1:]))


def _own(name: str, arguments: Sequence[str]) -> Sequence[str]:
    """Return the arguments that are ours: what `run` runs has its own."""
    return [] if name == "run" else arguments[1:]


def _open_what_is_closed() -> None:
    """Give a program without standard output or error some that go nowhere (Python docs, sys.stdout)."""
    sys.stdout = sys.stdout or _nowhere()
    sys.stderr = sys.stderr or _nowhere()


def _nowhere() -> TextIO:
    return Path(os.devnull).open("w", encoding="utf-8")


def _overview() -> str:
    width = max(map(len, VERBS))
    verbs = "\n".join(f"  {name:<{width}}  {verb.meaning}" for name, verb in VERBS.items())
    return f"usage: spancast VERB ...\n\n{verbs}\n\nspancast VERB --help says more."


def _sentence(meaning: str) -> str:
    return f"{meaning[0].upper()}{meaning[1:]}."


def _unknown(name: str) -> str:
    near = difflib.get_close_matches(name, VERBS, n=1)
    cure = f"Did you mean {near[0]!r}?" if near else f"The verbs are {', '.join(VERBS)}."
    return f"There is no verb {name!r}. {cure}"


def _complain(error: object, status: int) -> int:
    print(f"spancast: {error}", file=sys.stderr)
    return status


def _leave_quietly() -> None:
    """Let what is left in the buffer go nowhere: the reader of the pipe has gone (Python docs, note on SIGPIPE)."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
