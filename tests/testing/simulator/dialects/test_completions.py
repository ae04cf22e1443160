import pytest

from spancast.testing import Simulator
from tests.testing.asking import ask
from tests.testing.wire import chat


def text(events: list) -> str:
    return "".join(event["choices"][0]["text"] for event in events)


def test_the_text_stands_in_the_choice(openrouter: Simulator):
    body = ask(openrouter, "completion").json
    (choice,) = body["choices"]
    assert body["object"] == "text_completion"
    assert choice["text"] == chat(openrouter).text
    assert (choice["finish_reason"], choice["native_finish_reason"]) == ("stop", "stop")


def test_a_stream_says_what_the_plain_answer_says(openrouter: Simulator):
    events = ask(openrouter, "completion", stream=True).events
    assert text(events) == ask(openrouter, "completion").json["choices"][0]["text"]
    assert {event["object"] for event in events} == {"text_completion"}


def test_a_list_of_texts_is_one_prompt(openrouter: Simulator):
    assert ask(openrouter, "completion", prompt=["12345678", "9"]).json["usage"]["prompt_tokens"] == 3 + 4


def test_a_missing_prompt_is_refused(openrouter: Simulator):
    reply = ask(openrouter, "completion", prompt="")
    assert (reply.status, reply.json["error"]["message"]) == (400, 'Input required: specify "prompt" or "messages"')


def test_a_limit_cuts_the_text(openrouter: Simulator):
    body = ask(openrouter, "completion", max_tokens=5).json
    assert (body["choices"][0]["finish_reason"], body["usage"]["completion_tokens"]) == ("length", 5)


def test_reasoning_stands_beside_the_text(openrouter: Simulator):
    choice = ask(openrouter, "completion", model="openai/gpt-5-mini").json["choices"][0]
    streamed = ask(openrouter, "completion", model="openai/gpt-5-mini", stream=True).events
    assert choice["reasoning"]
    assert "".join(event["choices"][0].get("reasoning", "") for event in streamed) == choice["reasoning"]


@pytest.mark.parametrize(("fault", "in_choice"), [("choice-error", True), ("error-mid-stream", False)])
def test_a_failure_amid_a_stream_follows_half_of_the_text(openrouter: Simulator, fault: str, in_choice: bool):
    *before, last = ask(openrouter, "completion", model=f"simulator/{fault}", stream=True).events
    whole = ask(openrouter, "completion").json["choices"][0]["text"]
    assert text(before)
    assert whole.startswith(text(before))
    assert ("error" in last["choices"][0], "error" in last) == (in_choice, not in_choice)
    assert (last["choices"][0]["finish_reason"], last["usage"]["cost"]) == ("error", 0)
