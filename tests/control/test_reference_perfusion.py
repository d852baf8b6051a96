"""The tunings of perfusion-10l, and of the loops that hold head pressure: robust over what varies in a batch."""

from itertools import product
from math import exp, log

import pytest

from simulators.physics.mass import VALVE_RANGE_LOG, settling_s, throttled
from simulators.physics.thermal import WATER_J_PER_KG
from simulators.sizes import sized
from simulators.tank import CELL_CULTURE
from tests.reference.aeration import aerated
from tests.reference.broth import GAS_LINE_S, MIXING_S
from tests.reference.broth_response import State, base_response, co2_response
from tests.reference.chemistry import BUFFERS, Batch, Chemistry
from tests.reference.margins import frequencies, lag
from tests.reference.tuned import acting, judge, loop_of

TANK = sized(CELL_CULTURE, 10.0)
THERMOMETER_S, BALANCE_S = 12.0, 2.0


def test_the_temperature_is_robust_with_any_volume():
    w, (loop, filter_s), shell = frequencies(), loop_of("perfusion", "temperature"), TANK.shell
    jacket = shell.jacket * 1j * w + shell.exchange + shell.jacket_loss

    def heated(volume):
        culture = WATER_J_PER_KG * volume * 1j * w + shell.exchange + shell.culture_loss
        return shell.exchange / (culture * jacket - shell.exchange**2) * 0.01 * TANK.heater_w * lag(w, THERMOMETER_S)

    judge("temperature", [acting(w, loop, filter_s) * heated(volume) for volume in (5.0, 7.5, 10.0)])


def test_the_weight_is_robust():
    w, (loop, filter_s) = frequencies(slowest=1e-5), loop_of("perfusion", "harvest")
    drawn = -TANK.density / 3600.0 / (1j * w) * lag(w, BALANCE_S)
    judge("weight", [acting(w, loop, filter_s) * drawn])


def test_dissolved_oxygen_is_robust_wherever_the_sequence_stands():
    w, (loop, filter_s) = frequencies(count=3000), loop_of("perfusion", "do")
    places = (1.0, 8.0, 16.0, 24.0, 26.0, 35.0, 45.0, 58.0, 61.0, 65.0, 75.0, 85.0, 99.0)
    vessels = [*product((1.0, 2.0), (30.0, 70.0), (13.0, 30.0), (50.0, 100.0))]
    judge("do", [
        acting(w, loop, filter_s, place) * aerated(w, place, *vessel, TANK) for place in places for vessel in vessels
    ])  # fmt: skip


def test_the_ph_is_robust_in_every_medium():
    w, (loop, filter_s) = frequencies(slowest=1e-5, count=4000), loop_of("perfusion", "ph")
    told = Chemistry([Batch("nominal", "perfusion", "open", medium) for medium in BUFFERS]).told_capacity().tolist()
    per_co2, per_base = ((leg.end - leg.start) / (leg.high - leg.low) for leg in loop.legs)
    slower = lag(w, TANK.mixing_s) / lag(w, MIXING_S), lag(w, TANK.gas_line_s) / lag(w, GAS_LINE_S)
    held = {"lean": (16.0, 24.0, 40.0), "rpmi": (2.0, 24.0, 40.0), "hepes": (2.0, 24.0, 60.0)}
    by_base, by_co2 = [], []
    for medium, capacity in zip(BUFFERS, told, strict=True):
        regulator = acting(w, loop, filter_s, capacity)
        for case in product(held[medium], (0.0, 6.0, 12.0), (5.0, 10.0), (250.0, 1000.0), (0.0, 150.0)):
            by_base.append(regulator * per_base * base_response(w, State(medium, *case)) * slower[0])
            by_co2.append(regulator * per_co2 * co2_response(w, State(medium, *case)) * slower[1])
    judge("base", by_base)
    judge("carbon dioxide", by_co2)


@pytest.mark.parametrize(
    ("site", "litres", "gases", "setpoints"),
    [
        ("perfusion", 10.0, (250.0, 1000.0, 2500.0, 3500.0), (10.0, 30.0, 80.0)),
        ("jacketed", 5.0, (50.0, 200.0, 500.0), (20.0, 50.0, 150.0, 300.0)),
    ],
)
def test_head_pressure_is_robust_with_any_gas(site, litres, gases, setpoints):
    """Wherever the valve, with its equal percentages, can hold the pressure; the gas space is a tenth to a half."""
    w, (loop, filter_s), dry = frequencies(), loop_of(site, "pressure"), sized(CELL_CULTURE, litres).back_pressure
    loops = []
    for gas, pressure, room in product(gases, setpoints, (0.1 * litres, 0.5 * litres)):
        opening = 1.0 - log(max(pressure / gas, dry) / dry) / VALVE_RANGE_LOG
        if 0.0 <= opening < 1.0:
            assert gas * (dry + throttled(opening, dry)) == pytest.approx(pressure)
            slope = 0.01 * gas * dry * VALVE_RANGE_LOG * exp(VALVE_RANGE_LOG * (1.0 - opening))
            loops.append(acting(w, loop, filter_s) * slope * lag(w, settling_s(pressure / gas, room)))
    assert len(loops) > 8
    judge(f"pressure, {site}", loops)
