"""Who is signed in, in Django. Its servers are in `frameworks`; what a user is asked for needs none."""

from types import SimpleNamespace
from uuid import UUID

import pytest

from spancast.attribution.django import signed_in
from tests.support.features import Feature


@pytest.mark.parametrize(
    ("pk", "known"), [(7, "7"), (UUID(int=1), "00000000-0000-0000-0000-000000000001"), (Feature.SEARCH, "search")]
)
def test_the_primary_key_is_the_user(pk: object, known: str) -> None:
    assert signed_in(SimpleNamespace(user=SimpleNamespace(pk=pk, is_authenticated=True))) == known
