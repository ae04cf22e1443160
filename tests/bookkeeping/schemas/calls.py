"""What every dumped ledger holds."""

from decimal import Decimal

from spancast.records.call import Call, Parameters

AT = 1_790_000_000_123_456_789
"""21 September 2026, 14:13:20 UTC."""
DAY = 24 * 3600 * 10**9

CALLS = [
    Call(
        call_id="00112233445566778899aabbccddeeff",
        operation="chat",
        started_at=AT,
        outcome="completed",
        server_address="openrouter.ai",
        server_port=443,
        http_status=200,
        duration=2_500_000_000,
        time_to_headers=200_000_000,
        time_to_first_token=300_000_000,
        streamed=True,
        request_model="openai/gpt-5",
        request_models=("openai/gpt-5", "openai/gpt-5-mini"),
        parameters=Parameters(temperature=0.5, seed=7),
        generation_id="gen-1790000000-abcdefghijklmnop",
        response_id="gen-1790000000-abcdefghijklmnop",
        response_model="openai/gpt-5-2025-08-07",
        provider="Azure",
        finish_reasons=("stop",),
        native_finish_reasons=("completed",),
        input_tokens=100,
        output_tokens=50,
        total_tokens=150,
        cached_tokens=40,
        reasoning_tokens=10,
        output_chunks=12,
        cost=Decimal("0.00042"),
        cost_source="response",
        upstream_cost=Decimal("0.00042"),
        upstream_input_cost=Decimal("0.00012"),
        upstream_output_cost=Decimal("0.0003"),
        is_byok=False,
        key_hash="5e884898da28047151d0e56f8dc6292773603d0d6aabbdd62a11ef721d1542d8",
        user="u_42",
        session="s_7",
        tags={"feature": "search", 'a "quoted" key': "ü"},
        resource={"service.name": "shop"},
        trace_id="0af7651916cd43dd8448eb211c80319c",
        span_id="b7ad6b7169203331",
        parent_span_id="00f067aa0ba902b7",
    ),
    Call(
        call_id="not hexadecimal",
        operation="embeddings",
        started_at=AT + DAY,
        outcome="completed",
        http_status=200,
        duration=100_000_000,
        request_model="openai/text-embedding-3-small",
        response_id="of-its-own",
        input_tokens=9,
        cost=Decimal("0.1234567890123456"),
        cost_source="response",
        user="u_42",
        metadata={"k": "v"},
    ),
    Call(
        call_id="ffffffffffffffffffffffffffffffff",
        operation="chat",
        started_at=AT + 30 * DAY,
        outcome="completed",
        http_status=200,
        request_model="m",
        cost=Decimal("12345678901234567890.5"),
        cost_source="response",
        user="rich",
    ),
    Call(
        call_id="00000000000000000000000000000001",
        operation="chat",
        started_at=AT + 31 * DAY,
        outcome="error",
        http_status=429,
        error_type="429",
        error_message="Rate limit exceeded",
        retry_after=1.5,
        request_model="m",
    ),
    Call(
        call_id="00000000000000000000000000000002",
        operation="video",
        started_at=AT + 32 * DAY,
        outcome="completed",
        http_status=202,
        request_model="v",
        response_id="job-1",
        user="u_42",
    ),
]
UNDER_WAY = Call(call_id="00000000000000000000000000000003", operation="chat", started_at=AT)
LOST = {"queue full": 3}
LOST_COST = Decimal("0.25")
