"""A batch at rest wakes in the first scan in which what it waits for can be another, and has lost no time."""

import itertools
import math

import numpy as np
import pytest

from controller.frame import BAD, GOOD, UNCERTAIN, Frame
from controller.recipe.batch import Batch
from controller.recipe.conditions import compile_condition
from controller.recipe.rest import AWAKE, WATCHED, Rest, Resting, Sleeper
from controller.recipe.run import Run
from controller.recipe.symbols import Symbol

TAGS = ("ph", "volume", "viable_density", "sample_number", "do", "weight")
SYMBOLS = {name: Symbol("1") for name in TAGS} | {"elapsed": Symbol("s")}
LIMIT = 3.0
VALUES = (LIMIT, math.nextafter(LIMIT, 0.0), math.nextafter(LIMIT, 9.0), 0.0, 7.0, math.nan)


class Plant:
    """Values of one vessel, by tag."""

    def __init__(self, **values):
        n = len(TAGS)
        self.frame = Frame(np.full(n, 1.0), np.zeros(n, np.uint8), np.zeros(n, np.uint8), np.zeros(n))
        self.set(**values)

    def set(self, quality=GOOD, **values):
        for name, value in values.items():
            self.frame.value[TAGS.index(name)] = value
            self.frame.quality[TAGS.index(name)] = BAD if math.isnan(value) else quality

    def row(self, vessel, name):
        return TAGS.index(name) if name in TAGS else None

    def read(self, vessel, name):
        return self.frame.value.item(TAGS.index(name)), self.frame.quality.item(TAGS.index(name))


def batch(**known):
    return Batch("B", "V", "r", "h", {}, operation="expand", **known)


def lay(plant, one, text="", sampled=()):
    """Let a batch rest on a condition; gives where it rests, and itself, or ``None`` where it cannot."""
    rest = Rest(Run(one, None, plant, sampled=frozenset(sampled)), plant)
    if not rest.truth(compile_condition(text, SYMBOLS)):
        return None
    resting, sleeper = Resting(), Sleeper(one)
    resting.put(sleeper, rest, clocked=True)
    return resting, sleeper


@pytest.mark.parametrize("sign", ["<", "<=", ">", ">=", "==", "!="])
def test_it_wakes_whenever_a_comparison_can_have_turned(sign):
    text = f"volume {sign} {LIMIT:g}"
    condition = compile_condition(text, SYMBOLS)
    for first, then in itertools.product(VALUES[:-1], VALUES):
        plant = Plant(volume=first)
        resting, sleeper = lay(plant, batch(), text)
        before = condition.evaluate(lambda name, plant=plant: plant.read("V", name))
        plant.set(volume=then)
        resting.step(plant.frame, 1.0)
        after = condition.evaluate(lambda name, plant=plant: plant.read("V", name))
        if before is not after:
            assert sleeper.place == AWAKE, (first, then)
        elif abs(first - LIMIT) > 1.0 and first == then:
            assert sleeper.place != AWAKE


def test_it_rests_while_a_value_stays_on_its_side_and_wakes_when_that_is_bad():
    plant = Plant(volume=1.0)
    resting, sleeper = lay(plant, batch(), "volume > 3")
    for value, quality in ((2.9, GOOD), (0.1, UNCERTAIN), (-5.0, GOOD)):
        plant.set(quality, volume=value)
        resting.step(plant.frame, 1.0)
        assert sleeper.place != AWAKE
    plant.set(BAD, volume=-5.0)
    resting.step(plant.frame, 1.0)
    assert sleeper.place == AWAKE


def test_it_wakes_in_the_scan_in_which_its_time_has_come_with_the_time_until_then():
    plant, one = Plant(volume=1.0), batch(elapsed_s=100.3, operation_elapsed_s=7.1, state_s=2.2)
    resting, sleeper = lay(plant, one, "elapsed > 10 s or volume > 3")
    expected = [100.3, 7.1, 2.2]
    for _ in range(2):
        resting.step(plant.frame, 1.1)
        expected = [time + 1.1 for time in expected]
    assert sleeper.place != AWAKE
    resting.tell()
    assert [one.elapsed_s, one.operation_elapsed_s, one.state_s] == expected
    resting.step(plant.frame, 1.1)
    assert sleeper.place == AWAKE
    assert [one.elapsed_s, one.operation_elapsed_s, one.state_s] == expected, "the scan itself lets its time pass"


@pytest.mark.parametrize("text", ["abs(volume - 3) > 1", "volume > 3 and abs(ph - 7) < 1", "volume + ph > 3"])
def test_what_is_no_comparison_with_a_number_cannot_be_watched(text):
    assert lay(Plant(volume=1.0), batch(), text) is None


def test_what_is_bad_now_cannot_be_watched():
    assert lay(Plant(volume=math.nan), batch(), "volume > 3") is None


def test_what_comes_with_a_sample_is_not_watched_before_there_is_one():
    plant = Plant(viable_density=5.0, volume=1.0)
    resting, sleeper = lay(plant, batch(), "viable_density > 3 or volume > 3", ["viable_density"])
    plant.set(viable_density=1.0)
    resting.step(plant.frame, 1.0)
    assert sleeper.place != AWAKE
    known = batch(baseline=1.0, counted=2.0)
    resting, sleeper = lay(plant, known, "viable_density > 3 or volume > 3", ["viable_density"])
    plant.set(viable_density=5.0)
    resting.step(plant.frame, 1.0)
    assert sleeper.place == AWAKE


def test_one_that_waits_for_too_much_or_for_nothing_does_not_rest():
    everything = " or ".join(f"{name} > 3" for name in TAGS[: WATCHED + 1])
    for text in (everything, "elapsed > 10 s"):
        resting, sleeper = lay(Plant(), batch(), text)
        assert sleeper.place == AWAKE
        assert len(resting) == 0


def test_places_are_used_again_and_others_keep_theirs():
    plant, resting = Plant(volume=1.0), Resting()
    sleepers = [Sleeper(batch(operation_elapsed_s=float(number))) for number in range(9)]
    for sleeper in sleepers:
        rest = Rest(Run(sleeper.batch, None, plant), plant)
        assert rest.truth(compile_condition("volume > 3", SYMBOLS))
        resting.put(sleeper, rest, clocked=sleeper is not sleepers[3])
    resting.wake(sleepers[5])
    resting.step(plant.frame, 2.0)
    resting.tell()
    assert len(resting) == 8
    elapsed = [sleeper.batch.operation_elapsed_s for sleeper in sleepers]
    assert elapsed == [2.0, 3.0, 4.0, 3.0, 6.0, 5.0, 8.0, 9.0, 10.0]
    resting.step(plant.frame, -1.0)
    assert len(resting) == 0, "time that runs backwards is nothing to rest on"
