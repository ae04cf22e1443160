"""The loss table: what each library loses of the records that it has taken, under the faults that matter most.

    make loss-table

Every library runs in an environment of its own, as its documentation has it, and sends to a platform on this machine
that counts the markers it sees. `docs/reliability.md` says how it is measured. It takes about nine minutes.
"""

import argparse
import gzip
import json
import re
import subprocess
import sys
import tempfile
import threading
import time
import zlib
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import zstandard

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from environments import python_of, version_of  # noqa: E402 - behind the path
from loss_work import LIBRARIES  # noqa: E402 - behind the path
from overhead import machine  # noqa: E402 - behind the path
from subjects import Subject  # noqa: E402 - behind the path

from tests.support.oracle import marks  # noqa: E402 - behind the path


def _subject(name: str, distribution: str, *requires: str) -> Subject:
    return Subject(name, distribution, "", f"loss-{name}", requires, "off")


SUBJECTS = {
    each.name: each
    for each in (
        _subject("spancast", "spancast", "{root}"),
        _subject("otel", "opentelemetry-sdk", "opentelemetry-sdk", "opentelemetry-exporter-otlp-proto-http"),
        _subject("langfuse", "langfuse", "langfuse"),
        _subject("logfire", "logfire", "logfire"),
        _subject("langsmith", "langsmith", "langsmith"),
        _subject("sentry", "sentry-sdk", "sentry-sdk"),
    )
}
COUNTED, TIMED = ("kill", "outage", "fork"), ("exit refused", "exit silent")
"""What is only counted may be run at the same time; what is timed has the machine for itself, as far as it is ours."""
SCENARIOS = (*COUNTED, *TIMED)
OUTAGE = (5.0, 25.0)
"""Seconds behind the first record between which the platform answers 503."""
MARKER = re.compile(rb"m-\d{6}-x")
LONGEST = 120.0
"""Seconds that a program may take to end; then it is killed."""


class Platform(ThreadingHTTPServer):
    """Takes whatever is posted to it, and counts the markers, while it is `up`; `down` and `silent` take nothing."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.seen: Counter[bytes] = Counter()
        self.state = "up"
        self.over = threading.Event()
        self.first = threading.Event()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing of a client that is gone."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Platform

    def do_POST(self) -> None:
        body = self._body()
        self.server.first.set()
        if self.server.state == "silent":
            self.server.over.wait(LONGEST)
            self.close_connection = True
            return
        if self.server.state == "refused":
            self.close_connection = True
            self.connection.close()
            return
        if self.server.state == "up":
            self.server.seen.update({*MARKER.findall(_decoded(body, self.headers.get("content-encoding", "")))})
        protobuf = "protobuf" in self.headers.get("content-type", "")
        self._say(200 if self.server.state == "up" else 503, b"" if protobuf else b"{}", protobuf=protobuf)

    do_PUT = do_PATCH = do_POST  # noqa: N815 - the handler's names

    def do_GET(self) -> None:
        self._say(200, b"{}", protobuf=False)

    def _body(self) -> bytes:
        if self.headers.get("transfer-encoding") != "chunked":
            return self.rfile.read(int(self.headers.get("content-length", 0)))
        pieces = []
        while size := int(self.rfile.readline(), 16):
            pieces.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(pieces)

    def _say(self, status: int, body: bytes, *, protobuf: bool) -> None:
        self.send_response(status)
        self.send_header("content-type", "application/x-protobuf" if protobuf else "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        pass


def _decoded(body: bytes, encoding: str) -> bytes:
    with suppress(Exception):
        if encoding == "gzip":
            return gzip.decompress(body)
        if encoding == "deflate":
            return zlib.decompress(body)
        if encoding == "zstd":
            return zstandard.ZstdDecompressor().stream_reader(body).read()
    return body


@contextmanager
def platform() -> Iterator[Platform]:
    server = Platform()
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server
    finally:
        server.over.set()
        server.shutdown()
        server.server_close()


@dataclass(frozen=True)
class Result:
    """What became of the records of one run."""

    library: str
    scenario: str
    emitted: int
    lost: int
    doubled: int
    exit_s: float | None
    """Seconds from the program's last line to its end; `None` for one that was killed."""


