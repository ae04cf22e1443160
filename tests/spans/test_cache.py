"""One span for all destinations: the same object for the same call, another one when its cost has come, words apart."""

from decimal import Decimal

from msgspec.structs import replace

from spancast.delivery.otlp import OtlpEncoder
from spancast.records.content import Content
from spancast.spans.cache import CACHED_SPANS, SpanCache
from tests.support.calls import a_call


def test_a_call_that_is_read_again_has_the_span_that_is_made() -> None:
    spans, call = SpanCache(OtlpEncoder, "1"), a_call()
    assert spans.span_of(call) is spans.span_of(replace(call))


def test_a_call_whose_cost_has_come_has_another() -> None:
    spans, call = SpanCache(OtlpEncoder, "1"), a_call()
    first, second = spans.span_of(call), spans.span_of(replace(call, cost=Decimal("0.5")))
    assert first.generation != second.generation
    assert second.attributes["openrouter.cost_usd"] == "0.5"


def test_words_are_of_the_destination_that_asks_for_them() -> None:
    spans, call = SpanCache(OtlpEncoder, "1"), a_call()
    spoken = spans.span_of(call, Content(call_id=call.call_id, input_messages="[]"))
    assert (spoken.content, spans.span_of(call).content) == ({"gen_ai.input.messages": "[]"}, {})
    assert spoken.attributes is spans.span_of(call).attributes


def test_no_more_are_kept_than_are_of_use() -> None:
    spans, first = SpanCache(OtlpEncoder, "1"), a_call(call_id="f" * 32)
    made = spans.span_of(first)
    for number in range(CACHED_SPANS):
        spans.span_of(a_call(call_id=f"{number:032x}"))
    assert spans.span_of(first) is not made
