"""The inference-details event of a call, as a real logger provider keeps it."""

import json
import logging

import msgspec
import pytest
from msgspec.structs import replace
from opentelemetry import _logs as api
from opentelemetry._logs import NoOpLoggerProvider
from opentelemetry.exporter.otlp.proto.common._log_encoder import encode_logs
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.sdk._logs import LoggerProvider, ReadableLogRecord
from opentelemetry.sdk._logs.export import InMemoryLogRecordExporter, SimpleLogRecordProcessor

from spancast.records.call import Call
from spancast.records.content import Content
from spancast.semconv import names
from spancast.spans.attributes import request_attributes, response_attributes
from spancast.spans.scope import VERSION
from spancast.trace.events import Events
from tests.support.calls import a_call
from tests.support.spoken import held
from tests.trace.any_call import everything

FULL: Call = replace(everything(Call), trace_id="a" * 32, span_id="b" * 16)
REQUEST = {
    "messages": [
        {"role": "user", "content": "Hello"},
        {"role": "tool", "tool_call_id": "c", "content": None},
    ],
    "tools": [{"function": {"name": "f", "parameters": {"": 1, "type": "object", "big": 2**70}}}],
}
ANSWER = {
    "choices": [{"message": {"content": "Hi", "tool_calls": [{"id": "c", "function": {"arguments": "[1, {}]"}}]}}]
}
CONTENT = held("chat", REQUEST, ANSWER).content("c")


def emitted(call: Call, content: Content | None = None) -> ReadableLogRecord:
    exporter = InMemoryLogRecordExporter()
    provider = LoggerProvider(shutdown_on_exit=False)
    provider.add_log_record_processor(SimpleLogRecordProcessor(exporter))
    Events(provider).emit(call, content)
    (found,) = exporter.get_finished_logs()
    return found


def test_the_event_is_the_conventions_own() -> None:
    found = emitted(a_call(started_at=1_700_000_000_000_000_000, duration=2_000_000_000))
    record, scope = found.log_record, found.instrumentation_scope
    assert record.event_name == "gen_ai.client.inference.operation.details"
    assert record.severity_number is not None
    assert record.severity_number.name == "INFO"
    assert record.timestamp == 1_700_000_002_000_000_000
    assert scope is not None
    assert (scope.name, scope.version) == ("spancast", VERSION)


def test_the_event_says_what_the_span_says() -> None:
    attributes = dict(emitted(FULL).log_record.attributes or {})
    assert attributes == request_attributes(FULL) | response_attributes(FULL)


@pytest.mark.parametrize("sampled", [True, False])
def test_the_event_is_found_by_the_calls_span(sampled: bool) -> None:
    record = emitted(a_call(trace_id="a" * 32, span_id="b" * 16, sampled=sampled)).log_record
    assert (record.trace_id, record.span_id, record.trace_flags) == (int("a" * 32, 16), int("b" * 16, 16), sampled)


@pytest.mark.parametrize("place", [{"trace_id": None}, {"span_id": None}])
def test_a_call_without_a_place_in_a_trace_has_an_event_all_the_same(place: dict[str, None]) -> None:
    record = emitted(a_call(**place)).log_record
    assert not record.span_id


def test_the_words_are_what_they_mean_and_no_text_of_json() -> None:
    attributes = emitted(a_call(), CONTENT).log_record.attributes or {}
    written = json.loads(msgspec.json.encode({name: _plain(value) for name, value in attributes.items()}))
    assert written[names.INPUT_MESSAGES] == json.loads(CONTENT.input_messages or "")
    assert written[names.OUTPUT_MESSAGES] == json.loads(CONTENT.output_messages or "")
    assert written[names.TOOL_DEFINITIONS] == json.loads(CONTENT.tool_definitions or "")
    assert names.SYSTEM_INSTRUCTIONS not in attributes


def _plain(value: object) -> object:
    if isinstance(value, dict):
        return {name: _plain(each) for name, each in value.items()}
    return [_plain(each) for each in value] if isinstance(value, tuple) else value


def test_an_event_without_words_has_none() -> None:
    attributes = emitted(a_call(), Content(call_id="c")).log_record.attributes or {}
    assert not [name for name in attributes if "messages" in name or "definitions" in name]


def test_opentelemetry_takes_the_event_without_a_word_and_encodes_it(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        encoded = encode_logs([emitted(FULL, CONTENT)])
    assert caplog.records == []
    (record,) = encoded.resource_logs[0].scope_logs[0].log_records
    by_name = {each.key: each.value for each in record.attributes}
    (message, _) = by_name[names.INPUT_MESSAGES].array_value.values
    assert {each.key for each in message.kvlist_value.values} == {"role", "parts"}


def test_words_may_be_nested_as_deep_as_they_are_kept_and_any_reader_takes_them() -> None:
    nested = '{"a":' * 200 + "1" + "}" * 200
    call = {"id": "c", "function": {"name": "f", "arguments": nested}}
    content = held("chat", None, {"choices": [{"message": {"tool_calls": [call]}}]}).content("c")
    encoded = encode_logs([emitted(a_call(), content)])
    # Python's own protocol buffers stop at a hundred levels, as many do.
    assert ExportLogsServiceRequest.FromString(encoded.SerializeToString()) == encoded
    (record,) = encoded.resource_logs[0].scope_logs[0].log_records
    assert names.OUTPUT_MESSAGES in {each.key for each in record.attributes}


@pytest.fixture
def _no_provider(monkeypatch: pytest.MonkeyPatch) -> None:
    """A process whose application has set no logger provider."""
    monkeypatch.setattr(api._internal, "_LOGGER_PROVIDER", None)
    monkeypatch.setattr(api._internal, "_LOGGER_PROVIDER_SET_ONCE", type(api._internal._LOGGER_PROVIDER_SET_ONCE)())


@pytest.mark.usefixtures("_no_provider")
def test_without_a_provider_nothing_is_wanted() -> None:
    assert not Events().is_enabled()
    assert not Events(NoOpLoggerProvider()).is_enabled()
    assert Events(LoggerProvider(shutdown_on_exit=False)).is_enabled()
    Events().emit(FULL, CONTENT)  # into nothing


@pytest.mark.usefixtures("_no_provider")
def test_a_provider_that_is_set_later_is_emitted_to_from_then_on() -> None:
    events, exporter = Events(), InMemoryLogRecordExporter()
    events.emit(a_call(), None)
    provider = LoggerProvider(shutdown_on_exit=False)
    provider.add_log_record_processor(SimpleLogRecordProcessor(exporter))
    api.set_logger_provider(provider)
    assert events.is_enabled()
    events.emit(a_call(), None)
    assert len(exporter.get_finished_logs()) == 1
