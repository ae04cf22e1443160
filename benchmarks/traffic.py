"""The bytes that OpenRouter would send, in the shape of its recorded answers, and the questions that ask for them."""

import json

MODEL = "openai/gpt-4o-mini"
BASE_URL = "https://openrouter.ai/api/v1"
EVENTS = 1000
"""Events of the stream that the server on loopback sends."""

_GENERATION = "gen-1766949724-PyqQrXkgkt5FXOPXMcld"
_CREATED = 1766949724
_USAGE = {
    "prompt_tokens": 138,
    "completion_tokens": 500,
    "total_tokens": 638,
    "cost": 0.0003207,
    "is_byok": False,
    "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": 0, "video_tokens": 0},
    "cost_details": {
        "upstream_inference_cost": None,
        "upstream_inference_prompt_cost": 0.0000207,
        "upstream_inference_completions_cost": 0.0003,
    },
    "completion_tokens_details": {"reasoning_tokens": 0, "image_tokens": 0},
}
_SENTENCE = 'Machine learning is a field that studies how programs, or "models", improve with data.\n'

MESSAGES = [
    {"role": "system", "content": "You are a concise assistant. Answer in plain words, and give examples."},
    {"role": "user", "content": "Explain what this means for a beginner.\n" + _SENTENCE * 5},
]

HEADERS = [
    ("date", "Sun, 28 Dec 2025 19:22:04 GMT"),
    ("cache-control", "no-cache"),
    ("access-control-allow-origin", "*"),
    ("vary", "Accept-Encoding"),
    ("referrer-policy", "no-referrer, strict-origin-when-cross-origin"),
    ("x-content-type-options", "nosniff"),
    ("server", "cloudflare"),
    ("x-generation-id", _GENERATION),
]


def body() -> bytes:
    """Return a plain answer of about 4 KB."""
    message = {"role": "assistant", "content": _SENTENCE * 34, "refusal": None, "reasoning": None}
    choice = {
        "logprobs": None,
        "finish_reason": "stop",
        "native_finish_reason": "stop",
        "index": 0,
        "message": message,
    }
    return _json(
        {**_head("chat.completion"), "choices": [choice], "system_fingerprint": "fp_644f11dd4d", "usage": _USAGE}
    )


def stream(chunks: int) -> list[bytes]:
    """Return the events of a stream, one a read: pieces of text, the finish reason, the usage, the end mark."""
    words = _SENTENCE.split(" ")
    events = [_chunk(words[number % len(words)] + " ") for number in range(chunks)]
    events += [_chunk("", finish="stop"), _chunk("", usage=True)]
    return [*(b"data: " + event + b"\n\n" for event in events), b"data: [DONE]\n\n"]


def _chunk(text: str, *, finish: str | None = None, usage: bool = False) -> bytes:
    choice = {
        "index": 0,
        "delta": {"role": "assistant", "content": text},
        "finish_reason": finish,
        "native_finish_reason": finish,
        "logprobs": None,
    }
    last = {"usage": _USAGE} if usage else {"system_fingerprint": "fp_644f11dd4d"}
    return _json({**_head("chat.completion.chunk"), "choices": [choice], **last})


def _head(kind: str) -> dict[str, object]:
    return {"id": _GENERATION, "provider": "OpenAI", "model": MODEL, "object": kind, "created": _CREATED}


def _json(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()
