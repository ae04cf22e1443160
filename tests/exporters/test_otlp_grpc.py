"""OTLP over gRPC: what a server says, and what is made of it. A collector's is in `test_otlp_collector.py`."""

import json
from typing import Any

import pytest
import trustme

from spancast.destinations import discover
from spancast.destinations.destination import Destination
from spancast.errors import ConfigurationError
from tests.support.grpc_scenes import TRACE, played

LATER = ("CANCELLED", "DEADLINE_EXCEEDED", "ABORTED", "OUT_OF_RANGE", "UNAVAILABLE", "DATA_LOSS")
"""What is tried again (OTLP specification, "OTLP/gRPC Response")."""
NEVER = ("UNKNOWN", "INVALID_ARGUMENT", "ALREADY_EXISTS", "FAILED_PRECONDITION", "INTERNAL", "RESOURCE_EXHAUSTED")
SAID: list[tuple[dict[str, Any], list[Any]]] = [
    ({}, ["delivered"]),
    ({"rejected": 4, "words": "key conflict"}, ["rejected", "rejected: key conflict", 4]),
    ({"rejected": 1, "words": "key conflict"}, ["split", "rejected: key conflict"]),
    ({"words": "a warning"}, ["delivered"]),
    *(({"code": code, "words": "busy"}, ["retry", f"{code}: busy", None]) for code in LATER),
    *(({"code": code, "words": "no"}, ["rejected", f"{code}: no", 4]) for code in NEVER),
    ({"code": "UNAVAILABLE", "wait": 2.5}, ["retry", "UNAVAILABLE", 2.5]),
    ({"code": "RESOURCE_EXHAUSTED", "words": "slow down", "wait": 30}, ["retry", "RESOURCE_EXHAUSTED: slow down", 30]),
    ({"code": "UNAUTHENTICATED"}, ["unauthorized", "UNAUTHENTICATED"]),
    ({"code": "PERMISSION_DENIED", "words": "no"}, ["unauthorized", "PERMISSION_DENIED: no"]),
    ({"code": "UNIMPLEMENTED"}, ["retry", "UNIMPLEMENTED", None]),
    ({"code": "NOT_FOUND"}, ["retry", "NOT_FOUND", None]),
    (
        {"code": "OUT_OF_RANGE", "words": "Error, decoded message length too large: found 9 bytes"},
        ["split", "OUT_OF_RANGE: Error, decoded message length too large: found 9 bytes"],
    ),
]


@pytest.fixture(scope="module")
def answers() -> list[dict[str, Any]]:
    return played("asked", json.dumps([said for said, _ in SAID]))


@pytest.mark.slow
@pytest.mark.parametrize("number", range(len(SAID)), ids=[f"{said}" for said, _ in SAID])
def test_what_a_server_says_is_read_as_the_specification_has_it(answers, number):
    assert answers[number]["verdict"] == SAID[number][1]


@pytest.mark.slow
def test_a_request_carries_the_spans_the_headers_and_a_deadline_and_is_made_once(answers):
    for answer in answers:
        (seen,) = answer["seen"]
        assert seen["spans"] == TRACE
        assert seen["metadata"]["api-key"] == "k-0123456789abcdef"
        assert seen["metadata"]["user-agent"].startswith("spancast ")
        assert 5 < seen["left"] <= 10.1  # gRPC writes a deadline in three digits, and rounds it up
        assert "0123456789abcdef" not in answer["repr"]


@pytest.mark.slow
def test_a_test_sends_no_span_and_tells_what_is_wrong():
    said = [{}, {"code": "UNAUTHENTICATED", "words": "no"}, {"code": "UNIMPLEMENTED"}, {"code": "INTERNAL"}]
    well, stranger, other, broken, nobody = played("probed", json.dumps(said))
    cure = "Does a server of OTLP over gRPC listen there?"
    assert well == [None, [[]]]
    assert stranger[0].startswith("HOST refuses the credential (UNAUTHENTICATED: no). Check headers=")
    assert other[0] == f"HOST answers UNIMPLEMENTED. {cure}"
    assert broken[0] == f"HOST answers INTERNAL. {cure}"
    assert nobody.startswith("HOST answers UNAVAILABLE: failed to connect")


@pytest.mark.slow
def test_a_server_that_comes_back_is_found_at_once_and_a_closed_sink_opens_again():
    found = played("gone and back")
    assert found["before"][0] == "retry"
    assert found["before"][1].startswith("UNAVAILABLE: failed to connect")
    assert (found["after"], found["again"], found["seen"]) == (["delivered"], ["delivered"], 2)


@pytest.mark.slow
def test_a_server_that_says_nothing_is_listened_to_for_ten_seconds():
    found = played("silent")
    assert found["verdict"] == ["retry", "DEADLINE_EXCEEDED: Deadline Exceeded", None]
    assert 10 <= found["listened"] <= 10.5


@pytest.mark.slow
def test_our_own_request_is_not_traced():
    assert played("traced") == {"ours": 0, "theirs": 1}


@pytest.mark.slow
def test_a_forked_child_has_a_connection_of_its_own():
    assert played("forked") == {"first": ["delivered"], "child": ["delivered"], "parent": ["delivered"]}


@pytest.mark.slow
def test_what_is_larger_than_servers_take_is_asked_for_in_parts():
    found = played("large")
    assert found["two"] == ["split", "larger than 4,000,000 bytes"]
    assert found["huge"][0] == "split"
    assert "larger than max" in found["huge"][1]
    assert (found["one"], found["seen"]) == (["delivered"], 1)


@pytest.mark.slow
def test_tls_trusts_whom_it_is_told_to_trust(tmp_path):
    authority = trustme.CA()
    server = authority.issue_cert("127.0.0.1")
    files = {name: tmp_path / name for name in ("key", "chain", "authority")}
    server.private_key_pem.write_to_path(files["key"])
    server.cert_chain_pems[0].write_to_path(files["chain"])
    authority.cert_pem.write_to_path(files["authority"])
    found = played("tls", *(str(file) for file in files.values()))
    assert found["trusted"] == ["delivered"]
    assert found["unknown"][:1] == ["retry"]
    assert found["missing"] == ["retry", "FileNotFoundError: No such file or directory", None]


@pytest.mark.slow
def test_a_key_that_the_server_quotes_is_kept_by_nobody(tmp_path):
    assert played("quoted", home=tmp_path) == {
        "state": "parked",
        "reason": "UNAUTHENTICATED: bad key [removed]",
        "waiting": 4,
    }


def grpc_is_here() -> bool:
    try:
        import grpc  # noqa: F401, PLC0415 - what is asked
    except ModuleNotFoundError:
        return False
    return True


@pytest.mark.skipif(grpc_is_here(), reason="gRPC is installed beside the tests: nothing is missing.")
def test_without_grpc_the_extra_is_named():
    with pytest.raises(ConfigurationError, match=r"spancast\[grpc\]"):
        discover.exporter(Destination("otlp", protocol="grpc"))
