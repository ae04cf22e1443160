"""Durations on the command line, in seconds."""

import argparse
from collections.abc import Callable


def seconds(least: float, most: float = 86_400.0) -> Callable[[str], float]:
    """Return a parser for a number of seconds, which raises `argparse.ArgumentTypeError` for any other text."""

    def parse(argument: str) -> float:
        try:
            number = float(argument)
        except ValueError:
            number = -1.0
        if not least <= number <= most:  # false for NaN, too
            raise argparse.ArgumentTypeError(f"{argument!r} is not a time. Write seconds, from {least:g} to {most:g}.")
        return number

    return parse
