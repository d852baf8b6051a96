"""The one door: nothing acts before it is committed, and order is the journal's."""

from concurrent.futures import Future

import pytest

from controller.commands import Command, Outcome, Verb
from controller.door import KEPT, Door, DoorClosed


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


def hold():
    return Command(Verb.BATCH_HOLD, "B-1", who="anna", reason="foam")


def feed_stop(value=0.0):
    more = {"source": "recipe", "batch": "B-1", "operation": "expand"}
    return Command(Verb.SETPOINT, "BR-101.feed", {"value": value}, "recipe B-1", reason="car-t/expand/hold", **more)


class FullJournal(SlowJournal):
    """A disk that takes no more, until told otherwise; what is noted is kept."""

    def __init__(self):
        super().__init__()
        self.notes = []

    def fail(self):
        for future in self.waiting:
            future.set_exception(OSError("disk full"))
        self.waiting.clear()


@pytest.mark.parametrize(
    "urgent",
    [
        feed_stop(),
        hold(),
        Command(Verb.BATCH_STOP, "B-1"),
        Command(Verb.BATCH_ABORT, "B-1"),
        Command(Verb.MODE, "BR-101.feed", {"mode": "off"}),
    ],
)
def test_what_a_recipe_wants_and_what_only_stops_acts_without_the_record_which_follows(urgent):
    journal = FullJournal()
    door = Door(journal.commit, journal.notes.extend)
    accepted = door.submit(urgent)
    journal.fail()
    assert accepted.result() == 0
    assert door.take() == [urgent]
    (told,) = journal.notes
    assert "acted before it was on record: disk full" in told.text
    assert (told.object, told.value, told.reason) == (urgent.target, dict(urgent.value), urgent.reason)
    assert told.batch == ("" if urgent.verb is Verb.MODE else "B-1")


@pytest.mark.parametrize(
    "other",
    [
        command(),
        Command(Verb.MODE, "BR-101.feed", {"mode": "auto"}),
        Command(Verb.BATCH_RESTART, "B-1"),
        Command(Verb.WRITE_ONCE, "BR-101.count_request", {"value": 7}),
        Command(Verb.PROMPT_ANSWER, "B-1", {"prompt": "inoculate"}),
    ],
)
def test_everything_else_waits_for_the_record(other):
    journal = FullJournal()
    door = Door(journal.commit, journal.notes.extend)
    refused = door.submit(other)
    journal.fail()
    assert isinstance(refused.exception(), OSError)
    assert door.take() == []
    assert journal.notes == []


def test_a_stop_without_a_number_acts_after_what_was_committed_before_it():
    journal = FullJournal()
    door = Door(journal.commit, journal.notes.extend)
    door.submit(feed_stop(5.0))
    journal.sync()
    door.submit(feed_stop(0.0))
    journal.fail()
    assert [one.value["value"] for one in door.take()] == [5.0, 0.0]


def test_what_stops_something_cannot_be_withdrawn_and_has_no_outcome_without_a_number():
    journal = FullJournal()
    door = Door(journal.commit, journal.notes.extend)
    accepted = door.submit(hold())
    assert not accepted.cancel()
    journal.fail()
    door.settle(Outcome(one, applied=True) for one in door.take())
    assert door.outcome(0) is None
    numbered = door.submit(hold())
    journal.sync()
    assert numbered.result() == 1
    door.settle(Outcome(one, applied=True) for one in door.take())
    assert door.outcome(1).result().applied


def test_a_closed_door_accepts_nothing_and_says_why():
    journal = FullJournal()
    door = Door(journal.commit, journal.notes.extend)
    waiting = door.submit(hold())
    door.close("the supervisor is stopping")
    for late in (command(), hold(), feed_stop()):
        with pytest.raises(DoorClosed, match="is stopping"):
            door.submit(late).result()
    assert len(journal.waiting) == 1
    journal.fail()
    with pytest.raises(DoorClosed):
        waiting.result()
    assert door.take() == []
    assert journal.notes == []
