"""One span for all destinations: the same object for the same call, another one when its cost has come, words apart."""

from decimal import Decimal

from msgspec.structs import replace

from spancast.delivery.otlp import OtlpEncoder
from spancast.records.content import Content
from spancast.trace.span_cache import KEPT, SpanCache
from tests.support.calls import a_call


def test_a_call_that_is_read_again_has_the_span_that_is_made() -> None:
    spans, call = SpanCache(OtlpEncoder, "1"), a_call()
    assert spans.of(call) is spans.of(replace(call))


def test_a_call_whose_cost_has_come_has_another() -> None:
    spans, call = SpanCache(OtlpEncoder, "1"), a_call()
    first, second = spans.of(call), spans.of(replace(call, cost=Decimal("0.5")))
    assert first.generation != second.generation
    assert second.attributes["openrouter.cost_usd"] == "0.5"


def test_words_are_of_the_destination_that_asks_for_them() -> None:
    spans, call = SpanCache(OtlpEncoder, "1"), a_call()
    spoken = spans.of(call, Content(call_id=call.call_id, input_messages="[]"))
    assert (spoken.content, spans.of(call).content) == ({"gen_ai.input.messages": "[]"}, {})
    assert spoken.attributes is spans.of(call).attributes


def test_no_more_are_kept_than_are_of_use() -> None:
    spans, first = SpanCache(OtlpEncoder, "1"), a_call(call_id="f" * 32)
    made = spans.of(first)
    for number in range(KEPT):
        spans.of(a_call(call_id=f"{number:032x}"))
    assert spans.of(first) is not made
