"""What is kept of a long text that a secret stands in."""

import pytest

from spancast.base.bounded import TRUNCATED
from spancast.trace import sanitizing
from spancast.trace.sanitizing import Sanitizer


@pytest.mark.parametrize("before", ["", "x" * 60])
def test_a_secret_across_the_cut_is_not_kept_and_the_text_is_marked(
    before: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sanitizing, "MAX_TEXT_BYTES", 100)
    secret = "p" * 10_000
    kept = Sanitizer(content=True).text(f"{before} password={secret}")
    assert kept.endswith(TRUNCATED)
    assert "ppp" not in kept
