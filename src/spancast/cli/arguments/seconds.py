"""Lengths of time as they are written on the command line, in seconds."""

import argparse
from collections.abc import Callable


def seconds(least: float, most: float = 86_400.0) -> Callable[[str], float]:
    """Return what reads a number of seconds; it raises `argparse.ArgumentTypeError` for what is no such number."""

    def read(seen: str) -> float:
        try:
            found = float(seen)
        except ValueError:
            found = -1.0
        if not least <= found <= most:  # nor is it for what is not a number
            raise argparse.ArgumentTypeError(f"{seen!r} is no time. Write seconds, from {least:g} to {most:g}.")
        return found

    return read
