"""The harness of tests/faults: a platform that fails in every known way, and an account of what became of each span."""

import pytest

pytest.register_assert_rewrite("tests.support.faults.desk")
