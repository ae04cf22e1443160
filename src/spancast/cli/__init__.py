"""The command `spancast`: a table of verbs, each a module that is imported when its verb is used.

The verbs:

- `run`, `demo`, `simulator`              run programs, and an OpenRouter to run them against
- `costs`, `calls`, `tail`, `user`        report what is in the ledger
- `destinations`, `deliver`, `replay`     show and send what waits for destinations
- `check`, `doctor`                       test destinations, and this machine
- `reconcile`, `prices`                   compare and list what OpenRouter charges
- `ledger`                                maintain the ledger's file

What they share:

- `arguments`  arguments of several verbs
- `reports`    the figures that the reporting verbs show
- `output`     the same as text, JSON and CSV
- `exporting`  calls as files for other tools
- `support`    access to ledger and destinations
"""

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module
from importlib.metadata import version
from io import TextIOWrapper
from pathlib import Path
from typing import Protocol, TextIO, cast

from spancast.base.suggest import did_you_mean
from spancast.cli.output.stdout import Output, OutputError
from spancast.errors import ConfigurationError, SpancastError


class VerbModule(Protocol):
    """The module of a verb."""

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
    "destinations": Verb("spancast.cli.destinations", "the state of each destination: delivered, waiting, dead"),
    "deliver": Verb("spancast.cli.deliver", "send what waits"),
    "check": Verb("spancast.cli.check", "test whether a destination accepts our requests"),
    "replay": Verb("spancast.cli.replay", "send a destination past calls that it does not have"),
    "reconcile": Verb("spancast.cli.reconcile", "compare the ledger with what OpenRouter billed, to the cent"),
    "ledger": Verb("spancast.cli.ledger", "the ledger's file: where it is, check, rebuild, export, prune"),
    "prices": Verb("spancast.cli.prices", "what OpenRouter's models cost"),
    "demo": Verb("spancast.cli.demo", "see it work, without a key"),
    "simulator": Verb("spancast.cli.simulator", "an OpenRouter that runs on this machine"),
    "doctor": Verb("spancast.cli.doctor", "check this machine, its settings and the ledger"),
}
"""Each module has `add_arguments(parser)` and `run(args) -> int`, which returns the exit status."""

OK, FAILED, MISUSED, INTERRUPTED = 0, 1, 2, 130
"""Exit statuses; the last is 128 + SIGINT, as in shells."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; return the exit status."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    _open_closed_streams()
    if type(sys.stdout) is TextIOWrapper:
        sys.stdout = Output.replacing(sys.stdout)
    elif isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # a terminal shows a question mark for what it cannot encode
    try:
        status = _dispatch(arguments)
        sys.stdout.flush()
    except ConfigurationError as error:
        return _complain(error, MISUSED)
    except (SpancastError, OSError) as error:
        if isinstance(error, BrokenPipeError):
            _leave_quietly()
            return OK
        if isinstance(error, OutputError):
            _leave_quietly()
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
        return _complain(f"{empty!r} has no value. Write one after the equals sign.", MISUSED)
    verb = VERBS[name]
    module = verb.load()
    parser = argparse.ArgumentParser(f"spancast {name}", description=_sentence(verb.meaning), allow_abbrev=False)
    module.add_arguments(parser)
    return module.run(parser.parse_args(arguments[1:]))


def _own(name: str, arguments: Sequence[str]) -> Sequence[str]:
    """Return the verb's own arguments: those of `run` may be the command's that it runs."""
    return [] if name == "run" else arguments[1:]


def _open_closed_streams() -> None:
    """Replace a standard output or error that is closed (`None`: Python docs, sys.stdout) by the null device."""
    sys.stdout = sys.stdout or _null_device()
    sys.stderr = sys.stderr or _null_device()


def _null_device() -> TextIO:
    return Path(os.devnull).open("w", encoding="utf-8")


def _overview() -> str:
    width = max(map(len, VERBS))
    verbs = "\n".join(f"  {name:<{width}}  {verb.meaning}" for name, verb in VERBS.items())
    return f"usage: spancast VERB ...\n\n{verbs}\n\nspancast VERB --help says more."


def _sentence(meaning: str) -> str:
    return f"{meaning[0].upper()}{meaning[1:]}."


def _unknown(name: str) -> str:
    cure = did_you_mean(name, VERBS) or f"The verbs are {', '.join(VERBS)}."
    return f"There is no verb {name!r}. {cure}"


def _complain(error: object, status: int) -> int:
    print(f"spancast: {error}", file=sys.stderr)
    return status


def _leave_quietly() -> None:
    """Discard what is left in the buffer: the reader of the pipe is gone (Python docs, note on SIGPIPE)."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
