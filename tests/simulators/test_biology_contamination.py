"""Bacteria beside a culture: exponential oxygen demand, acid, and a limit."""

import math

import numpy as np
import pytest

from simulators.biology.contamination import INVADER, SEED, Contaminated
from simulators.biology.culture import Environment, Inflow
from simulators.biology.suspension import Suspension
from simulators.biology.tc_m import DONOR, TCell
from tests.simulators.test_plant_vessel import GROWING, plant

HERE = Environment(37.0, 7.2, 0.1, 50.0)
STILL = Inflow(0.0, 0.0, 0.0)


def infected(seed=SEED, invader=INVADER):
    clean = Suspension(TCell(DONOR))
    clean.inoculate(10.0, 0.1, 0.95)
    return Contaminated(clean, invader, seed)


def lives(culture, hours, inflow=STILL):
    return [culture.advance(1 / 60, HERE, inflow) for _ in range(hours * 60)]


@pytest.mark.parametrize("mumax", [0.9, 1.2])
def test_it_grows_exponentially_at_its_rate(mumax):
    culture = infected(invader=INVADER._replace(mumax=mumax))
    lives(culture, 6)
    at_oxygen = mumax * 0.1 / 0.1002
    assert culture.bacteria == pytest.approx(SEED * math.exp(6 * at_oxygen), rel=1e-3)


def test_after_half_a_day_oxygen_demand_and_acid_are_above_those_of_the_cells():
    sick, healthy = infected(), infected(seed=0.0)
    sick_trace, healthy_trace = lives(sick, 12), lives(healthy, 12)
    assert sick_trace[4 * 60].oxygen == pytest.approx(healthy_trace[4 * 60].oxygen, rel=0.02)
    assert sick_trace[-1].oxygen > 2.0 * healthy_trace[-1].oxygen
    assert sick_trace[-1].ions < 2.0 * healthy_trace[-1].ions < 0.0
    assert sick_trace[-1].half < healthy_trace[-1].half
    extra = [one.oxygen - other.oxygen for one, other in zip(sick_trace, healthy_trace, strict=True)]
    assert math.log(extra[-1] / extra[-121]) == pytest.approx(2 * 1.05, rel=0.04)


def test_it_stays_within_its_crowd_and_is_washed_out_by_dilution():
    culture = infected(seed=9e9)
    lives(culture, 24)
    assert culture.bacteria == pytest.approx(1e10, rel=1e-3)
    before = culture.bacteria
    culture.dilute(0.5)
    culture.inoculate(1.0, 0.5, 0.95)
    assert culture.bacteria == before * 0.25
    lives(culture, 1, Inflow(5.0, 0.0, 0.0))
    assert culture.bacteria < before * 0.01


def test_without_bacteria_nothing_changes_to_the_bit():
    clean = Suspension(TCell(DONOR))
    clean.inoculate(10.0, 0.1, 0.95)
    assert lives(infected(seed=0.0), 2) == lives(clean, 2)


def test_it_marks_the_state_and_passes_on_the_rest():
    culture = infected()
    assert culture.outside(HERE)["bacteria"]
    assert not infected(seed=0.0).outside(HERE)["bacteria"]
    assert culture.set("glucose", 3.0)
    assert culture.truth()["glucose"] == 3.0
    assert not culture.set("biomass", 3.0)


def test_an_invader_out_of_its_limits_is_refused():
    with pytest.raises(ValueError, match=r"mumax = 2 1/h is outside 0.9 .. 1.2"):
        infected(invader=INVADER._replace(mumax=2.0))


def test_in_a_vessel_oxygen_and_ph_fall():
    made = plant(GROWING, heater=27.0, air_sp=100.0)
    vessel = made._vessels["BR-101"]
    vessel.culture = Contaminated(vessel.culture, INVADER, 1e7)
    before = made.truth("BR-101")
    for _ in range(12 * 360):
        made.step(10.0)
    after = made.truth("BR-101")
    assert after["true_do"] < 0.2 * before["true_do"]
    assert after["true_ph"] < before["true_ph"] - 0.2
    assert np.isfinite(list(after.values())).all()
