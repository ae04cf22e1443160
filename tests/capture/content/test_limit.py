"""What is stored of content: not all, not deep, no media, no secrets, and nothing that the application removes."""

import json
import time
from base64 import b64encode
from hashlib import sha256
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spancast.capture.content import parts
from spancast.capture.content.limit import CALL, DEPTH, ITEMS, NAME, VALUE, Limit
from tests.support.shapes import check_messages, check_parts, check_tools
from tests.support.spoken import spoken

KEYS = [
    "sk-or-v1-" + "0123456789abcdef" * 4,
    "sk-proj-AbCdEfGh12345678",
    "sk-ant-api03-AbCdEfGh12345678",
    "pk-lf-1234567890abcdef",
    "sk_live_AbCdEfGh12345678",
    "ghp_AbCdEfGhIjKlMnOpQrStUvWxYz0123456789",
    "github_pat_11AAAAAAA0123456789abcdef",
    "glpat-AbCdEfGh12345678",
    "xoxb-1234567890-abcdef",
    "hf_AbCdEfGhIjKlMnOpQrStUv",
    "lsv2_pt_0123456789abcdef01234567",
    "AIzaSyA0123456789abcdefghijklmnopqrstuv",
    "AKIAIOSFODNN7EXAMPLE",
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.c2lnbmF0dXJl",
    "Bearer abc.def-ghi",
    "api_key=hunter2hunter2",
    'ACCESS_TOKEN: "hunter2hunter2"',
    "password = hunter2hunter2",
    "-----BEGIN RSA PRIVATE KEY-----\nMIIEowIBAAKCAQEA0123456789\nabcdef==\n-----END RSA PRIVATE KEY-----",
]
DATA = b64encode(b"".join(sha256(bytes([number])).digest() for number in range(94))[:3000]).decode()
URL_SAFE = DATA.translate(str.maketrans("+/", "-_"))
PROSE = "It was the best of times, it was the worst of times; 'tis said. "
SECRET_PART = ["hunter2", "0123456789abcdef", "AbCdEfGh", "12345678", "MIIEow", "abc.def", "c2lnbmF0dXJl", "IOSFODNN"]


def kept(text: str, **limit: Any) -> Any:
    return Limit(**limit).value(text)


def told(*texts: str) -> list[Any]:
    return [parts.message("user", [parts.text(text)]) for text in texts]


