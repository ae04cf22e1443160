"""OpenRouter's SDK in every dialect that it supports, except chat, which `test_sdks` covers."""

from collections.abc import Iterator
from decimal import Decimal

import openrouter as openrouter_sdk
import pytest
from openrouter import errors
from openrouter.utils.retries import BackoffStrategy, RetryConfig

from spancast.testing import Simulator
from tests.testing.asking import QUESTIONS, ask
from tests.testing.wire import HELLO, MINI, chat

NO_RETRIES = RetryConfig("none", BackoffStrategy(1, 1, 1, 1), retry_connection_errors=False)
EMBEDDING = "openai/text-embedding-3-small"
IMAGE = {"model": "google/gemini-3.1-flash-lite-image", "prompt": "a siamese cat"}


@pytest.fixture
def client(openrouter: Simulator) -> Iterator[openrouter_sdk.OpenRouter]:
    with openrouter_sdk.OpenRouter(
        api_key="sk-or-v1-simulator", server_url=openrouter.base_url, retry_config=NO_RETRIES
    ) as client:
        yield client


def cost(stated: object) -> Decimal:
    return Decimal(str(stated))


def test_a_response(client: openrouter_sdk.OpenRouter, openrouter: Simulator):
    answer = client.responses.send(model=MINI, input="Hello", user="u_42", session_id="s_7")
    (bill,) = openrouter.bills
    assert answer.output[0].content[0].text == chat(openrouter).text
    assert (cost(answer.usage.cost), "u_42", "s_7") == (bill.cost, bill.user, bill.session_id)


def test_a_streamed_response(client: openrouter_sdk.OpenRouter, openrouter: Simulator):
    with client.responses.send(model=MINI, input="Hello", stream=True) as stream:
        events = list(stream)
    assert events[-1].type == "response.completed"
    assert cost(events[-1].response.usage.cost) == openrouter.bills[0].cost


def test_embeddings(client: openrouter_sdk.OpenRouter, openrouter: Simulator):
    answer = client.embeddings.generate(model=EMBEDDING, input="Hello", dimensions=3)
    assert len(answer.data[0].embedding) == 3
    assert (cost(answer.usage.cost), answer.id) == (openrouter.bills[0].cost, openrouter.bills[0].generation_id)


def test_a_rerank(client: openrouter_sdk.OpenRouter, openrouter: Simulator):
    answer = client.rerank.rerank(model="cohere/rerank-v3.5", query="ruby", documents=["Paris", "ruby"])
    assert [each.index for each in answer.results] == [1, 0]
    assert cost(answer.usage.cost) == openrouter.bills[0].cost


def test_an_image(client: openrouter_sdk.OpenRouter, openrouter: Simulator):
    answer = client.images.generate(**IMAGE)
    assert answer.data[0].b64_json
    assert cost(answer.usage.cost) == openrouter.bills[0].cost


def test_a_streamed_image(client: openrouter_sdk.OpenRouter, openrouter: Simulator):
    with client.images.generate(**IMAGE, stream=True) as stream:
        events = list(stream)
    assert events[-1].type == "image_generation.completed"
    assert cost(events[-1].usage.cost) == openrouter.bills[0].cost


def test_speech(client: openrouter_sdk.OpenRouter, openrouter: Simulator):
    answer = client.tts.create_speech(model="hexgrad/kokoro-82m", input="Hello", voice="af_bella")
    assert answer.read() == ask(openrouter, "speech").body


def test_a_transcription(client: openrouter_sdk.OpenRouter, openrouter: Simulator):
    sound = {"data": "AAAA", "format": "mp3"}
    answer = client.stt.create_transcription(model="openai/whisper-1", input_audio=sound)
    assert cost(answer.usage.cost) == openrouter.bills[0].cost


def test_a_transcription_by_a_form(client: openrouter_sdk.OpenRouter, openrouter: Simulator):
    file = {"file_name": "a.mp3", "content": b"noise"}
    answer = client.stt.create_transcription_multipart(model="openai/whisper-1", file=file, user="u_42")
    assert (cost(answer.usage.cost), "u_42") == (openrouter.bills[0].cost, openrouter.bills[0].user)


def test_a_decision(client: openrouter_sdk.OpenRouter, openrouter: Simulator):
    answer = client.system_one.create(model="cloudflare/clef-flash", state="A sticker", questions=QUESTIONS)
    assert set(answer.answers) == set(QUESTIONS)
    assert cost(answer.usage.cost) == openrouter.bills[0].cost


def test_a_decision_by_its_older_route(client: openrouter_sdk.OpenRouter, openrouter: Simulator):
    root = openrouter.base_url.removesuffix("/api/v1")
    wanted = {"model": "cloudflare/clef-flash", "state": "A sticker", "questions": QUESTIONS}
    answer = client.alpha.decisions.create(**wanted, server_url=root)
    assert answer.id == openrouter.bills[0].generation_id


def test_a_video_from_its_beginning_to_its_end(client: openrouter_sdk.OpenRouter, openrouter: Simulator):
    job = client.video_generation.generate(model="x-ai/grok-imagine-video", prompt="the sea", duration=1)
    first, second = (client.video_generation.get_generation(job_id=job.id) for _ in range(2))
    film = client.video_generation.get_video_content(job_id=job.id)
    assert [job.status, first.status, second.status] == ["pending", "pending", "completed"]
    assert cost(second.usage.cost) == openrouter.bills[0].cost
    assert b"ftyp" in film.read()


def test_a_batch_from_its_beginning_to_its_end(client: openrouter_sdk.OpenRouter, openrouter: Simulator):
    requests = [{"custom_id": "a", "body": {"messages": HELLO}}]
    job = client.batch.create_batches(endpoint="/v1/chat/completions", model=MINI, requests=requests)
    first, second = (client.batch.get_batches(id=job.id) for _ in range(2))
    assert [job.status, first.status, second.status] == ["validating", "in_progress", "completed"]
    assert cost(second.usage.cost) == openrouter.bills[0].cost
    assert second.results[0].response.body.id == openrouter.bills[0].generation_id


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # the SDK's own, about a field it parses
def test_the_accounting(client: openrouter_sdk.OpenRouter, openrouter: Simulator):
    client.embeddings.generate(model=EMBEDDING, input="Hello")
    keys, activity = client.api_keys.list(), client.analytics.get_user_activity()
    assert (cost(keys.data[0].usage), activity.data) == (openrouter.usage, [])
    client.presets.create_presets_messages(slug="mine", model=MINI, messages=HELLO)
    assert len(openrouter.bills) == 1


@pytest.mark.parametrize(
    ("fault", "error"),
    [("402", errors.PaymentRequiredResponseError), ("429", errors.TooManyRequestsResponseError)],
)
def test_a_refusal_is_the_sdks_own_exception(client: openrouter_sdk.OpenRouter, fault: str, error: type[Exception]):
    model = f"simulator/{fault}"
    with pytest.raises(error):
        client.responses.send(model=model, input="Hello")
    with pytest.raises(error):
        client.embeddings.generate(model=model, input="Hello")
    with pytest.raises(error):
        client.tts.create_speech(model=model, input="Hello")
    with pytest.raises(errors.BatchErrorResponse):
        client.batch.create_batches(endpoint="/v1/messages", model="no/such", requests=[{"custom_id": "a", "body": {}}])
