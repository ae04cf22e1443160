"""The client libraries' own tests, with the hooks listening to every request: none fails that does not fail bare.

The suites are downloaded, and each has an environment of its own below `.venv-clients`.
"""

from pathlib import Path

import pytest

from tests.clients.suites import Suite, python_of, run, source_of

SUITES = (
    Suite(
        "urllib3",
        requires=(
            "urllib3",
            "anyio[trio]>=4.8",
            "brotli>=1.2",
            "backports.zstd>=1.0; python_version < '3.14'",
            "cryptography>=44",
            "h2>=4.1",
            "httpx>=0.28",
            "hypercorn>=0.15",
            "idna>=3.10",
            "pysocks>=1.7",
            "pytest-socket>=0.7",
            "quart>=0.20",
            "quart-trio>=0.12",
            "trustme>=1.2.1",
        ),
        tests=("test/with_dummyserver", "test/test_response.py", "test/test_connectionpool.py", "test/test_retry.py"),
        # Threads race there for a lock, and the test fails now and then, or hangs; it connects, and asks for nothing.
        options=("-k", "not http2_probe"),
        least=400,
    ),
    Suite(
        "requests",
        requires=("requests[socks]", "httpbin~=0.10.0", "pytest-httpbin==2.1.0", "pytest-mock>=3", "trustme>=1.2"),
        tests=("tests",),
        least=200,
    ),
    Suite(
        "aiohttp",
        requires=(
            "aiohttp[speedups]",
            "blockbuster>=1.5",
            "coverage>=7",
            "freezegun>=1.5",
            "isal>=1.7; python_version < '3.14'",
            "proxy.py>=2.4.4rc5",
            "pytest-mock>=3.14",
            "trustme>=1.2.1",
            "zlib_ng>=0.5",
        ),
        tests=(
            "test_client_functional.py",
            "test_client_session.py",
            "test_client_response.py",
            "test_client_middleware.py",
            "test_client_middleware_digest_auth.py",
            "test_client_ws_functional.py",
            "test_proxy_functional.py",
            "test_streams.py",
            "test_tracing.py",
            "test_leaks.py",
        ),
        # Its own options ask for plugins that count lines and use every core.
        options=("-o", "addopts=", "-m", "not dev_mode and not autobahn and not internal"),
        least=400,
        within="tests",
    ),
    Suite(
        "httpx",
        requires=(
            "httpx[brotli,cli,http2,socks,zstd]>=0.28",
            "chardet>=5.2",
            "cryptography>=44",
            "trio>=0.30",
            "trustme>=1.2.1",
            "uvicorn>=0.34",
        ),
        tests=("tests",),
        least=200,
    ),
    Suite(
        "urllib",
        requires=(),
        tests=("test.test_urllib2", "test.test_urllib2_localnet", "test.test_httplib", "test.test_urllib_response"),
        options=("--pyargs",),
        least=40,
        packaged=False,
    ),
)


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("suite", SUITES, ids=str)
def test_no_test_of_a_clients_own_fails_when_it_is_hooked(suite: Suite, tmp_path: Path) -> None:
    python = python_of(suite)
    source = source_of(suite, python)

    bare = run(suite, python, source, tmp_path, hooked=False)
    hooked = run(suite, python, source, tmp_path, hooked=True)

    assert hooked.ended == bare.ended > 100
    assert hooked.heard["opened"] >= suite.least
    failed = hooked.failed - bare.failed
    if failed:  # some of them depend on the time of day: what counts is what fails again, and does not bare
        again = run(suite, python, source, tmp_path, *failed, hooked=True).failed
        failed = again - run(suite, python, source, tmp_path, *failed, hooked=False).failed
    assert failed == frozenset()