def run(library: str, scenario: str, python: Path) -> Result:
    """Let a program live through a scenario, then another of the same library with all well, and count."""
    with tempfile.TemporaryDirectory() as folder, platform() as server:
        environment = {"PATH": "/usr/bin:/bin", "HOME": folder, "SPANCAST_HOME": f"{folder}/home", "TMPDIR": folder}
        program = [python, ROOT / "benchmarks" / "loss_work.py", library]

        def started(of: str) -> "subprocess.Popen[str]":
            return subprocess.Popen(
                [*program, of, server.url, f"{folder}/marks"],
                env=environment,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                text=True,
            )

        if scenario.startswith("exit"):
            server.state = scenario.removeprefix("exit ")
        exit_s = _lived(started(scenario), server, scenario)
        server.state = "up"
        server.over.set()
        _lived(started("again"), server, "again")
        deadline = time.monotonic() + 5.0
        emitted = set(marks(f"{folder}/marks", "emitted"))
        if not emitted:
            raise RuntimeError(f"{library} took no record in {scenario}: what it loses is not measured.")
        while time.monotonic() < deadline and len(server.seen) < len(emitted):
            time.sleep(0.1)
        seen = {marker.decode(): count for marker, count in server.seen.items()}
        lost = len(emitted - {*seen})
        return Result(library, scenario, len(emitted), lost, sum(count - 1 for count in seen.values()), exit_s)


def _lived(process: "subprocess.Popen[str]", server: Platform, scenario: str) -> float | None:
    if scenario == "outage":
        server.first.wait(30)
        time.sleep(OUTAGE[0])
        server.state = "down"
        time.sleep(OUTAGE[1] - OUTAGE[0])
        server.state = "up"
    assert process.stdout is not None
    line = process.stdout.readline()
    began = time.monotonic()
    try:
        process.wait(LONGEST)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    return time.monotonic() - began if line else None


def cell(result: Result) -> str:
    """Return what the table says of a run."""
    lost = f"{result.lost} of {result.emitted}" if result.lost else f"**0** of {result.emitted}"
    more = [] if not result.doubled else [f"{result.doubled} doubled"]
    if result.scenario.startswith("exit") and result.exit_s is not None:
        more.append(f"exit {result.exit_s:.1f} s" if result.exit_s < LONGEST else f"killed after {LONGEST:.0f} s")
    return "; ".join([lost, *more])


def table(results: Sequence[Result], versions: dict[str, str]) -> Iterator[str]:
    """Yield the lines of the table, a library a column."""
    names = list(versions)
    yield f"| lost of those taken | {' | '.join(f'{name} {versions[name]}' for name in names)} |"
    yield f"|---|{'---|' * len(names)}"
    for scenario in SCENARIOS:
        cells = {each.library: cell(each) for each in results if each.scenario == scenario}
        yield f"| {scenario} | {' | '.join(cells.get(name, '') for name in names)} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0] if __doc__ else None)
    parser.add_argument("--only", nargs="+", default=list(LIBRARIES), metavar="NAME", help="some libraries alone")
    parser.add_argument("--json", action="store_true", help="every figure")
    given = parser.parse_args()
    pythons = {name: python_of(SUBJECTS[name]) for name in given.only}
    versions = {name: version_of(pythons[name], SUBJECTS[name].distribution) for name in given.only}
    results: list[Result] = []
    for scenarios, at_once in ((COUNTED, 3), (TIMED, 1)):
        runs = [(name, scenario) for scenario in scenarios for name in given.only]
        with ThreadPoolExecutor(at_once) as threads:
            results += threads.map(lambda each: run(*each, pythons[each[0]]), runs)
    if given.json:
        print(json.dumps([vars(each) for each in results], indent=2))
    print("\n".join(table(results, versions)))
    print(f"\nOne run a cell; {machine()}.")


if __name__ == "__main__":
    main()
