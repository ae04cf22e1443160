"""What every test here begins and ends with: nobody, and no rules."""

from collections.abc import Iterator

import pytest
from opentelemetry import baggage

from spancast.attribution import rules
from spancast.attribution.attribution import UNKNOWN
from spancast.attribution.context import current
from spancast.attribution.rules import Rules


@pytest.fixture(autouse=True)
def _nobody_before_and_after() -> Iterator[None]:
    rules.set_rules(Rules())
    assert current() == UNKNOWN
    assert not baggage.get_all()
    yield
    rules.set_rules(Rules())
    assert current() == UNKNOWN
    assert not baggage.get_all()
