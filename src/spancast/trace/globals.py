"""The application's global providers, cached for each call: the API itself reads the environment each time."""

from collections.abc import Callable
from types import ModuleType
from typing import Generic, TypeVar

from opentelemetry import metrics, trace

T = TypeVar("T")


class Global(Generic[T]):
    """The result of an API function, cached until the variable in which the API stores it changes.

    If the API stores it elsewhere, the function is called each time.
    """

    def __init__(self, module: ModuleType, variable: str, get: Callable[[], T]) -> None:
        self._module = module
        self._variable = variable
        self._get = get
        self._cached: tuple[object, T] | None = None

    def __call__(self) -> T:
        """Return the current result."""
        stored = getattr(self._module, self._variable, self)
        cached = self._cached
        if cached is None or cached[0] is not stored or stored is self:
            self._cached = cached = stored, self._get()
        return cached[1]


tracer_provider = Global(trace, "_TRACER_PROVIDER", trace.get_tracer_provider)
meter_provider = Global(getattr(metrics, "_internal", metrics), "_METER_PROVIDER", metrics.get_meter_provider)
