from decimal import Decimal

from spancast.testing import Simulator
from tests.testing.asking import ask

DOCUMENTS = ["Paris is a city", "Ruby is a language", "what ruby is"]


def ranked(openrouter: Simulator, **body: object) -> list[int]:
    return [each["index"] for each in ask(openrouter, "rerank", documents=DOCUMENTS, **body).json["results"]]


def test_documents_are_ranked_by_the_words_they_share_with_the_query(openrouter: Simulator):
    assert ranked(openrouter) == [2, 1, 0]


def test_as_many_come_back_as_are_asked_for(openrouter: Simulator):
    assert ranked(openrouter, top_n=1) == [2]


def test_a_result_holds_its_document_and_a_score(openrouter: Simulator):
    best, *rest = ask(openrouter, "rerank", documents=[DOCUMENTS[0], {"text": DOCUMENTS[1]}]).json["results"]
    assert best["document"] == {"text": DOCUMENTS[1]}
    assert 1 > best["relevance_score"] > rest[0]["relevance_score"] > 0


def test_one_model_is_priced_by_tokens(openrouter: Simulator):
    usage = ask(openrouter, "rerank", query="1234", documents=["12345678"]).json["usage"]
    assert usage == {"total_tokens": 3, "cost": 3 * Decimal("0.00000002")}


def test_another_model_is_priced_by_searches(openrouter: Simulator):
    usage = ask(openrouter, "rerank", model="cohere/rerank-v3.5").json["usage"]
    assert usage == {"search_units": 1, "cost": Decimal("0.002")}
    assert (openrouter.bills[0].units, openrouter.bills[0].provider) == (1, "Cohere")


def test_only_the_body_names_the_generation(openrouter: Simulator):
    reply = ask(openrouter, "rerank")
    assert reply.json["id"] == openrouter.bills[0].generation_id
    assert "x-generation-id" not in reply.headers
