"""What instruments say of their own accord: on record in their words, and never without end."""

from __future__ import annotations

from collections.abc import Sequence

from controller.commands import Event, EventType
from controller.composition.messages import MINUTE_NS, MOST, Messages
from drivers.contract import Message


class Record:
    def __init__(self) -> None:
        self.events: list[Event] = []

    def append(self, entries: Sequence[Event]) -> None:
        self.events += entries


def test_words_source_severity_and_time_are_kept() -> None:
    record = Record()
    messages = Messages(record, lambda: 0)
    messages.take("plc", Message("tube worn", "Pump 1", 700, 1795723200.0))
    messages.take("plc", Message("door open"))
    first, second = record.events
    assert (first.type, first.object, first.text) == (EventType.MESSAGE, "plc", "plc: Pump 1: tube worn")
    assert first.value == {"severity": 700, "time": "2026-11-26T20:00:00.000Z"}
    assert (second.text, second.value) == ("plc: door open", None)


def test_one_that_chatters_is_cut_off_for_the_rest_of_the_minute_and_the_others_are_heard() -> None:
    record, now = Record(), [0]
    messages = Messages(record, lambda: now[0])
    for _ in range(3 * MOST):
        messages.take("plc", Message("again"))
    assert len(record.events) == MOST
    assert record.events[-1].text == "plc: says too much; the rest of this minute is not on record"
    messages.take("other", Message("here"))
    assert record.events[-1].text == "other: here"
    now[0] = MINUTE_NS
    messages.take("plc", Message("still"))
    assert record.events[-1].text == "plc: still"
