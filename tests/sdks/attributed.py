"""Run a program in a block that says whom its calls are for, which the program itself does not know."""

import runpy
import sys
from pathlib import Path

import spancast

BLOCK = {"user": "u_block", "session": "s_block", "tags": {"team": "search"}}

if __name__ == "__main__":
    del sys.argv[0]
    sys.path[0] = str(Path(sys.argv[0]).parent)
    with spancast.attribute(**BLOCK):
        runpy.run_path(sys.argv[0], run_name="__main__")
