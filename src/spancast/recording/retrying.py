"""The loops of other libraries that do nothing else than try one and the same thing again, seen from inside.

Nothing in a request tells that such a loop makes it anew. What is around it does: the loop's own frame, in which the
library keeps one object from the first try to the last.
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
"""The module and the qualified name of each, and the name of its object."""
_MODULES = frozenset(module for module, _ in _LOOPS)
_DEEPEST = 200
"""Frames that are looked at."""


def loop_around() -> "ref[object] | None":
    """Return what tells the innermost loop around the caller from others, its own object; `None` in none."""
    if _MODULES.isdisjoint(sys.modules):
        return None
    frame = sys._getframe(1)  # noqa: SLF001 - nothing else knows who called
    for _ in range(_DEEPEST):
        own = _LOOPS.get((frame.f_globals.get("__name__", ""), frame.f_code.co_qualname))
        if own is not None and own in frame.f_locals:
            return _name_of(frame.f_locals[own])
        if frame.f_back is None:
            return None
        frame = frame.f_back
    return None


def _name_of(own: object) -> "ref[object] | None":
    try:
        return ref(own)
    except TypeError:  # in a version of the library that gave it slots
        return None
