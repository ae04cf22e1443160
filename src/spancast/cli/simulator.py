"""`spancast simulator`: an OpenRouter that runs on this machine."""

import argparse


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the verb."""
    parser.add_argument("--port", type=_port, default=8087, help="where to listen; 0 for any free port (default: 8087)")
    parser.add_argument("--host", default="127.0.0.1", help="the address to listen on (default: this machine only)")


def _port(text: str) -> int:
    if not text.isascii() or not text.isdigit() or int(text) > _HIGHEST:
        raise argparse.ArgumentTypeError(f"{text!r} is not a port. Write one from 0 to {_HIGHEST}.")
    return int(text)


_HIGHEST = 65_535


def run(args: argparse.Namespace) -> int:
    """Serve until interrupted."""
    from spancast.testing.simulator import main_simulator  # noqa: PLC0415 - heavy, and needed by this verb alone

    return main_simulator(port=args.port, host=args.host)
