"""The public face, and what it costs to import."""

import subprocess
import sys

import spancast


def test_the_public_names() -> None:
    assert sorted(spancast.__all__) == [
        "Destination",
        "OpenRouterInstrumentor",
        "attribute",
        "flush",
        "ledger",
        "start",
        "stop",
    ]
    for name in spancast.__all__:
        assert getattr(spancast, name) is not None


def test_an_unknown_name_is_an_attribute_error() -> None:
    assert not hasattr(spancast, "begin_everything")


def test_importing_spancast_imports_nothing_heavy() -> None:
    script = "import sys, spancast; print(*{name.split('.')[0] for name in sys.modules})"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)

    assert not set(done.stdout.split()) & {"opentelemetry", "httpx", "httpx2", "wrapt", "sqlite3", "structlog"}
