"""The application's own objects as text."""

from uuid import UUID

import pytest

from spancast.base.texts import as_text
from tests.support.features import Feature


class Shouting(str):
    __slots__ = ()

    def __str__(self) -> str:
        return self.upper()


@pytest.mark.parametrize(
    ("seen", "text"),
    [
        (Feature.SEARCH, "search"),
        (Shouting("ü_42"), "ü_42"),
        ("u_42", "u_42"),
        (42, "42"),
        (UUID(int=1), "00000000-0000-0000-0000-000000000001"),
    ],
    ids=repr,
)
def test_a_text_is_itself_whatever_its_class_writes(seen: object, text: str) -> None:
    assert (as_text(seen), type(as_text(seen))) == (text, str)
