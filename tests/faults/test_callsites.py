"""A fault at every call that happens inside us, in turn: the application's result is the same to the byte.

The calls are counted by the interpreter's own profiler, which tells of each call of a function of ours on the
application's thread, and raises in its place when the number is reached. Nothing is listed by hand.
"""

import hashlib
import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType
from typing import Any

import httpx2
import pytest
import urllib3

import spancast
from spancast import guard
from spancast.testing import Simulator

OURS = str(Path(spancast.__file__).parent)
NOT_THE_HOST = ("testing", "cli")
MODEL = "openai/gpt-4o-mini"
HEADERS = {"authorization": "Bearer sk-or-v1-simulator"}


class Fault(Exception):
    """What no code of ours raises itself."""


class Calls:
    """The calls of functions of ours, as they happen; at the number `at`, the call fails instead."""

    def __init__(self, at: int = 0) -> None:
        self.names: list[str] = []
        self._at = at

    def __enter__(self) -> "Calls":
        sys.setprofile(self._told)
        return self

    def __exit__(self, *_: object) -> None:
        sys.setprofile(None)

    def _told(self, frame: FrameType, event: str, _argument: object) -> None:
        code = frame.f_code
        if event != "call" or not code.co_filename.startswith(OURS):
            return
        if Path(code.co_filename).relative_to(OURS).parts[0] in NOT_THE_HOST or _is_resumed(frame):
            return
        self.names.append(f"{Path(code.co_filename).stem}.{code.co_qualname}")
        if len(self.names) == self._at:
            raise Fault(self.names[-1])


def _is_resumed(frame: FrameType) -> bool:
    """Whether a generator goes on, which is no call."""
    return frame.f_lasti > 10 and bool(frame.f_code.co_flags & 0x20)


