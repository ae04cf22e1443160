"""Tells an exception that one of the application's signal handlers raised from one of our own.

Python runs a handler between any two instructions of the main thread, ours included; what it raises, such as the time
limit of a task, must reach the application.
"""

import signal
import threading
import traceback
from functools import partial
from types import CodeType, FunctionType, MethodType


def raised_by_handler(error: BaseException | None) -> bool:
    """Return whether an exception passed through a function that is registered as a signal handler."""
    if error is None or threading.current_thread() is not threading.main_thread():
        return False
    passed = {frame.f_code for frame, _ in traceback.walk_tb(error.__traceback__)}
    return not passed.isdisjoint(_handlers())


def _handlers() -> set[CodeType]:
    handlers = (_code(signal.getsignal(number)) for number in signal.valid_signals())
    return {code for code in handlers if code is not None}


def _code(handler: object) -> CodeType | None:
    """Return the code that runs for a handler: a function, a method, a partial of either, or any callable object."""
    while isinstance(handler, partial):
        handler = handler.func
    if callable(handler) and not isinstance(handler, FunctionType | MethodType):
        handler = type(handler).__call__
    return getattr(handler, "__code__", None)
