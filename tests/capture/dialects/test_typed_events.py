"""Streams whose every event says its `type` first."""

import pytest

from spancast.capture.dialects.typed_events import is_all_text, states

PIECE = b'{"type":"response.output_text.delta","delta":"Hello","sequence_number":4}'
MESSAGE_PIECE = b'{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"Hello"}}'
STATING = (
    b'{"type":"response.completed","response":{"usage":{"cost":0.1}}}',
    b'{"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"cost":0.1}}',
    b'{"type":"content_block_delta","index":0,"delta":{"type":"citations_delta","citation":{}}}',
    b'{"type":"response.output_text.delta","delta":"x","usage":{"cost":0.1}}',
    b'{"type":"error","error":{"code":502}}',
    b'{"delta":"Hello","type":"response.output_text.delta"}',
    b'{"type": "response.output_text.delta","delta":"Hello"}',
    b"[DONE]",
    b"",
)
"""Events that state more than a piece of text, or cannot be told by their beginning."""


@pytest.mark.parametrize("piece", [PIECE, MESSAGE_PIECE])
def test_a_piece_of_text_states_nothing(piece: bytes) -> None:
    assert not states(piece)


@pytest.mark.parametrize("data", STATING)
def test_what_may_state_more_is_read(data: bytes) -> None:
    assert states(data)


@pytest.mark.parametrize("end", [b"data: %s\n\n", b"data:%s\n\n", b"event: content_block_delta\ndata: %s\n\n"])
def test_a_block_of_pieces_is_all_text(end: bytes) -> None:
    assert is_all_text(b": OPENROUTER PROCESSING\n\n" + (end % PIECE + end % MESSAGE_PIECE) * 9, 18)


@pytest.mark.parametrize("data", [data for data in STATING if data])
def test_a_block_with_one_event_that_may_state_more_is_not(data: bytes) -> None:
    block = b"data: %s\n\n" % PIECE
    assert not is_all_text(block * 9 + b"data: %s\n\n" % data + block * 9, 19)


def test_a_block_with_an_error_in_the_place_of_an_event_is_not() -> None:
    block, error = b"data: %s\n\n" % PIECE, b'{"error":{"code":502}}\n\n'
    for among in (error + block * 9, block * 4 + error + block * 5, block * 9 + error):
        assert not is_all_text(among, 9)


def test_a_piece_whose_text_reads_like_a_statement_is_read_rather_than_missed() -> None:
    assert states(b'{"type":"response.output_text.delta","delta":"message_delta"}')
