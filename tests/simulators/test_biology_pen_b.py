"""PEN-B in its source's tank against reference trajectories: 298 K, pH 5, batch to 0.3 g/L glucose, then fed."""

import numpy as np
import pytest

from simulators.biology import pen_b_tank
from simulators.biology.culture import Environment, Inflow, runge_kutta
from simulators.biology.pen_b import MOULD, Mould, Penicillium
from simulators.biology.pen_b_tank import Broth
from simulators.biology.suspension import Suspension
from simulators.numeric import filled, where
from tests.simulators.published import column, deviation

FINE_H, FAST_H = 1 / 60, 1 / 15
"""The fast step is four times what the plant allows itself."""
START = (0.1, 15.0, 0.0, 0.5, 1.16, 100.0)
NAMES = ["X", "S", "P", "CO2", "C", "V"]
FREE = MOULD._replace(k_ox=0.0, k_op=0.0)
ROWS = {
    "off": (FREE, ("42.749", "6.432"), {
        100: "9.720 0.0643 0.563 1.886 1.1154 96.33",
        200: "12.609 0.0222 1.161 2.309 1.1097 94.58",
        400: "14.231 0.0030 1.619 2.563 1.1065 91.41",
    }),
    "on": (MOULD, ("44.009", "6.409"), {
        100: "9.691 0.0790 0.510 1.882 1.1153 96.28",
        400: "14.286 0.0031 1.619 2.570 1.1064 91.37",
    }),
}  # fmt: skip


def live(step, start, h, hours=400):
    """States at each hundred hours, and where the feed began: hour and biomass."""
    state, trace = start, {}
    feed = begun = at = filled(start[0], 0.0)
    for k in range(1, round(hours / h) + 1):
        before = state
        state = step(state, feed, h)
        now = (feed == 0.0) & (state[1] < 0.3)
        share = (before[1] - 0.3) / where(now, before[1] - state[1], filled(at, 1.0))
        begun = where(now, (k - 1 + share) * h, begun)
        at = where(now, before[0] + share * (state[0] - before[0]), at)
        feed = where(state[1] < 0.3, filled(feed, 0.042), feed)
        if k % round(100 / h) == 0:
            trace[round(k * h)] = state
    return trace, (begun, at)


def bare(mould):
    """The equations of culture and tank as one system by the fourth-order method."""
    model = Penicillium(mould)

    def step(state, feed, h):
        def slope(y):
            kelvin, ph = filled(y[5], 298.0), filled(y[5], 5.0)
            moving = pen_b_tank.slope(Broth(y[:4], y[4], y[5]), model, kelvin, ph, feed)
            return (*moving.culture, moving.oxygen, moving.volume)

        return runge_kutta(slope, state, h)

    return step


def plant(mould):
    """The culture as the plant steps it, in long steps; oxygen settled at its balance, which takes a minute."""
    model = Penicillium(mould)
    culture = Suspension(model)

    def step(state, feed, h):
        *cells, oxygen, volume = state
        culture.state = tuple(cells)
        kelvin, ph = filled(volume, 298.0), filled(volume, 5.0)
        gained = feed - pen_b_tank.evaporation(volume, kelvin)
        here = Environment(kelvin - 273.15, ph, oxygen, oxygen * (100.0 / 1.16))
        culture.advance(h, here, Inflow(gained / volume, feed / volume, filled(volume, 0.0)))
        used = model.uptake(culture.state, here)
        rate = pen_b_tank.transfer(volume)
        oxygen = (rate * 1.16 - used) / (rate + gained / volume)
        return (*culture.state, oxygen, volume + gained * h)

    return step


def check(what, found, switch, expected, rows, relative):
    off = [("switch", *deviation(float(switch[0]), expected[0])), ("X sw", *deviation(float(switch[1]), expected[1]))]
    for hour, row in rows.items():
        values = zip(NAMES, found[hour], row.split(), strict=True)
        off += [(f"{hour} h {name}", *deviation(float(value), text)) for name, value, text in values]
    worst = max(off, key=lambda entry: entry[1])
    print(f"PEN-B {what}: {len(off)} values, worst {worst[1]:.3%} at {worst[0]}, last digit: {worst[2]}")
    assert not [entry for entry in off if entry[1] > relative and not entry[2]]


@pytest.mark.parametrize("brackets", ROWS)
def test_with_a_fine_integrator(brackets):
    mould, switch, rows = ROWS[brackets]
    found, switched = live(bare(mould), START, FINE_H)
    check(f"oxygen {brackets}, fine", found, switched, switch, rows, 0.005)


def test_as_the_plant_steps_in_floats_and_in_arrays_to_the_bit():
    moulds = [mould for mould, _, _ in ROWS.values()]
    many = Mould._make(column(values) for values in zip(*moulds, strict=True))
    found, switched = live(plant(many), tuple(np.full(2, value) for value in START), FAST_H)
    for i, (brackets, (mould, switch, rows)) in enumerate(ROWS.items()):
        mine = {hour: tuple(value[i] for value in state) for hour, state in found.items()}
        check(f"oxygen {brackets}, in arrays", mine, [v[i] for v in switched], switch, rows, 0.03)
        alone, _ = live(plant(mould), START, FAST_H, 100)
        assert np.array_equal(alone[100], mine[100])


def test_growth_warms_the_tank_and_cooling_water_cools_it():
    broth = Broth((10.0, 1.0, 0.5, 1.0), 1.1, 100.0)
    made = 60.0 * 0.2 + 1.6783e-4 * 10.0
    assert pen_b_tank.warming(298.0, 0.2, broth, 0.0, 0.0, 283.15) == pytest.approx(made / 1500.0)
    water = 20.0
    strength = 1000.0 * water**0.6
    taken = strength * water / (water + strength / 2000.0) * (298.0 - 283.15)
    cooled = pen_b_tank.warming(298.0, 0.2, broth, 0.0, water, 283.15)
    assert cooled == pytest.approx((made * 100.0 - taken) / 150_000.0)
    assert pen_b_tank.warming(300.0, 0.0, broth, 1.0, 0.0, 283.15) < 0.0


def test_heat_and_wrong_ph_stop_growth():
    model = Penicillium(MOULD)

    def growth(temperature, ph):
        return model.slope((1.0, 15.0, 0.0, 0.5), Environment(temperature, ph, 0.2, 100.0), Inflow(0.0, 0.0, 0.0))[0]

    assert growth(25.0, 5.0) > growth(15.0, 5.0) > 0.0
    assert growth(80.0, 5.0) == 0.0
    assert growth(25.0, 5.0) > 5.0 * growth(25.0, 3.0) > 0.0
