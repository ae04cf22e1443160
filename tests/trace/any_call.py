"""Calls of every shape, made from the fields of a Call themselves: a field that is added is there too."""

import types
from decimal import Decimal
from functools import cache
from typing import Any, Literal, Union, get_args, get_origin

import msgspec
from hypothesis import strategies as st

from spancast.records.call import Call

FIELDS = {field.name: field for field in msgspec.structs.fields(Call)}
_NUMBER = 10**6
_WORDS = st.text(st.characters(codec="utf-8"), min_size=1, max_size=8)
_PLAIN: dict[Any, st.SearchStrategy[Any]] = {
    str: _WORDS,
    bool: st.booleans(),
    int: st.integers(0, _NUMBER),
    float: st.floats(0, _NUMBER),
    Decimal: st.decimals(0, _NUMBER, places=12),
    type(None): st.none(),
}


@cache
def values(kind: Any) -> st.SearchStrategy[Any]:
    """Return the values that a field may have."""
    if kind in _PLAIN:
        return _PLAIN[kind]
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        return st.builds(kind, **{field.name: values(field.type) for field in msgspec.structs.fields(kind)})
    origin, arguments = get_origin(kind), get_args(kind)
    if origin is Literal:
        return st.sampled_from(arguments)
    if origin in (Union, types.UnionType):
        return st.one_of(*map(values, arguments))
    if origin is tuple:
        return st.lists(values(arguments[0]), max_size=3).map(tuple)
    if origin is dict:
        return st.dictionaries(values(arguments[0]), values(arguments[1]), max_size=4)
    raise TypeError(f"Say here what a {kind} may be.")


@st.composite
def calls(draw: st.DrawFn) -> Call:
    """Draw a finished call of which anything may be known."""
    known = draw(st.sets(st.sampled_from(sorted(FIELDS)), max_size=16))
    facts = {name: draw(values(FIELDS[name].type)) for name in sorted(known)}
    start = {"call_id": "c", "operation": "chat", "started_at": 1, "outcome": "completed", "duration": 2}
    return Call(**{**facts, **{name: facts.get(name) or value for name, value in start.items()}})


def everything(kind: Any) -> Any:
    """Return a value of a kind of which everything is known."""
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        return kind(**{field.name: everything(field.type) for field in msgspec.structs.fields(kind)})
    origin, arguments = get_origin(kind), get_args(kind)
    if origin is Literal:
        return arguments[0]
    if origin in (Union, types.UnionType):
        return everything(next(each for each in arguments if each is not type(None)))
    if origin is tuple:
        return (everything(arguments[0]),)
    if origin is dict:
        return {"key": everything(arguments[1])}
    return {str: "text", bool: True, int: 7, float: 0.5, Decimal: Decimal("0.25")}[kind]
