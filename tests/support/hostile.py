"""What an application may put into a call, by what is wrong with it: facts for `tests.support.spans.of_call`."""

from typing import Any

from spancast.records.call import Parameters

HOSTILE: dict[str, dict[str, Any]] = {
    "a lone surrogate": {
        **dict.fromkeys(("user", "session", "trace_name", "generation_name", "release", "environment"), "\ud800"),
        **dict.fromkeys(("request_model", "response_model", "provider", "error_type", "error_message"), "\udfff"),
        "tags": {"\ud800": "\udfff"},
        "metadata": {"\ud800": "\udfff"},
        "resource": {"\ud800": "\udfff"},
    },
    "no number": {"parameters": Parameters(temperature=float("nan"), top_p=float("inf"), seed=2**70)},
    "huge metadata": {"metadata": {f"key {number}": "x" * 1_000 for number in range(10_000)}},
    "one huge value": {"metadata": {"key": "x" * 20_000_000}},
    "huge tags": {"tags": {f"tag {number}": "x" * 1_000 for number in range(10_000)}},
    "keys that are prefixes of each other": {"metadata": {"a": "1", "a.b": "2", "a.b.c": "3", "": "4"}},
    "the name of no call": {"trace_name": "", "generation_name": "", "user": "", "session": ""},
}
