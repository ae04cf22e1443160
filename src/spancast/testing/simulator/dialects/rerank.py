"""`POST /rerank`: documents, those first that share the most words with the query."""

from typing import Any

import msgspec

from spancast.testing.simulator import generation, money, reading, tokens, usage
from spancast.testing.simulator.dialect import Dialect
from spancast.testing.simulator.directives import Directives
from spancast.testing.simulator.generation import Generation, Opening
from spancast.testing.simulator.model import Model
from spancast.testing.simulator.order import Order
from spancast.testing.simulator.pieces import Piece
from spancast.testing.simulator.usage import Usage

_STEPS = 1024
"""Scores are multiples of a 1024th, as recorded ones are of powers of two."""


class Documents(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be ranked."""

    query: str
    documents: tuple[dict[str, Any], ...]
    """`{"text"}`, or `{"image"}`."""
    top: int

    @property
    def key(self) -> str:
        """No cache reads from a prompt that is ranked."""
        return self.query

    @property
    def tokens(self) -> int:
        """The query's and the documents'."""
        return tokens.of_text(self.query) + sum(tokens.of_content([document]) for document in self.documents)


def _read(body: dict[str, Any]) -> Documents:
    documents = reading.needed(body, "documents", list)
    found = tuple({"text": each} if not isinstance(each, dict) else each for each in documents)
    top = body.get("top_n")
    return Documents(
        query=reading.needed(body, "query", str),
        documents=found,
        top=top if isinstance(top, int) and top > 0 else len(found),
    )


def _make(want: Documents, model: Model, opening: Opening, _: Directives) -> Generation[Documents]:
    is_by_search = bool(model.prices.unit) and not model.prices.prompt
    counted = Usage(units=1) if is_by_search else Usage(prompt_tokens=want.tokens)
    return Generation(opening=opening, model=model, output=want, usage=usage.priced(counted, model.prices))


def _whole(_: Order[Documents], made: Generation[Documents]) -> tuple[Piece, ...]:
    want = made.output
    scored = [(_score(want.query, each), index) for index, each in enumerate(want.documents)]
    best = sorted(scored, key=lambda score: (-score[0], score[1]))[: want.top]
    body = {
        "model": made.model.slug,
        "results": [
            {"index": index, "relevance_score": score, "document": want.documents[index]} for score, index in best
        ],
        **({"usage": _usage(made.usage)} if made.usage_stated else {}),
        "provider": made.model.provider,
        "id": made.id,
    }
    return (Piece(msgspec.json.encode(body), settles=True),)


def _usage(used: Usage) -> dict[str, Any]:
    """Return what a rerank is priced by, and the cost: a model is priced by tokens, or by searches."""
    counted = {"search_units": used.units} if used.units else {"total_tokens": used.total_tokens}
    return counted | {"cost": money.number(used.cost)}


def _score(query: str, document: dict[str, Any]) -> float:
    asked = set(query.lower().split())
    shared = len(asked & set(str(document.get("text", "")).lower().split()))
    return (shared + 1) * _STEPS // (len(asked) + 2) / _STEPS


RERANK = Dialect[Documents](
    operation="rerank",
    api_type="rerank",
    kind="rerank",
    prefix="gen-rerank-",
    read=_read,
    make=_make,
    end=generation.fail,
    whole=_whole,
    names_generation=False,
)
