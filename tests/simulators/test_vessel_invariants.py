"""What every vessel keeps, whatever is done to it: volume, lactate, carbon, oxygen, charge, and its own numbers."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulators.biology import tc_m
from simulators.biology.donors import patients, together
from simulators.biology.suspension import Suspension
from simulators.description import CULTURES
from simulators.draws import Alone, Together
from simulators.physics.gas import GAS_MOLAR_L
from simulators.physics.mass import water_carried
from simulators.physics.ph import weak_charge
from simulators.sizes import as_bought, sized
from simulators.tank import CELL_CULTURE, TANKS
from simulators.vessel import Vessel

N = 500
DONORS = tuple(one.donor for one in patients(11, N))
SEALED = replace(CELL_CULTURE, kla_surface=1e-4)
"""Nearly: within an hour a ten-thousandth of what is dissolved gets out."""
SEEDS, STEPS = st.integers(0, 2**32 - 1), st.sampled_from([0.2, 1.0, 5.0, 10.0])
MOLAR = 1e-3
"""mol/L in a mmol/L."""


def vessel(tank=CELL_CULTURE, model="tc_m", volume=None, seed="1"):
    kind = CULTURES[model]
    filling = 0.5 * tank.nominal_l if volume is None else volume
    made = Vessel(tank, Suspension(kind.equations(kind.usual)), Alone(seed), filling, 37.0)
    made.culture.set("vcd", 2.0)
    made.culture.set("culture_age_h", 48.0)
    made.settle()
    return made


def drive(made, random):
    """Anything that a controller might ask for, nonsense included."""
    tank = made.tank
    highs = dict(zip(("air_sp", "o2_sp", "co2_sp", "n2_sp"), tank.gas_range, strict=True))
    highs |= {"heater": 100.0, "agitation_sp": tank.fastest_rpm, "base_rpm": 30.0, "feed_rpm": 30.0}
    for name, high in highs.items():
        made.actuators[name] = float(random.choice([0.0, high, high * random.uniform(), -high, np.nan]))


@settings(deadline=None, max_examples=25)
@given(seed=SEEDS, dt=STEPS, size=st.floats(0.25, 2000.0), bleed=st.floats(0.0, 0.02), harvest=st.floats(0.0, 0.05))
def test_volume_is_what_came_less_what_went(seed, dt, size, bleed, harvest):
    random, made = np.random.default_rng(seed), vessel(as_bought(sized(CELL_CULTURE, size)))
    made.out = made.out._replace(harvest=harvest * size, bleed=bleed * size, retained=0.9)
    made.protein = float(random.uniform(0.0, 3.0))
    begin, gone = made.volume_l, 0.0
    for number in range(200):
        if number % 20 == 0:
            drive(made, random)
        spilling = made._spilt
        made.step(dt)
        dried = 1e-6 * water_carried(made.tank.condenser) * made.gas.flow
        gone += (dried + made.out.harvest + made.out.bleed + spilling) * dt / 3600.0
    came = 0.001 * (made.drives.base.delivered_ml + made.drives.feed.delivered_ml)
    assert made.volume_l - begin == pytest.approx(came - gone, abs=2e-5 * size)
    assert made.volume_l > 0.0


@settings(deadline=None, max_examples=15)
@given(seed=SEEDS, dt=STEPS, x=st.floats(0.1, 8.0), g=st.floats(2.0, 30.0), lactate=st.floats(0.0, 20.0))
def test_in_a_closed_vessel_lactate_and_acid_are_what_became_of_glucose(seed, dt, x, g, lactate):
    """Strong ions lose as much as lactate and ammonia less glutamine say; nothing else moves them."""
    made = vessel(SEALED, seed=str(seed))
    for name, value in {"vcd": x, "glucose": g, "lactate": lactate}.items():
        made.culture.set(name, value)
    made.settle()
    made.catch_up()
    before, strong = made.truth(), made.solution.strong
    for _ in range(round(1800 / dt)):
        made.step(dt)
    made.catch_up()
    after = made.truth()
    assert after["lactate"] + 1.7 * after["glucose"] == pytest.approx(lactate + 1.7 * g, rel=1e-9)
    decayed = before["glutamine"] * (1.0 - np.exp(-0.0022 * 0.5))
    ammonia = after["ammonia"] - before["ammonia"] - decayed
    ions = ammonia - (after["lactate"] - before["lactate"])
    assert made.solution.strong - strong == pytest.approx(ions, abs=0.01 * abs(ions) + 0.01)


@settings(deadline=None, max_examples=15)
@given(dt=STEPS, x=st.floats(0.1, 5.0))
def test_in_a_closed_vessel_carbon_is_gained_as_oxygen_is_breathed(dt, x):
    """With a respiratory quotient of 1: one carbon for each oxygen, until there is no more."""
    made = vessel(SEALED)
    made.culture.set("vcd", x)
    made.settle()
    total = made.solution.carbon + made.solution.oxygen
    for _ in range(round(600 / dt)):
        made.step(dt)
        assert made.solution.carbon + made.solution.oxygen == pytest.approx(total, abs=1e-4)


def oxygen(made, room):
    """mmol in the liquid and in so many litres of gas above it, which what evaporates hardly changes."""
    return made.solution.oxygen * made.volume_l + made.gas.exhaust.o2 * room / (0.001 * GAS_MOLAR_L)


@settings(deadline=None, max_examples=15)
@given(dt=st.sampled_from([1.0, 2.0, 5.0]), air=st.floats(20.0, 500.0), rpm=st.floats(30.0, 300.0))
def test_oxygen_that_came_with_the_gas_left_with_it_or_was_breathed(dt, air, rpm):
    made = vessel()
    made.actuators.update(air_sp=air, agitation_sp=rpm)
    made.step(dt)
    room = made.tank.brim_l - made.volume_l
    begin, came, breathed = oxygen(made, room), 0.0, 0.0
    for _ in range(round(1800 / dt)):
        made.step(dt)
        hours = dt / 3600.0
        came += (made.gas.inlet.o2 - made.gas.exhaust.o2) * 0.06 * made.gas.flow / (0.001 * GAS_MOLAR_L) * hours
        breathed += made.solution.oxygen_uptake * made.volume_l * hours
    assert oxygen(made, room) - begin == pytest.approx(came - breathed, abs=0.01 * breathed)


@pytest.mark.parametrize("model", CULTURES)
@settings(deadline=None, max_examples=8)
@given(seed=SEEDS, dt=STEPS, size=st.sampled_from([0.25, 2.0, 200.0, 2000.0]))
def test_charges_balance_and_nothing_is_negative_or_without_end(model, seed, dt, size):
    random, made = np.random.default_rng(seed), vessel(as_bought(sized(TANKS[model], size)), model)
    made.protein = float(random.uniform(0.0, 3.0))
    for number in range(120):
        if number % 20 == 0:
            drive(made, random)
        made.step(dt)
        solution = made.solution
        residual = weak_charge(solution.ph, solution.carbon, solution.buffers()).total - solution.strong
        assert MOLAR * abs(residual) < 1e-9, "mol/L"
        numbers = {**made.truth(), "oxygen": solution.oxygen, "carbon": solution.carbon, "foam": made.foam}
        assert all(np.isfinite(value) and value >= 0.0 for value in numbers.values()), numbers
        assert all(np.isfinite(value) for value in made.readings.values())


@settings(deadline=None, max_examples=6)
@given(seed=SEEDS, dt=st.sampled_from([1.0, 5.0]), column=st.integers(0, N - 1))
def test_one_of_500_is_to_the_bit_what_it_is_alone_and_again(seed, dt, column):
    tank = as_bought(CELL_CULTURE)

    def lived(like, donor, draws, volume):
        random, made = np.random.default_rng(seed), Vessel(tank, Suspension(tc_m.TCell(donor)), draws, volume, like(37))
        made.culture.set("vcd", like(1.5))
        made.culture.set("culture_age_h", like(40.0))
        made.settle()
        trace = []
        for _ in range(4):
            drive(made, random)
            made.actuators.update({name: like(value) for name, value in made.actuators.items()})
            for _ in range(10):
                made.step(dt)
            trace += [*made.truth().values(), *made.readings.values()]
        return trace

    volumes = np.random.default_rng(seed + 1).uniform(0.4, 1.9, N)
    seeds = [f"{seed}:{number}" for number in range(N)]
    many = lived(lambda value: np.full(N, value), together(DONORS), Together(seeds), volumes)
    alone, again = (lived(float, DONORS[column], Alone(seeds[column]), float(volumes[column])) for _ in range(2))
    assert [np.float64(value).tobytes() for value in alone] == [values[column].tobytes() for values in many]
    assert alone == again
