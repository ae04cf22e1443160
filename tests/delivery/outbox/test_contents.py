"""The words of calls on their way to the destinations that may have them."""

from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path

import pytest

from spancast.base.deadline import Deadline
from spancast.contract import Delivered, Span, Verdict
from spancast.delivery.courier.courier import Courier
from spancast.delivery.outbox import contents
from spancast.delivery.outbox.outbox import Outbox
from spancast.destinations.destination import Destination
from spancast.records.content import Content
from tests.support.calls import a_call, to_span

SEGMENT = "writer-000001.seg"
HELLO = '[{"role":"user","parts":[{"type":"text","content":"Hello"}]}]'


class Shelf:
    """A sink that remembers the words it was given."""

    def __init__(self) -> None:
        self.words: list[dict[str, object]] = []

    def write(self, spans: Sequence[Span]) -> Verdict:
        self.words += [dict(span.content) for span in spans]
        return Delivered()


@pytest.fixture
def outbox(tmp_path: Path) -> Iterator[Outbox]:
    with closing(Outbox(tmp_path)) as outbox:
        yield outbox


def served(outbox: Outbox, home: Path, **options: object) -> tuple[Shelf, Courier]:
    shelf = Shelf()
    return shelf, Courier(Destination(shelf, name="platform", **options), shelf, outbox, to_span, home)


def spoken(**facts: object) -> tuple[object, Content]:
    call = a_call(content=True, **facts)
    return call, Content(call_id=call.call_id, input_messages=HELLO)


@pytest.mark.parametrize("first", ["call", "words"])
def test_the_words_travel_with_their_call_whichever_came_first(first: str, outbox: Outbox, tmp_path: Path) -> None:
    call, words = spoken()
    outbox.apply(SEGMENT, 1, [call, words] if first == "call" else [words, call])
    shelf, courier = served(outbox, tmp_path)

    courier.deliver_once(Deadline(5))

    assert shelf.words == [{"gen_ai.input.messages": HELLO}]


def test_a_destination_in_private_is_given_no_words_and_waits_for_none(outbox: Outbox, tmp_path: Path) -> None:
    call, _ = spoken()
    outbox.apply(SEGMENT, 1, [call])
    shelf, courier = served(outbox, tmp_path, privacy=True)

    courier.deliver_once(Deadline(5))

    assert shelf.words == [{}]


def test_a_call_waits_for_its_words_and_goes_when_they_come(outbox: Outbox, tmp_path: Path) -> None:
    call, words = spoken()
    outbox.apply(SEGMENT, 1, [call])
    shelf, courier = served(outbox, tmp_path)
    waiting = courier.deliver_once(Deadline(5))
    (standing,) = outbox.standings()
    outbox.apply(SEGMENT, 2, [words])

    courier.deliver_once(Deadline(5))

    assert waiting.wait is not None
    assert 0 < waiting.wait <= contents.HOLD_SECONDS
    assert (standing.waiting, standing.reasons) == (1, {contents.EXPECTED: 1})
    assert shelf.words == [{"gen_ai.input.messages": HELLO}]


def test_a_call_whose_words_never_come_goes_without_them_and_is_counted(
    outbox: Outbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(contents, "HOLD_SECONDS", 0.0)
    call, _ = spoken()
    outbox.apply(SEGMENT, 1, [call])
    shelf, courier = served(outbox, tmp_path)

    courier.deliver_once(Deadline(5))

    (standing,) = outbox.standings()
    assert shelf.words == [{}]
    assert (standing.delivered, standing.reasons) == (1, {contents.SENT_WITHOUT: 1})


def test_the_same_words_again_change_nothing(outbox: Outbox) -> None:
    call, words = spoken()
    outbox.apply(SEGMENT, 1, [call, words, words])
    outbox.apply(SEGMENT, 2, [words])

    assert outbox.content([call.call_id, "another"]) == ({call.call_id: words}, None)
