"""Starts Spancast in a program that does not import it.

`spancast run` puts this folder first on `PYTHONPATH`, where Python looks for `sitecustomize` before the program runs.
Another module of that name that this one shadows is run as well.
"""

import sys
from importlib.machinery import PathFinder
from importlib.util import module_from_spec
from pathlib import Path


def _start() -> None:
    try:
        from spancast.api import start_runtime  # noqa: PLC0415 - absent if the program has another environment

        start_runtime({})
    except Exception as error:  # noqa: BLE001 - the program must run whatever happens here
        if "subinterpreters" in str(error):  # unsupported there, and a program may create any number of them
            return
        sys.stderr.write(f"spancast: {sys.executable} runs without Spancast. {type(error).__name__}: {error}\n")


def _run_shadowed() -> None:
    here = Path(__file__).parent
    spec = PathFinder.find_spec("sitecustomize", [entry for entry in sys.path if Path(entry or ".").resolve() != here])
    if spec is not None and spec.loader is not None:
        module = module_from_spec(spec)
        sys.modules["sitecustomize"] = module
        spec.loader.exec_module(module)


_start()
_run_shadowed()
