"""Putting wrappers on the methods of the table, when their modules are imported, once, and taking them off again.

Hazards: an exception in a post-import hook fails the application's import, so that nothing here lets one out. Under
`httpx2.alias_httpx()` two names are one module, and its class must be wrapped once. Another library may wrap the same
method over ours, so that ours is taken out by its handle, not by popping what is outermost. What holds on to ours (a
plain closure over it, a bound method kept from before) goes on calling it, so that it is switched off too. A process
in which Spancast was imported anew, as notebooks and test runners do it, has another one's wrapper there.
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
"""What stands in for a method, as wrapt calls it: `(wrapped, instance, args, kwargs)`."""

Maker = Callable[[ModuleType, Recorder], Wrapper]
"""Makes the wrapper for a method of a module."""


@dataclass(frozen=True, slots=True)
class Hook:
    """One method that every request of a client library passes through."""

    module: str
    owner: str
    method: str
    make: Maker


@dataclass(slots=True)
class _Patch:
    owner: type
    method: str
    handle: Any = None
    on: bool = True

    def enabled(self) -> bool:
        """Whether the wrapper does anything; wrapt asks at each call."""
        return self.on

    def remove(self) -> None:
        """Switch the wrapper off, and take it out unless something that cannot be opened is built upon it."""
        self.on = False
        with suppress(wrapt.WrapperNotOutermostError):
            wrapt.unwrap_object(self.owner, self.method, self.handle, missing_ok=True)


class Patches:
    """The wrappers that are on, for one recorder."""

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder
        self._renew()
        forks.in_child(self._renew)
        self._patches: list[_Patch] = []
        self._on = False

    def _renew(self) -> None:
        self._lock = threading.Lock()

    def install(self, hooks: Iterable[Hook]) -> None:
        """Wrap each method now, or as soon as its module is imported."""
        with self._lock:
            if not self._on:
                garbage.listen()
            self._on = True
        for hook in hooks:
            wrapt.register_post_import_hook(self._later(hook), hook.module)

    def remove(self) -> None:
        """Take every wrapper off, wherever it stands by now; one that does not come off keeps no other on."""
        with self._lock:
            was_on, self._on = self._on, False
            patches, self._patches = self._patches, []
        for patch in patches:
            with guard.quietly(f"unhooking {patch.owner.__module__}"):
                patch.remove()
        if was_on:
            with guard.quietly("leaving the garbage collector"):
                garbage.leave()

    def hooked(self) -> tuple[str, ...]:
        """Return the methods that are wrapped, as `module.Class.method`."""
        return tuple(f"{patch.owner.__module__}.{patch.owner.__qualname__}.{patch.method}" for patch in self._patches)

    def _later(self, hook: Hook) -> Callable[[ModuleType], None]:
        ours = weakref.ref(self)  # what waits for an import that never comes must not keep all of a stopped Spancast

        def wrap(module: ModuleType) -> None:
            try:
                if (patches := ours()) is not None:
                    patches._wrap(module, hook)  # noqa: SLF001 - its own
            except Exception:  # noqa: BLE001 - the application's import must not fail for ours
                guard.caught(f"hooking {hook.module}")

        return wrap

    def _wrap(self, module: ModuleType, hook: Hook) -> None:
        owner = getattr(module, hook.owner)
        with self._lock:
            if not self._on or any(patch.owner is owner and patch.method == hook.method for patch in self._patches):
                return
            _switch_off_another(vars(owner).get(hook.method))
            patch = _Patch(owner, hook.method)
            wrapper = hook.make(module, self._recorder)
            patch.handle = wrapt.wrap_object(owner, hook.method, wrapt.FunctionWrapper, (wrapper, patch.enabled))
            self._patches.append(patch)


def _switch_off_another(method: Any) -> None:
    """Switch off the wrappers that another import of these very modules has left: one call is one record."""
    while isinstance(method, wrapt.FunctionWrapper):
        wrapper: Any = method._self_wrapper  # noqa: SLF001 - wrapt has no other way
        enabled: Any = method._self_enabled  # noqa: SLF001 - see above
        name, made_in = getattr(wrapper, "__module__", None) or "", getattr(wrapper, "__globals__", None)
        if name.startswith(_HOUSE) and made_in is not vars(sys.modules.get(name, sys)):
            enabled.__self__.on = False
        method = method.__wrapped__


_HOUSE = __name__.rpartition(".")[0]
"""The package of the hooks."""
