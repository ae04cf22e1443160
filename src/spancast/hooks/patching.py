"""Wrapping the methods of the table once, as soon as their modules are imported, and unwrapping them.

Hazards: an exception in a post-import hook fails the application's import, so none may escape. Under
`httpx2.alias_httpx()` two names are one module, whose class must be wrapped once. Another library may wrap the same
method over ours, so ours is removed by its handle, not by popping the outermost wrapper. A reference to ours (a closure
over it, a bound method from before) goes on calling it, so it is switched off too. A process that imports Spancast
anew, as notebooks and test runners do, still has the wrapper of the earlier import.
"""

import sys
import threading
import weakref
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import wrapt

from spancast.base import forks, garbage, guard
from spancast.recording.recorder import Recorder

Wrapper = Callable[[Callable[..., Any], Any, tuple[Any, ...], dict[str, Any]], Any]
"""What runs in place of a method, as wrapt calls it: `(wrapped, instance, args, kwargs)`."""

CreateWrapper = Callable[[ModuleType, Recorder], Wrapper]
"""Returns the wrapper of a method of a module."""


@dataclass(frozen=True, slots=True)
class Hook:
    """One method that every request of a client library passes through."""

    module: str
    owner: str
    method: str
    create_wrapper: CreateWrapper


@dataclass(slots=True)
class _Patch:
    owner: type
    method: str
    handle: Any = None
    is_on: bool = True

    def enabled(self) -> bool:
        """Return whether the wrapper runs; wrapt calls this at each call of the method."""
        return self.is_on

    def remove(self) -> None:
        """Switch the wrapper off, and remove it unless a wrapper that wrapt cannot open is on top of it."""
        self.is_on = False
        with suppress(wrapt.WrapperNotOutermostError):
            wrapt.unwrap_object(self.owner, self.method, self.handle, missing_ok=True)


class Patches:
    """The installed wrappers of one recorder."""

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder
        self._renew_lock()
        forks.in_child(self._renew_lock)
        self._patches: list[_Patch] = []
        self._installed = False

    def _renew_lock(self) -> None:
        self._lock = threading.Lock()

    def install(self, hooks: Iterable[Hook]) -> None:
        """Wrap each method now, or as soon as its module is imported."""
        with self._lock:
            if not self._installed:
                garbage.subscribe()
            self._installed = True
        for hook in hooks:
            wrapt.register_post_import_hook(self._import_hook(hook), hook.module)

    def remove(self) -> None:
        """Remove every wrapper, wherever it is by now; one that cannot be removed does not keep the others."""
        with self._lock:
            was_installed, self._installed = self._installed, False
            patches, self._patches = self._patches, []
        for patch in patches:
            with guard.quietly(f"unhooking {patch.owner.__module__}"):
                patch.remove()
        if was_installed:
            with guard.quietly("leaving the garbage collector"):
                garbage.unsubscribe()

    def hooked(self) -> tuple[str, ...]:
        """Return the methods that are wrapped, as `module.Class.method`."""
        return tuple(f"{patch.owner.__module__}.{patch.owner.__qualname__}.{patch.method}" for patch in self._patches)

    def _import_hook(self, hook: Hook) -> Callable[[ModuleType], None]:
        ours = weakref.ref(self)  # a hook whose module is never imported must not keep all of a stopped Spancast alive

        def wrap(module: ModuleType) -> None:
            try:
                if (patches := ours()) is not None:
                    patches._wrap(module, hook)  # noqa: SLF001 - its own
            except Exception:  # noqa: BLE001 - our failure must not fail the application's import
                guard.caught(f"hooking {hook.module}")

        return wrap

    def _wrap(self, module: ModuleType, hook: Hook) -> None:
        owner = getattr(module, hook.owner)
        with self._lock:
            if not self._installed or any(
                patch.owner is owner and patch.method == hook.method for patch in self._patches
            ):
                return
            _switch_off_earlier(vars(owner).get(hook.method))
            patch = _Patch(owner, hook.method)
            wrapper = hook.create_wrapper(module, self._recorder)
            patch.handle = wrapt.wrap_object(owner, hook.method, wrapt.FunctionWrapper, (wrapper, patch.enabled))
            self._patches.append(patch)


def _switch_off_earlier(method: Any) -> None:
    """Switch off the wrappers of an earlier import of our modules, so that a call is recorded once."""
    while isinstance(method, wrapt.FunctionWrapper):
        wrapper: Any = method._self_wrapper  # noqa: SLF001 - wrapt has no other way
        enabled: Any = method._self_enabled  # noqa: SLF001 - see above
        name, module_globals = getattr(wrapper, "__module__", None) or "", getattr(wrapper, "__globals__", None)
        if name.startswith(_PACKAGE) and module_globals is not vars(sys.modules.get(name, sys)):
            enabled.__self__.is_on = False
        method = method.__wrapped__


_PACKAGE = __name__.rpartition(".")[0]
"""The package of the hooks."""
