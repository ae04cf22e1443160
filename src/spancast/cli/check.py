"""`spancast check NAME`: test a destination's endpoint and credential, and report what is wrong."""

import argparse
import json
from contextlib import closing
from datetime import UTC, datetime
from urllib.parse import urlsplit

from spancast.base.deadline import Deadline
from spancast.cli.support.couriers import destination_called
from spancast.contract import Exporter, Probe, Retry, SelfTest, Sink
from spancast.delivery.http import wire
from spancast.delivery.http.allowance import Allowance
from spancast.delivery.http.channel import Channel, Denied
from spancast.destinations import discover
from spancast.errors import ConfigurationError
from spancast.settings.resolve import resolve

OK, FAILED, UNKNOWN = 0, 1, 3
"""Exit statuses. `UNKNOWN`: the exporter has no test."""

_HUNG_UP = "Does the endpoint speak HTTPS, or another protocol? Correct it, or try again."
_CURES = {
    "Connection refused": "Nothing listens there. Start it, or correct the endpoint.",
    "Name or service not known": "There is no such host. Correct the endpoint, or fix the name resolution.",
    "nodename nor servname": "There is no such host. Correct the endpoint, or fix the name resolution.",
    "Network is unreachable": "This machine has no route to it. Check its network, or the proxy variables.",
    "Timeout": "No response in time. Is a firewall in between?",
    "disconnected": _HUNG_UP,
    "reset by peer": _HUNG_UP,
    "TLS:": "Its certificate is not trusted here. Set SSL_CERT_FILE to the authority that signed it, or fix it there.",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the verb."""
    parser.epilog = "Exit status: 0: all is well; 1: something is wrong; 3: the exporter has no test."
    parser.add_argument("name", metavar="NAME", help="the destination's name in the settings")
    parser.add_argument("--json", action="store_true", help="one object: name, ok (null: no test), problem")


def run(args: argparse.Namespace) -> int:
    """Check; return 0 when all is well, 1 when something is wrong, 3 when the exporter has no test."""
    destination = destination_called(args.name, resolve({}))
    try:
        exporter = discover.exporter(destination)
    except ConfigurationError as error:
        return _print(args, FAILED, str(error))
    if isinstance(exporter, Probe):
        problem = _probe(exporter, exporter)
    elif isinstance(exporter, SelfTest):
        problem = _self_test(exporter, exporter)
    else:
        name = discover.exporter_name(destination)
        return _print(args, UNKNOWN, f"{name} has no test. To see whether it accepts calls, run: spancast deliver")
    return _print(args, OK if problem is None else FAILED, problem)


def _self_test(exporter: Exporter | Sink, test: SelfTest) -> str | None:
    """Return `None` if all is well, else the problem and its cure, in one line."""
    with closing(Channel(exporter)) as channel:
        problem = test.self_test()
        return problem and channel.secrets.redact(problem)


def _probe(exporter: Exporter | Sink, probe: Probe) -> str | None:
    """Return `None` if all is well, else the problem and its cure, in one line."""
    with closing(Channel(exporter)) as channel:
        request = probe.probe(datetime.now(UTC))
        try:
            reply = channel.post(request, Allowance(Deadline(wire.TIMEOUT_SECONDS), lambda: False))
        except (wire.Unsent, wire.Ambiguous) as error:
            return _sentences(f"{_origin(request.url)}: {error}", _cure(str(error)))
        except Denied as error:
            cure = _cure(str(error)) if isinstance(error.verdict, Retry) else "Set the right credential."
            return _sentences(str(error), cure)
    problem = probe.diagnose(reply)
    return problem and channel.secrets.redact(problem)


def _sentences(problem: str, cure: str) -> str:
    return f"{problem.removesuffix('.')}. {cure}".rstrip()


def _origin(url: str) -> str:
    """Return a URL without its path, which in a webhook's may be a secret."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"


def _cure(error: str) -> str:
    return next((cure for part, cure in _CURES.items() if part in error), "")


def _print(args: argparse.Namespace, status: int, problem: str | None) -> int:
    if args.json:
        print(json.dumps({"name": args.name, "ok": _MEANING[status], "problem": problem}))
    else:
        print(f"{args.name}: {problem or 'ok'}")
    return status


_MEANING = {OK: True, FAILED: False, UNKNOWN: None}
