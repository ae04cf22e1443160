import io

import pytest

from spancast.cli.output.colour import paint_for


class Screen(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("stream", "variables", "painted"),
    [
        (Screen(), {}, "\x1b[31mx\x1b[0m"),
        (Screen(), {"NO_COLOR": ""}, "\x1b[31mx\x1b[0m"),
        (Screen(), {"NO_COLOR": "1"}, "x"),
        (Screen(), {"TERM": "dumb"}, "x"),
        (io.StringIO(), {}, "x"),
    ],
)
def test_colour_is_for_terminals_whose_user_does_not_mind(monkeypatch, stream, variables, painted):
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert paint_for(stream)("x", "red") == painted


def test_nothing_is_painted_as_nothing():
    assert paint_for(Screen())("", "red") == ""
