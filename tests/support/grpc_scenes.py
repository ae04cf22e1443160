"""What is played with gRPC, in an environment that has it: the scenes of `platforms/otlp_grpc.py`."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

from tests.support.environments import ROOT, python_with

NEEDS = ("grpcio>=1.66", "googleapis-common-protos>=1.63", "opentelemetry-instrumentation-grpc", "pytest>=9")
SCRIPT = ROOT / "tests" / "support" / "platforms" / "otlp_grpc.py"
TRACE = ["00f067aa0ba902b7", "b7ad6b7169203331", "53995c3f42cd8ad8", "ec71ae3c4e1f5a10"]
"""The ids of the spans that are sent."""


def played(scene: str, *arguments: str, home: Path | str = "") -> Any:
    """Return what the script prints of a scene."""
    done = subprocess.run(
        [python_with("beside/grpc", *NEEDS), SCRIPT, home, scene, *arguments],
        stdout=subprocess.PIPE,
        check=True,
        timeout=100,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    return json.loads(done.stdout)
