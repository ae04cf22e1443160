"""Daemon threads that end without a traceback, even if `threading` was patched while they ran."""

import threading
from collections.abc import Callable


class Daemon(threading.Thread):
    """Calls a function in a thread that does not delay the end of the process."""

    def __init__(self, target: Callable[[], None], name: str) -> None:
        """Prepare the thread; `start` raises `RuntimeError` where no thread can be started."""
        super().__init__(target=target, name=name, daemon=True)

    def run(self) -> None:
        """Call the function, and then register the thread under the identifier that it has by now.

        The identifier changes if `threading` is patched meanwhile, as gevent does. A thread that is not registered
        under its identifier ends with a traceback on standard error; `current_thread` registers it.
        """
        try:
            super().run()
        finally:
            threading.current_thread()
