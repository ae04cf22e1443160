"""The page about OpenTelemetry does what it says: both programs are run."""

import os
import subprocess
import sys
from pathlib import Path

from spancast.testing import Simulator
from tests.support.platform import Platform
from tests.support.programs import surroundings
from tests.test_docs import ROOT, blocks

OURS, THEIRS = blocks((ROOT / "docs" / "opentelemetry.md").read_text("utf-8"), "python")


def ran(program: str, environment: dict[str, str]) -> str:
    done = subprocess.run(
        [sys.executable, "-c", program], env=environment, check=False, capture_output=True, text=True, timeout=60
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def test_an_exporter_of_ours_serves_a_span_processor(tmp_path: Path) -> None:
    with Simulator(seed=1) as openrouter, Platform().open() as platform:
        ran(OURS, surroundings(tmp_path, openrouter, PLATFORM=platform.url))
        (bill,) = openrouter.bills
    (span,) = [span for received in platform.received for span in received.spans()]
    said = {pair.key: pair.value.string_value for pair in span.attributes}
    assert said["openrouter.cost_usd"] == format(bill.cost, "f")
    assert said["spancast.metadata.team"] == "blue"


def test_a_span_exporter_of_opentelemetrys_is_a_destination(tmp_path: Path) -> None:
    with Simulator(seed=1) as openrouter:
        printed = ran(THEIRS, surroundings(tmp_path, openrouter))
        (bill,) = openrouter.bills
    assert f'"openrouter.cost_usd": "{bill.cost:f}"' in printed
    assert "Hello" not in printed
    assert printed.endswith(f"all delivered: True{os.linesep}")
