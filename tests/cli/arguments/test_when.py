import argparse

import pytest

from spancast.cli.arguments.when import moment


@pytest.mark.parametrize("text", ["", "ever", "7", "7y", "-7d", "2026-13-01", "999999999w", "٣d"])
def test_what_means_no_time_is_refused_with_the_cure(text):
    with pytest.raises(argparse.ArgumentTypeError, match="Write 30m, 24h, 7d or 2w"):
        moment(text)
