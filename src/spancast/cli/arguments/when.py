"""Points in time on the command line; see `spancast.base.moments` for the syntax."""

import argparse
from datetime import datetime

from spancast.base import moments


def moment(text: str) -> datetime:
    """Return the instant that `text` means; raise `argparse.ArgumentTypeError` if it cannot be parsed."""
    at = moments.parse(text)
    if at is None:
        raise argparse.ArgumentTypeError(f"{text!r} is not a time. {moments.SYNTAX}")
    return at
