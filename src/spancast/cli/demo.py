"""`spancast demo`: run example programs that call OpenRouter, and show who spent what."""

import argparse
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory

from spancast.cli import run as run_verb
from spancast.errors import SpancastError

APPS = ("01_chat", "02_stream", "03_openrouter_sdk", "04_tool_call", "05_error", "06_abandoned_stream")
"""The programs, by file name in `examples/`; none of them mentions Spancast."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the verb."""
    parser.add_argument("--live", action="store_true", help="call the real OpenRouter, with OPENROUTER_API_KEY")
    parser.add_argument("--home", type=Path, help="keep the ledger there (default: a directory that is removed)")


def run(args: argparse.Namespace) -> int:
    """Run the programs, and print what they cost; return 1 if one of them failed."""
    _check_sdks()
    with _home(args.home) as home, _openrouter(live=args.live) as settings:
        print(_LIVE if args.live else _SIMULATED, flush=True)
        environment = run_verb.environment({**settings, "SPANCAST_HOME": str(home)})
        failed = [app for app in APPS if not _runs(app, environment)]
        for title, *command in _questions():
            print(f"\n{title}\n$ spancast {' '.join(command)}", flush=True)
            _spancast(command, environment)
    print(f"\n{_NEXT}")
    if failed:
        sys.stderr.write(f"These programs failed: {', '.join(failed)}. Their output is above.\n")
    return 1 if failed else 0


def _check_sdks() -> None:
    """Raise `SpancastError` if an SDK of the programs is not installed: each of them would fail of it."""
    missing = [name for name in _SDKS if find_spec(name) is None]
    if missing:
        raise SpancastError(
            f"The demo's programs need {' and '.join(missing)}, which {'is' if len(missing) == 1 else 'are'} not "
            'installed here. Run: pip install "spancast[demo]" (in a checkout: pip install ".[demo]").'
        )


_SDKS = ("openai", "openrouter")
"""What the programs import: the extra `demo`."""
_SIMULATED = """The answers come from a simulator on this machine: their text, tokens and dollars are made up.
With a key of OpenRouter's in OPENROUTER_API_KEY, `spancast demo --live` calls the real one."""
_LIVE = "The answers are OpenRouter's own, and are billed to the account of OPENROUTER_API_KEY."
_NEXT = """What to try next
  spancast run -- python your_app.py         your own program, unchanged
  spancast costs --by user model --since 7d  who spent what
  spancast doctor                            is everything in order?"""


def _questions() -> Iterator[Sequence[str]]:
    yield "Every call", "calls"
    yield "Who spent what", "costs", "--by", "user"
    yield "On which models", "costs", "--by", "model"


@contextmanager
def _home(kept: Path | None) -> Iterator[Path]:
    if kept is not None:
        yield kept
        return
    with TemporaryDirectory(prefix="spancast-demo-") as folder:
        yield Path(folder)


@contextmanager
def _openrouter(*, live: bool) -> Iterator[Mapping[str, str]]:
    """Provide the variables by which a program finds OpenRouter, the real one or the simulator."""
    if live:
        if not os.environ.get("OPENROUTER_API_KEY"):
            raise SpancastError("OPENROUTER_API_KEY is not set. Export a key of OpenRouter, or leave --live out.")
        yield {}
        return
    from spancast.testing import Simulator  # noqa: PLC0415 - only where it is needed

    with Simulator() as openrouter:
        yield {
            "OPENROUTER_BASE_URL": openrouter.base_url,
            "OPENROUTER_API_KEY": "sk-or-v1-simulator",
            "SPANCAST_HOSTS": openrouter.address,
        }


def _runs(app: str, environment: Mapping[str, str]) -> bool:
    print(f"\n$ spancast run -- python examples/{app}.py", flush=True)
    done = subprocess.run([sys.executable, str(_examples() / f"{app}.py")], env=dict(environment), check=False)  # noqa: S603 - our own example
    return done.returncode == 0


def _spancast(command: Sequence[str], environment: Mapping[str, str]) -> None:
    subprocess.run([sys.executable, "-m", "spancast", *command], env=dict(environment), check=True)  # noqa: S603 - ourselves


def _examples() -> Path:
    """Return the folder of the programs, in the installed package or in the checkout."""
    package = Path(__file__).resolve().parents[1]
    for folder in (package / "examples", package.parents[1] / "examples"):
        if folder.is_dir():
            return folder
    raise SpancastError(f"The example programs are not beside {package}. Install Spancast again, or use a checkout.")
