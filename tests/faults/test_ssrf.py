"""Row 45: we connect to the destinations of the settings, and to nothing else, whatever anybody says."""

import json
import os
import subprocess
import sys

from spancast.testing import Simulator
from tests.support.faults import modes
from tests.support.faults.collector import FaultCollector

PROGRAM = """
import json, sys
connects = []
sys.addaudithook(lambda event, told: connects.append(told[1]) if event == "socket.connect" else None)
import spancast
spancast.start(capture_content=True)
import httpx2
bad = sys.argv[2]
body = {"model": "openai/gpt-4o-mini", "user": bad, "messages": [{"role": "user", "content": [
    {"type": "text", "text": bad}, {"type": "image_url", "image_url": {"url": bad}}]}]}
key = {"authorization": "Bearer sk-or-v1-simulator"}
httpx2.Client(trust_env=False).post(sys.argv[1] + "/chat/completions", headers=key, json=body)
spancast.flush(float(sys.argv[3]))
spancast.stop(0.0)
print(json.dumps([list(address[:2]) for address in connects]))
"""


def connects(tmp_path, openrouter, platform, patience, **surroundings) -> set[int]:
    """Return the ports that a program connected to which calls OpenRouter, and has its calls sent to a platform."""
    environment = {
        **os.environ,
        "SPANCAST_HOME": str(tmp_path),
        "SPANCAST_HOSTS": openrouter.address,
        "SPANCAST_DESTINATIONS": "otlp",
        "OTEL_EXPORTER_OTLP_ENDPOINT": platform.url,
        **surroundings,
    }
    bad = "http://169.254.169.254/latest/meta-data/"
    command = [sys.executable, "-c", PROGRAM, openrouter.base_url, bad, str(patience)]
    done = subprocess.run(command, env=environment, check=True, capture_output=True, text=True, timeout=60)
    addresses = json.loads(done.stdout)
    assert {host for host, _ in addresses} == {"127.0.0.1"}
    return {port for _, port in addresses}


def test_a_redirect_leads_nowhere(tmp_path):
    with Simulator(seed=1) as openrouter, FaultCollector().open() as elsewhere, FaultCollector().open() as platform:
        platform.mode = modes.redirect(307, elsewhere.url)
        openrouter_port = int(openrouter.address.rpartition(":")[2])
        assert connects(tmp_path, openrouter, platform, 3.0) == {openrouter_port, platform.port}
        assert (len(platform.received) > 0, elsewhere.connections) == (True, [])


def test_addresses_in_what_is_asked_are_not_visited_and_a_proxy_is_not_asked_for_this_machine(tmp_path):
    with Simulator(seed=1) as openrouter, FaultCollector().open() as proxy, FaultCollector().open() as platform:
        openrouter_port = int(openrouter.address.rpartition(":")[2])
        proxies = dict.fromkeys(("http_proxy", "https_proxy", "all_proxy"), proxy.url)
        assert connects(tmp_path, openrouter, platform, 20.0, **proxies) == {openrouter_port, platform.port}
        assert (len(platform.accepted), proxy.connections) == (1, [])
