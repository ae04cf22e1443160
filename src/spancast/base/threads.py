"""Threads of our own: daemons, which end in silence whatever has become of `threading` since they began."""

import threading
from collections.abc import Callable


class Daemon(threading.Thread):
    """Does one thing, and holds up no end of the process."""

    def __init__(self, target: Callable[[], None], name: str) -> None:
        """Name it and what it does; `start` raises `RuntimeError` where no thread can be started."""
        super().__init__(target=target, name=name, daemon=True)

    def run(self) -> None:
        """Do it, and then be known by the number that this thread has by now: it is struck off under that.

        It is another where a program has had `threading` patched meanwhile, as gevent does it; a thread that is unknown
        there ends with a traceback on standard error. Whoever asks for the current thread is entered.
        """
        try:
            super().run()
        finally:
            threading.current_thread()
