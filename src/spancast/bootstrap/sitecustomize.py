"""Start Spancast in a program that knows nothing of it.

`spancast run` puts this folder first on `PYTHONPATH`, where Python looks for `sitecustomize` before the program begins.
The module of that name that it hides, if there is one, is run as well.
"""

import sys
from importlib.machinery import PathFinder
from importlib.util import module_from_spec
from pathlib import Path


def _start() -> None:
    try:
        from spancast.api import begin  # noqa: PLC0415 - in another environment than ours it is not there

        begin({})
    except Exception as error:  # noqa: BLE001 - the program runs whatever happens here
        if "subinterpreters" in str(error):  # there it is not to run, and a program may make any number of them
            return
        sys.stderr.write(f"spancast: {sys.executable} runs without Spancast. {type(error).__name__}: {error}\n")


def _run_hidden() -> None:
    here = Path(__file__).parent
    spec = PathFinder.find_spec("sitecustomize", [entry for entry in sys.path if Path(entry or ".").resolve() != here])
    if spec is not None and spec.loader is not None:
        module = module_from_spec(spec)
        sys.modules["sitecustomize"] = module
        spec.loader.exec_module(module)


_start()
_run_hidden()
