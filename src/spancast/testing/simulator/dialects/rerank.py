"""`POST /rerank`: sorts documents by the number of words that they share with the query."""

from typing import Any

import msgspec

from spancast.testing.simulator import generation, money, reading, tokens, usage
from spancast.testing.simulator.dialect import Dialect
from spancast.testing.simulator.directives import Directives
from spancast.testing.simulator.generation import Generation, GenerationStart
from spancast.testing.simulator.model import Model
from spancast.testing.simulator.order import ParsedRequest
from spancast.testing.simulator.pieces import Piece
from spancast.testing.simulator.usage import Usage

_STEPS = 1024
"""Scores are multiples of 1/1024; recorded scores are multiples of a power of two as well."""


class RerankRequest(msgspec.Struct, frozen=True, kw_only=True):
    """The parsed fields of a rerank request."""

    query: str
    documents: tuple[dict[str, Any], ...]
    """`{"text"}`, or `{"image"}`."""
    top: int

    @property
    def key(self) -> str:
        """Rerank requests are not read from a prompt cache."""
        return self.query

    @property
    def tokens(self) -> int:
        """The tokens of the query and the documents."""
        return tokens.of_text(self.query) + sum(tokens.of_content([document]) for document in self.documents)


def _read(body: dict[str, Any]) -> RerankRequest:
    documents = reading.required(body, "documents", list)
    found = tuple({"text": each} if not isinstance(each, dict) else each for each in documents)
    top = body.get("top_n")
    return RerankRequest(
        query=reading.required(body, "query", str),
        documents=found,
        top=top if isinstance(top, int) and top > 0 else len(found),
    )


def _make(fields: RerankRequest, model: Model, opening: GenerationStart, _: Directives) -> Generation[RerankRequest]:
    is_by_search = bool(model.prices.unit) and not model.prices.prompt
    counted = Usage(units=1) if is_by_search else Usage(prompt_tokens=fields.tokens)
    return Generation(opening=opening, model=model, output=fields, usage=usage.priced(counted, model.prices))


def _whole(_: ParsedRequest[RerankRequest], made: Generation[RerankRequest]) -> tuple[Piece, ...]:
    fields = made.output
    scored = [(_score(fields.query, each), index) for index, each in enumerate(fields.documents)]
    best = sorted(scored, key=lambda score: (-score[0], score[1]))[: fields.top]
    body = {
        "model": made.model.slug,
        "results": [
            {"index": index, "relevance_score": score, "document": fields.documents[index]} for score, index in best
        ],
        **({"usage": _usage(made.usage)} if made.usage_stated else {}),
        "provider": made.model.provider,
        "id": made.id,
    }
    return (Piece(msgspec.json.encode(body), settles=True),)


def _usage(used: Usage) -> dict[str, Any]:
    """Return the cost, and the unit that the model is priced by: tokens or searches."""
    counted = {"search_units": used.units} if used.units else {"total_tokens": used.total_tokens}
    return counted | {"cost": money.number(used.cost)}


def _score(query: str, document: dict[str, Any]) -> float:
    asked = set(query.lower().split())
    shared = len(asked & set(str(document.get("text", "")).lower().split()))
    return (shared + 1) * _STEPS // (len(asked) + 2) / _STEPS


RERANK = Dialect[RerankRequest](
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
