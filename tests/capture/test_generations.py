"""What GET /generation says of a generation, as it was recorded."""

from decimal import Decimal

import pytest

from spancast.capture.generations import generation_facts
from tests.support.recordings import recordings
from tests.support.shared import needs_shared

FIELDS = ("input_tokens", "output_tokens", "cached_tokens", "reasoning_tokens", "provider", "response_model", "is_byok")


@needs_shared
def test_every_recorded_lookup_gives_what_it_states():
    found = [each for each in recordings("generation_lookup") if each.response["status"] == 200]
    assert len(found) == 6
    for recording in found:
        facts = generation_facts(recording.response["body"].encode())
        assert {name: facts.get(name) for name in FIELDS} == {name: recording.expect[name] for name in FIELDS}
        assert facts["cost"] == Decimal(recording.expect["cost"]), recording.id
        assert facts["generation_id"] == recording.expect["generation_id"]


@needs_shared
def test_a_recorded_lookup_that_came_too_early_states_nothing():
    early = [each for each in recordings("generation_lookup") if each.response["status"] == 404]
    assert {generation_facts(each.response["body"].encode()) and each.id for each in early} == {None}


@pytest.mark.parametrize("body", [b"", b"null", b"[1]", b"{", b'{"data":[]}', b'{"data":{"total_cost":"0.1"}}'])
def test_what_is_no_generation_states_nothing(body):
    assert generation_facts(body) is None


def test_what_is_of_the_wrong_kind_is_unknown_and_spoils_nothing_beside_it():
    body = b'{"data":{"total_cost":1e-7,"native_tokens_prompt":"3","is_byok":1,"model":[],"provider_name":""}}'
    assert generation_facts(body) == {"cost": Decimal("1e-7")}
