"""Points in time on the command line; `spancast.base.moments` has what may be written."""

import argparse
from datetime import datetime

from spancast.base import moments


def moment(text: str) -> datetime:
    """Return the instant that `text` means; raise `argparse.ArgumentTypeError` for one that means none."""
    at = moments.moment(text)
    if at is None:
        raise argparse.ArgumentTypeError(f"{text!r} is no time. {moments.CURE}")
    return at
