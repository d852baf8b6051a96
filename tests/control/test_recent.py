"""What outputs were commanded of late, against plain lists of it."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from controller.stages.recent import RECENT, Recent

TOLERANCE = np.array([0.5, 0.5, 0.0])
WANTED = st.tuples(*[st.sampled_from([None, 10.0, 20.0, 30.0])] * len(TOLERANCE))
FORGET = st.tuples(*[st.booleans()] * len(TOLERANCE))
DONE = st.lists(st.one_of(st.tuples(st.just("take"), WANTED), st.tuples(st.just("forget"), FORGET)), max_size=60)
BACK = (9.0, 9.6, 15.0, 20.0, 30.4, 31.0)


class Plainly:
    """The same for one output: ``None`` is a scan in which it was commanded nothing."""

    def __init__(self) -> None:
        self.ring: list[float | None] = [None] * RECENT

    def take(self, command: float | None) -> None:
        first = self.ring[-1] is None and command is not None
        self.ring = [command] * RECENT if first else [*self.ring[1:], command]

    def forget(self) -> None:
        self.ring = [None] * RECENT

    def outside(self, value: float, tolerance: float) -> bool:
        known = [command for command in self.ring if command is not None]
        return len(known) == RECENT and not min(known) - tolerance <= value <= max(known) + tolerance


def told(recent: Recent) -> list[list[bool]]:
    return [[bool(one) for one in recent.outside(np.full(len(TOLERANCE), value))] for value in BACK]


@given(DONE)
def test_what_is_outside_is_what_plain_lists_say(done) -> None:
    recent, plain = Recent(TOLERANCE), [Plainly() for _ in TOLERANCE]
    for what, each in done:
        if what == "take":
            commands = np.array([math.nan if one is None else one for one in each])
            recent.take(commands, ~np.isnan(commands))
            for one, command in zip(plain, each, strict=True):
                one.take(command)
        else:
            recent.forget(np.array(each))
            for one, forgotten in zip(plain, each, strict=True):
                if forgotten:
                    one.forget()
        expected = [[one.outside(value, t) for one, t in zip(plain, TOLERANCE, strict=True)] for value in BACK]
        assert told(recent) == expected


def test_what_stood_still_is_one_command_however_long_ago_another_was() -> None:
    recent, everything = Recent(TOLERANCE), np.ones(len(TOLERANCE), bool)
    outside = []
    for value in [10.0, *[20.0] * (RECENT + 3)]:
        recent.take(np.full(len(TOLERANCE), value), everything)
        outside.append(bool(recent.outside(np.full(len(TOLERANCE), 10.0))[0]))
    assert outside.index(True) == RECENT
    assert all(later or not earlier for earlier, later in pairwise(outside))


def test_what_is_forgotten_and_commanded_again_is_known_by_that_command_alone() -> None:
    recent, everything = Recent(TOLERANCE), np.ones(len(TOLERANCE), bool)
    for value in (10.0, 20.0):
        recent.take(np.full(len(TOLERANCE), value), everything)
    recent.forget(np.array([True, False, False]))
    assert told(recent)[0] == [False, True, True]
    recent.take(np.full(len(TOLERANCE), 20.0), everything)
    assert [bool(one) for one in recent.outside(np.full(len(TOLERANCE), 15.0))] == [True, False, False]
