"""`POST /systemone` and `POST /api/alpha/decisions`: typed answers to typed questions (OpenRouter docs, Decisions)."""

from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from spancast.testing.simulator import generation, money, prose, reading, tokens, usage
from spancast.testing.simulator.dialect import Dialect
from spancast.testing.simulator.directives import Directives
from spancast.testing.simulator.generation import Generation, GenerationStart
from spancast.testing.simulator.model import Model
from spancast.testing.simulator.order import ParsedRequest
from spancast.testing.simulator.pieces import Piece
from spancast.testing.simulator.usage import Usage

_STEPS = 1024
_SURE = 0.75


class DecisionRequest(msgspec.Struct, frozen=True):
    """The parsed fields of a decision request."""

    state: Any
    questions: dict[str, dict[str, Any]]

    @property
    def key(self) -> str:
        """The key that determines the answers."""
        return msgspec.json.encode([self.state, self.questions]).decode()


def _read(body: dict[str, Any]) -> DecisionRequest:
    questions = reading.required(body, "questions", dict)
    found = {name: each for name, each in questions.items() if isinstance(each, dict)}
    return DecisionRequest(reading.required(body, "state", object), found)


def _make(
    fields: DecisionRequest, model: Model, opening: GenerationStart, _: Directives
) -> Generation[DecisionRequest]:
    counted = Usage(prompt_tokens=tokens.of_text(fields.key))
    return Generation(opening=opening, model=model, output=fields, usage=usage.priced(counted, model.prices))


def _whole(_: ParsedRequest[DecisionRequest], made: Generation[DecisionRequest]) -> tuple[Piece, ...]:
    fields = made.output
    body = {
        "model": made.model.slug,
        "answers": {name: _answer(each, f"{fields.key}/{name}") for name, each in fields.questions.items()},
        **({"usage": _usage(made.usage)} if made.usage_stated else {}),
        "id": made.id,
        "provider": made.model.provider,
    }
    return (Piece(msgspec.json.encode(body), settles=True),)


def _usage(used: Usage) -> dict[str, Any]:
    counted = {"input_tokens": used.prompt_tokens, "output_tokens": used.completion_tokens}
    return counted | {"cost": money.number(used.cost)}


def _answer(question: dict[str, Any], key: str) -> dict[str, Any]:
    kind = str(question.get("type"))
    return {"type": kind} | _ANSWERS.get(kind, _noul)(question, key)


def _noul(_: dict[str, Any], key: str) -> dict[str, Any]:
    return {"noul": prose.pick(key, _STEPS) / _STEPS}


def _choice(question: dict[str, Any], key: str) -> dict[str, Any]:
    criteria = question.get("criteria")
    choices = list(criteria) if isinstance(criteria, dict) and criteria else ["none"]
    return {"choice": choices[prose.pick(key, len(choices))], "confidence": _SURE}


def _score(question: dict[str, Any], key: str) -> dict[str, Any]:
    criteria = question.get("criteria")
    steps = len(criteria) if isinstance(criteria, list) and criteria else 1
    return {"score": prose.pick(key, steps), "confidence": _SURE}


def _box(_: dict[str, Any], __: str) -> dict[str, Any]:
    return {"box": {"left": 0.25, "top": 0.25, "right": 0.75, "bottom": 0.75}, "confidence": _SURE}


_ANSWERS: Mapping[str, Callable[[dict[str, Any], str], dict[str, Any]]] = {
    "noul": _noul,
    "choice": _choice,
    "score": _score,
    "box": _box,
}

DECISIONS = Dialect[DecisionRequest](
    operation="decision",
    api_type="decisions",
    kind="decision",
    prefix="gen-dec-",
    read=_read,
    make=_make,
    end=generation.fail,
    whole=_whole,
)
