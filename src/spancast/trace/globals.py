"""The application's global providers, asked for with every call: the API itself reads the environment each time."""

from collections.abc import Callable
from types import ModuleType
from typing import Generic, TypeVar

from opentelemetry import metrics, trace

T = TypeVar("T")


class Global(Generic[T]):
    """What an API function returns, asked for anew when the slot in which the API keeps it has changed.

    An API that keeps it elsewhere is asked each time.
    """

    def __init__(self, module: ModuleType, slot: str, ask: Callable[[], T]) -> None:
        self._module = module
        self._slot = slot
        self._ask = ask
        self._known: tuple[object, T] | None = None

    def __call__(self) -> T:
        """Return it."""
        kept = getattr(self._module, self._slot, self)
        known = self._known
        if known is None or known[0] is not kept or kept is self:
            self._known = known = kept, self._ask()
        return known[1]


tracer_provider = Global(trace, "_TRACER_PROVIDER", trace.get_tracer_provider)
meter_provider = Global(getattr(metrics, "_internal", metrics), "_METER_PROVIDER", metrics.get_meter_provider)
