"""`spancast check NAME`: ask a platform whether it takes what we would send, and say what is wrong."""

import argparse
import json
from contextlib import closing
from datetime import UTC, datetime
from urllib.parse import urlsplit

from spancast.base.deadline import Deadline
from spancast.cli.serving import destination_called
from spancast.contract import Exporter, Probe, Retry, SelfTest, Sink
from spancast.delivery.http import wire
from spancast.delivery.http.allowance import Allowance
from spancast.delivery.http.channel import Channel, Denied
from spancast.destinations import discover
from spancast.errors import ConfigurationError
from spancast.settings.resolve import resolve

OK, FAILED, UNKNOWN = 0, 1, 3
"""Exit statuses. `UNKNOWN`: nothing was asked, for the exporter has no test."""

_HUNG_UP = "Is it HTTPS that is spoken there, or another protocol? Set the endpoint right, or try again."
_CURES = {
    "Connection refused": "Nothing listens there. Start it, or set the endpoint right.",
    "Name or service not known": "There is no such host. Set the endpoint right, or mend the name service.",
    "nodename nor servname": "There is no such host. Set the endpoint right, or mend the name service.",
    "Network is unreachable": "This machine has no way there. Look at its network, or at the proxy variables.",
    "Timeout": "No answer came in time. Is there a firewall in between?",
    "disconnected": _HUNG_UP,
    "reset by peer": _HUNG_UP,
    "TLS:": "Its certificate is not trusted here. Set SSL_CERT_FILE to the authority that signed it, or mend it there.",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the verb."""
    parser.add_argument("name", metavar="NAME", help="the destination, as it is called in the settings")
    parser.add_argument("--json", action="store_true", help="one object: name, ok (null: no test), problem")


def run(args: argparse.Namespace) -> int:
    """Check; return 0 when all is well, 1 when something is wrong, 3 when the exporter has no test."""
    destination = destination_called(args.name, resolve({}))
    try:
        exporter = discover.exporter(destination)
    except ConfigurationError as error:
        return _say(args, FAILED, str(error))
    if isinstance(exporter, Probe):
        problem = _asked(exporter, exporter)
    elif isinstance(exporter, SelfTest):
        problem = _tested(exporter, exporter)
    else:
        name = discover.exporter_name(destination)
        return _say(args, UNKNOWN, f"{name} has no test. Whether it takes calls shows in: spancast deliver")
    return _say(args, OK if problem is None else FAILED, problem)


def _tested(exporter: Exporter | Sink, test: SelfTest) -> str | None:
    """Return `None` when all is well, else what is wrong and the cure, in one line."""
    with closing(Channel(exporter)) as channel:
        told = test.tested()
        return told and channel.secrets.out_of(told)


def _asked(exporter: Exporter | Sink, probe: Probe) -> str | None:
    """Return `None` when all is well, else what is wrong and the cure, in one line."""
    with closing(Channel(exporter)) as channel:
        request = probe.probe(datetime.now(UTC))
        try:
            reply = channel.post(request, Allowance(Deadline(wire.PATIENCE), lambda: False))
        except (wire.Unsent, wire.Ambiguous) as error:
            return _told(f"{_place(request.url)}: {error}", _cure(str(error)))
        except Denied as error:
            cure = _cure(str(error)) if isinstance(error.verdict, Retry) else "Set the right credential."
            return _told(str(error), cure)
    told = probe.diagnose(reply)
    return told and channel.secrets.out_of(told)


def _told(what: str, cure: str) -> str:
    return f"{what.removesuffix('.')}. {cure}".rstrip()


def _place(url: str) -> str:
    """Return who was called, without a path: that of a webhook may be its secret."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"


def _cure(said: str) -> str:
    return next((cure for part, cure in _CURES.items() if part in said), "")


def _say(args: argparse.Namespace, status: int, problem: str | None) -> int:
    if args.json:
        print(json.dumps({"name": args.name, "ok": _MEANING[status], "problem": problem}))
    else:
        print(f"{args.name}: {problem or 'ok'}")
    return status


_MEANING = {OK: True, FAILED: False, UNKNOWN: None}
