import signal
import sys
import urllib.request

import pytest

from tests.bookkeeping.records import python


@pytest.mark.skipif(sys.platform == "win32", reason="signals are POSIX's")
def test_the_simulator_serves_until_it_is_interrupted():
    script = "import sys; from spancast.cli import main; sys.exit(main(['simulator', '--port', '0']))"
    with python(script) as process:
        assert process.stdout is not None
        address = process.stdout.readline().split()[-1]
        with urllib.request.urlopen(f"{address}/models") as answer:
            assert answer.status == 200
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=60) == 0
