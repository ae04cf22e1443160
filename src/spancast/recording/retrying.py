"""The retry loops of other libraries, recognised from inside.

Nothing in a request shows that such a loop makes it again. The call stack does: it holds the loop's own frame, in which
the library keeps one object from the first attempt to the last.
"""

import sys
from collections.abc import Mapping
from weakref import ref

_LOOPS: Mapping[tuple[str, str], str] = {
    ("dspy.clients.execution", "execute"): "call",
    ("dspy.clients.execution", "aexecute"): "call",
    ("livekit.agents.llm.llm", "LLMStream._main_task"): "self",
    ("tenacity", "Retrying.__call__"): "retry_state",
    ("tenacity.asyncio", "AsyncRetrying.__call__"): "retry_state",
}
"""The local variable that holds the loop's object, by the module and the qualified name of the loop's function."""
_MODULES = frozenset(module for module, _ in _LOOPS)
_MAX_FRAMES = 200
"""Frames that are searched."""


def retry_loop() -> "ref[object] | None":
    """Return a reference to the object of the innermost retry loop around the caller; `None` outside of any."""
    if _MODULES.isdisjoint(sys.modules):
        return None
    frame = sys._getframe(1)  # noqa: SLF001 - nothing else knows who called
    for _ in range(_MAX_FRAMES):
        variable = _LOOPS.get((frame.f_globals.get("__name__", ""), frame.f_code.co_qualname))
        if variable is not None and variable in frame.f_locals:
            return _reference(frame.f_locals[variable])
        if frame.f_back is None:
            return None
        frame = frame.f_back
    return None


def _reference(loop: object) -> "ref[object] | None":
    try:
        return ref(loop)
    except TypeError:  # in a version of the library whose class has slots
        return None
