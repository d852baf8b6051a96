"""A heartbeat that an instrument does not take is told when that begins and ends."""

import pytest

from controller.composition.heartbeats import Heartbeats
from drivers.contract import Point, WriteOutcome, WriteState

BEAT = Point("plc.heartbeat", "holding.2000", "w")
WHY = "the heartbeat is not taken: 65536 does not fit into uint16"


def outcome(state, detail=""):
    return WriteOutcome(BEAT, 1.0, state, detail)


TAKEN = outcome(WriteState.APPLIED)
REFUSED = outcome(WriteState.REFUSED, "65536 does not fit into uint16")
UNKNOWN = outcome(WriteState.UNKNOWN)


@pytest.fixture
def bench():
    told, up = [], {"plc"}
    return Heartbeats(up.__contains__, lambda *what: told.append(what)), told, up


def test_it_is_told_once_and_once_when_it_is_taken_again(bench):
    beats, told, _ = bench
    for one in (TAKEN, REFUSED, TAKEN, REFUSED, REFUSED, UNKNOWN, REFUSED):
        beats.take("plc", one)
    assert told == [("plc", f"plc: holding.2000: {WHY}; the instrument may make itself safe", True)]
    assert beats.shown("plc") == [{"tag": "plc.heartbeat", "point": "holding.2000", "detail": WHY}]
    for _ in range(2):
        beats.take("plc", TAKEN)
    assert told[1:] == [("plc", "plc: the heartbeat holding.2000 is taken again", False)]
    assert beats.shown("plc") == []


def test_that_it_is_not_known_what_became_of_it_is_told_as_well(bench):
    beats, told, _ = bench
    for _ in range(2):
        beats.take("plc", UNKNOWN)
    assert [text for _, text, _ in told] == [
        "plc: holding.2000: the heartbeat is not taken: unknown; the instrument may make itself safe"
    ]


def test_a_link_that_is_down_and_comes_up_says_nothing_of_its_heartbeat(bench):
    beats, told, up = bench
    up.clear()
    for _ in range(3):
        beats.take("plc", REFUSED)
    up.add("plc")
    beats.take("plc", REFUSED)  # of the last moment before
    beats.take("plc", TAKEN)
    assert told == []
