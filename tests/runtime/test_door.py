"""The one door: nothing acts before it is committed, and order is the journal's."""

from concurrent.futures import Future

import pytest

from controller.commands import Command, Outcome, Verb
from controller.door import KEPT, Door


class SlowJournal:
    """Commits when told to, like a disk that takes its time."""

    def __init__(self):
        self.waiting = []
        self.number = 0

    def commit(self, command):
        future = Future()
        self.waiting.append(future)
        return future

    def sync(self):
        for future in self.waiting:
            self.number += 1
            future.set_result(self.number)
        self.waiting.clear()


def command(target="BR-101.temperature"):
    return Command(Verb.SETPOINT, target, {"value": 37.0})


def test_a_command_is_offered_only_after_its_commit():
    journal = SlowJournal()
    door = Door(journal.commit)
    committed = door.submit(command())
    assert door.take() == []
    journal.sync()
    assert committed.result() == 1
    assert [c.journal for c in door.take()] == [1]
    assert door.take() == []


def test_a_command_that_could_not_be_stored_does_not_act():
    journal = SlowJournal()
    door = Door(journal.commit)
    committed = door.submit(command())
    journal.waiting.pop().set_exception(OSError("disk full"))
    with pytest.raises(OSError, match="disk full"):
        committed.result()
    assert door.take() == []


def test_outcomes_reach_whoever_waits_and_old_ones_are_forgotten():
    journal = SlowJournal()
    door = Door(journal.commit)
    for _ in range(KEPT + 10):
        door.submit(command())
    journal.sync()
    taken = door.take()
    waiting = door.outcome(5)
    door.settle(Outcome(c, applied=True) for c in taken)
    assert waiting.result().applied
    door.submit(command())
    journal.sync()
    assert door.outcome(1) is None
    assert door.outcome(KEPT + 11) is not None


def test_commands_answered_before_a_crash_are_replayed_in_order():
    door = Door(SlowJournal().commit)
    door.replay([command().committed(8), command().committed(7)])
    assert [c.journal for c in door.take()] == [7, 8]