@pytest.mark.parametrize("length", [1, VALUE - 1, VALUE])
def test_a_text_that_is_not_too_long_is_kept_whole(length: int) -> None:
    text = "a b " * (length // 4) + "x" * (length % 4)
    assert kept(text) == text


@pytest.mark.parametrize("over", [1, 2, 5_000, 1_000_000])
def test_a_text_that_is_too_long_is_cut_and_says_by_how_much(over: int) -> None:
    text = "word " * (VALUE // 5) + "." * over
    assert kept(text) == text[:VALUE] + f"[{over} characters cut]"


def test_the_texts_of_a_call_are_cut_where_they_are_too_long_together() -> None:
    limit = Limit()
    found = [limit.value("word " * (VALUE // 5)) for _ in range(CALL // VALUE)]
    assert all(len(each) == VALUE for each in found)
    assert limit.value("One more.") == "[9 characters cut]"
    assert limit.value("") == ""


def test_the_last_messages_are_kept_where_there_is_not_room_for_all() -> None:
    sent = told(*(f"{number} " + "word " * (VALUE // 5 - 1) for number in range(8)))
    texts = [message["parts"][0]["content"] for message in Limit().messages(sent)]
    assert texts[-1].startswith("7 word")
    assert texts[0].endswith("characters cut]")
    assert len(texts[0]) < 40


def test_an_answer_is_kept_however_long_its_prompt_was() -> None:
    prompt = {"messages": [{"role": "user", "content": "word " * (VALUE // 5)} for _ in range(10)]}
    found = spoken("chat", prompt, {"choices": [{"message": {"content": "Hello"}}]})
    assert found.parts == [{"type": "text", "content": "Hello"}]


def test_too_many_messages_are_counted() -> None:
    found = Limit().messages(told(*("a" for _ in range(ITEMS))))
    assert len(found) == ITEMS // 2 + 1
    assert found[0]["parts"] == [{"type": "text", "content": f"[{ITEMS // 2} messages cut]"}]
    check_messages(found)


def test_too_many_parts_and_tools_are_counted() -> None:
    found = Limit().parts([parts.text("a")] * (ITEMS + 5))
    assert found[-1] == {"type": "text", "content": "[5 parts cut]"}
    check_parts(found)
    tools = Limit().tools([parts.tool({"name": "f"})] * (ITEMS + 5))
    assert tools[-1] == {"type": "function", "name": "[5 parts cut]"}
    check_tools(tools)


def test_too_many_values_and_members_are_counted() -> None:
    found = Limit().value({"list": list(range(ITEMS + 5))})
    assert found["list"][-1] == "[6 values cut]"
    members = Limit().value({f"{number}": number for number in range(ITEMS + 5)})
    assert list(members.items())[-1] == ("[5 members cut]", None)


def test_what_is_kept_of_any_call_has_an_end() -> None:
    sent = [
        parts.message("user", [parts.tool_call("c" * 1000, "n" * 1000, {"k" * 1000: "v" * 1000}) for _ in range(50)])
        for _ in range(1000)
    ]
    assert len(json.dumps(Limit().messages(sent))) < CALL + ITEMS * (NAME * 3 + 200)


def test_values_may_be_nested_only_so_deep() -> None:
    deep: Any = "x"
    for _ in range(DEPTH + 10):
        deep = {"a": [deep]}
    written = json.dumps(Limit().value(deep))
    assert "nested too deep" in written
    assert '"x"' not in written
    fits: Any = "x"
    for _ in range(DEPTH):
        fits = [fits]
    assert '"x"' in json.dumps(Limit().value(fits))


@pytest.mark.parametrize(
    ("text", "stays"),
    [
        ("data:image/png;base64," + "A" * 4000, "[image/png, 3000 bytes]"),
        ("See data:image/png;base64," + "A" * 4000 + "== here", "See [image/png, 3000 bytes] here"),
        ("data:;base64," + "A" * 4000, "[3000 bytes]"),
        (DATA, "[3000 bytes]"),
        (DATA[:2048], "[1536 bytes]"),
        ("a, " + DATA + " and " + URL_SAFE, "a, [3000 bytes] and [3000 bytes]"),
        (b64encode(PROSE.encode() * 60).decode(), f"[{len(PROSE) * 60} bytes]"),
        (b64encode(bytes(range(256)) * 5000).decode(), f"[{256 * 5000} bytes]"),
        (DATA[:2044], DATA[:2044]),
        (DATA[:-1], DATA[:-1]),
        (DATA[:-4] + "a-b+", DATA[:-4] + "a-b+"),
        ("word " * 2000, "word " * 2000),
        ("语" * 4000, "语" * 4000),
    ],
)
def test_media_in_a_text_is_replaced_by_its_type_and_size(text: str, stays: str) -> None:
    assert kept(text) == stays


@pytest.mark.parametrize(
    "text",
    [
        "0123456789" * 1000,
        "https/path/" * 300,
        "look: " + "ACGT" * 2000,
        "A" * 4000,
        "deadbeef0123CAFE" * 300,
        sha256(b"x").hexdigest() * 64,
        "getUserById2/ListAllOrders/" * 100,
        "data:text/plain," + "ACGT" * 1000,
    ],
)
def test_words_of_the_characters_of_base64_stay(text: str) -> None:
    assert kept(text) == text


def test_members_that_hold_nothing_but_media_are_replaced_whatever_it_looks_like() -> None:
    blank = "A" * 4000
    shown = {"b64_json": blank, "image": {"type": "image", "mimeType": "image/png", "data": blank}, "data": blank}
    assert Limit().value(shown) == {
        "b64_json": "[3000 bytes]",
        "image": {"type": "image", "mimeType": "image/png", "data": "[3000 bytes]"},
        "data": blank,
    }


def test_what_a_redactor_takes_away_leaves_the_shape_of_the_conventions() -> None:
    request = {
        "messages": [
            {"role": "system", "content": "Be terse."},
            {
                "role": "user",
                "content": [
                    {"type": "text", "text": "drop this"},
                    {"type": "text", "text": "Hello"},
                    {"type": "image_url", "image_url": {"url": "https://drop/a.png"}},
                ],
            },
            {"role": "assistant", "tool_calls": [call({"city": "drop", "list": ["drop", "stay"]})]},
        ],
        "tools": [{"function": {"name": "f", "description": "drop"}}],
    }
    answer = {"choices": [{"message": {"content": "drop"}}], "error": "drop"}
    found = spoken("chat", request, answer, redact=lambda text: None if "drop" in text else text)
    assert found.asked == [
        {"role": "system", "parts": [{"type": "text", "content": "Be terse."}]},
        {"role": "user", "parts": [{"type": "text", "content": "Hello"}]},
        {
            "role": "assistant",
            "parts": [
                {"type": "tool_call", "id": "c", "name": "f", "arguments": {"city": None, "list": [None, "stay"]}}
            ],
        },
    ]
    assert [message["parts"] for message in found.said] == [[]]
    assert found.tools == [{"type": "function", "name": "f"}]
    assert not found.errors
    check_messages(found.asked)


@pytest.mark.parametrize("key", KEYS)
def test_a_key_is_removed_wherever_it_stands(key: str) -> None:
    request = {
        "messages": [
            {"role": "user", "content": f"Use {key} now"},
            {"role": "assistant", "tool_calls": [call({"auth": f"it is {key} now", f"{key}": 1, "list": [key]})]},
            {"role": "tool", "tool_call_id": "c", "content": f"tried {key} now"},
        ],
        "tools": [
            {
                "type": "function",
                "function": {
                    "name": "f",
                    "description": f"Needs {key} now",
                    "parameters": {"properties": {"k": {"type": "string", "default": key}}},
                },
            }
        ],
    }
    answer = {
        "choices": [{"message": {"content": f"I used {key} now", "tool_calls": [call({"name": key, "id": key})]}}],
        "error": {"message": f"bad {key} now", "metadata": {"raw": key}},
    }
    found = spoken("chat", request, answer)
    written = json.dumps([found.asked, found.said, found.tools, found.errors])
    assert not [each for each in SECRET_PART if each in written]
    assert written.count("[removed]") >= 9


def call(arguments: Any) -> dict[str, Any]:
    return {"id": "c", "function": {"name": "f", "arguments": json.dumps(arguments)}}


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize("at", [VALUE - 60, VALUE - 10, VALUE - 1])
def test_half_a_key_does_not_outlive_the_cut(key: str, at: int) -> None:
    words = kept("x " * (at // 2) + key + " tail" * 100)
    assert not [each for each in SECRET_PART if each in words[at - 1 :]]


@pytest.mark.parametrize(
    "name", ["api_key", "apiKey", "token", "access_token", "password", "client_secret", "Authorization", "X-Api-Key"]
)
def test_what_is_called_a_secret_is_one_whatever_it_looks_like(name: str) -> None:
    assert Limit().value({name: "correct horse", "other": {"deeper": [{name: 1234}, {name: None}, {name: True}]}}) == {
        name: "[removed]",
        "other": {"deeper": [{name: "[removed]"}, {name: None}, {name: True}]},
    }


@pytest.mark.parametrize("name", ["max_tokens", "tokens", "keyboard", "key", "monkey", "author", "passage", ""])
def test_what_is_not_called_a_secret_is_none(name: str) -> None:
    assert list(Limit().value({name: "correct horse"}).values()) == ["correct horse"]


@pytest.mark.parametrize(
    "text",
    [
        "The task-based risk-averse desk-bound disk-shaped ask.",
        "A token of love, and the password is forgotten.",
        "Asian xoxo keyboards are bearers.",
        "Write eyJ in base64, or akia.",
    ],
)
def test_words_that_only_sound_like_secrets_stay(text: str) -> None:
    assert kept(text) == text


def test_the_requests_own_credentials_are_removed_whatever_they_look_like() -> None:
    limit = Limit(secrets=("horse-battery", "horse-battery-staple"))
    assert limit.value({"a horse-battery-staple": "my horse-battery"}) == {"a [removed]": "my [removed]"}


@pytest.mark.parametrize(
    ("number", "stays"),
    [
        (2**63 - 1, 2**63 - 1),
        (-(2**63) + 1, -(2**63) + 1),
        (2**63, str(2**63)),
        (-(2**63), str(-(2**63))),
        (2**200, str(2**200)),
        (True, True),
        (1.5, 1.5),
        (None, None),
    ],
)
def test_a_number_that_no_column_holds_is_written_as_text(number: Any, stays: Any) -> None:
    assert Limit().value([number]) == [stays]


def test_a_member_without_a_name_gets_one() -> None:
    assert Limit().value({"": 1}) == {"[empty]": 1}


def test_the_application_has_the_last_word_on_every_text() -> None:
    seen: list[str] = []

    def redact(text: str) -> str | None:
        seen.append(text)
        return text.replace("Ada", "[name]") if "drop" not in text else None

    request = {
        "messages": [
            {"role": "user", "name": "u", "content": "I am Ada; sk-or-v1-0123456789abcdef"},
            {"role": "assistant", "tool_calls": [call({"name": "Ada", "id": "Ada", "type": ["Ada"]})]},
            {"role": "tool", "tool_call_id": "c", "content": "drop this"},
        ],
        "tools": [{"function": {"name": "f", "description": "Greets Ada.", "parameters": {"default": "Ada"}}}],
    }
    found = spoken("chat", request, {"choices": [{"message": {"content": "Hi Ada"}}]}, redact=redact)
    written = json.dumps([found.asked, found.said, found.tools])
    assert "Ada" not in written
    assert found.asked[0]["parts"][0]["content"] == "I am [name]; [removed]"
    assert found.asked[1]["parts"][0]["arguments"] == {"name": "[name]", "id": "[name]", "type": ["[name]"]}
    assert found.asked[2]["parts"][0]["response"] is None
    assert not [text for text in seen if "0123456789abcdef" in text]
    assert {"user", "text", "tool_call", "f"}.isdisjoint(seen)


@pytest.mark.parametrize("wrong", [b"bytes", 7, ["list"], object()])
def test_a_redactor_that_returns_no_text_is_told_so(wrong: Any) -> None:
    with pytest.raises(TypeError, match=r"^redact= returned a \w+; it must return a string"):
        Limit(lambda _text: wrong).value("Hello")


def test_what_a_redactor_makes_of_a_text_can_be_written() -> None:
    assert Limit(lambda _text: "\ud800!").value("Hello") == "?!"


def test_what_a_redactor_raises_is_raised() -> None:
    def redact(text: str) -> str:
        raise LookupError(text)

    with pytest.raises(LookupError):
        spoken("chat", {"messages": [{"role": "user", "content": "Hello"}]}, redact=redact)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(min_size=1, max_size=4), inner, max_size=4),
    max_leaves=30,
)


@settings(max_examples=200, deadline=None)
@given(JSON)
def test_what_needs_no_limit_is_kept_as_it_is(value: Any) -> None:
    def plain(each: Any) -> Any:
        if isinstance(each, str):
            return each.encode("utf-8", "replace").decode()
        if isinstance(each, dict):
            return {plain(name): plain(member) for name, member in each.items()}
        if isinstance(each, list):
            return [plain(member) for member in each]
        return str(each) if type(each) is int and abs(each) >= 2**63 else each

    assert Limit().value(value) == plain(value)


@pytest.mark.parametrize(
    "text",
    [
        "word " * 800_000,
        "x" * 4_000_000,
        ("x" * 2_000 + "\n") * 2_000,
        "data:a/b" * 500_000,
        "bearer " * 500_000,
        ("token" + " " * 60) * 60_000,
        "eyJaaaaaaaaaaaa." * 250_000,
        "-----BEGIN PRIVATE KEY-----" * 150_000,
        "sk-" * 1_000_000,
        "api_key" * 500_000,
    ],
    ids=["words", "one word", "lines", "data", "bearer", "blanks", "eyJ", "PEM", "sk", "api_key"],
)
def test_no_text_takes_long(text: str) -> None:
    began = time.process_time()
    kept(text)
    assert (
        time.process_time() - began < 5
    )  # seconds for four megabytes, on a busy machine; what is quadratic takes hours


def test_what_a_redactor_makes_much_longer_is_cut_and_the_room_of_the_call_is_kept() -> None:
    limit = Limit(lambda _: "x" * 4_000_000)
    texts = [limit.value("word") for _ in range(20)]
    assert texts[0] == "x" * VALUE + f"[{4_000_000 - VALUE} characters cut]"
    assert sum(map(len, texts)) < CALL + 2_000
    assert Limit(lambda text: f"[{text}]").value("word") == "[word]"
