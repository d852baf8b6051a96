"""Vessels of 0.25 L to 2,000 L: what stays the same, what grows, and that each can be run."""

import math
import random
from itertools import pairwise

import pytest

from simulators.biology import tc_m
from simulators.biology.suspension import Suspension
from simulators.draws import Alone
from simulators.physics import thermal, transfer
from simulators.plant import Plant
from simulators.sizes import LARGEST, SIZES, SMALLEST, as_bought, geometry, sensor_models, sized
from simulators.tank import CELL_CULTURE, MICROBIAL
from simulators.vessel import Vessel


def vessel(tank):
    made = Vessel(tank, Suspension(tc_m.TCell(tc_m.DONOR)), Alone("5"), 0.9 * tank.nominal_l, 22.0)
    made.culture.set("vcd", 1.0)
    made.settle()
    return made


def test_the_reference_vessel_is_its_own_size():
    assert sized(CELL_CULTURE, 2.0) == CELL_CULTURE
    assert sensor_models(CELL_CULTURE) is sensor_models(sized(CELL_CULTURE, 2.0))
    assert geometry(2.0).diameter_m == pytest.approx(0.13, rel=0.02), "as the vessel of the correlations' target"
    assert geometry(2.0).impellers.diameter_m == pytest.approx(0.06, rel=0.02)


@pytest.mark.parametrize("volume", SIZES)
def test_what_a_size_has_is_possible(volume):
    tank = sized(CELL_CULTURE, volume)
    shape = geometry(volume)
    density = transfer.ungassed_power(tank.reference_rpm, shape.impellers) / (0.001 * volume)
    power, _ = thermal.holding(37.0, tank.stirring_w, tank.shell)
    slow, fast = thermal.time_constants(thermal.WATER_J_PER_KG * volume, tank.shell)
    kla = transfer.kla(
        transfer.stirred(tank.reference_rpm, tank.reference_rpm), 100.0 * volume, volume, tank.kla_reference, 0.0
    )
    tip = math.pi * shape.impellers.diameter_m * tank.reference_rpm / 60.0
    print(f"{volume:g} L: {tank.reference_rpm:.0f} rev/min, {density:.1f} W/m3, tip {tip:.2f} m/s, hold {power:.0f} of "
          f"{tank.heater_w:.0f} W, {slow:.0f} and {fast:.0f} s, mixing {tank.mixing_s:.0f} s")  # fmt: skip
    assert 1.0 <= density <= 50.0
    assert density == pytest.approx(9.1, rel=0.1)
    assert kla == pytest.approx(10.0)
    assert 0.1 < tip < 2.0
    assert 0.05 * tank.heater_w < power < 0.6 * tank.heater_w
    assert fast > 6.0 * thermal.MOST_S, "long steps stay right"
    assert 5.0 <= tank.mixing_s <= 60.0
    assert 10.0 <= tank.gas_line_s <= 30.0
    assert 2.0 <= tank.gas_dead_s <= 5.0


def test_larger_vessels_mix_and_warm_more_slowly():
    tanks = [sized(CELL_CULTURE, volume) for volume in SIZES]
    for smaller, larger in pairwise(tanks):
        assert larger.mixing_s > smaller.mixing_s or larger.mixing_s == 60.0
        assert larger.reference_rpm < smaller.reference_rpm
        assert larger.kla_surface < smaller.kla_surface
        assert larger.heater_w / larger.nominal_l < smaller.heater_w / smaller.nominal_l


@pytest.mark.parametrize("volume", [SMALLEST * 0.99, LARGEST * 1.01, 0.0, -1.0, float("nan")])
def test_a_size_that_nobody_scaled_is_refused_with_the_range(volume):
    with pytest.raises(ValueError, match=r"within 0.25 \.\. 2000 L"):
        sized(CELL_CULTURE, volume)


@pytest.mark.parametrize("tank", [CELL_CULTURE, MICROBIAL], ids=["cells", "microbial"])
@pytest.mark.parametrize("volume", [0.25, 10.0, 2000.0])
def test_a_vessel_of_any_size_stays_finite_whatever_is_done(volume, tank):
    noise, made = random.Random(3), vessel(as_bought(sized(tank, volume)))
    made.protein = 1.0
    for _ in range(40):
        for name, high in zip(("air_sp", "o2_sp", "co2_sp", "n2_sp"), made.tank.gas_range, strict=True):
            made.actuators[name] = noise.choice([0.0, high, high * noise.random()])
        made.actuators["agitation_sp"] = noise.choice([0.0, made.tank.fastest_rpm, made.tank.reference_rpm])
        made.actuators["heater"] = noise.choice([0.0, 50.0, 100.0])
        made.actuators["base_rpm"], made.actuators["feed_rpm"] = noise.choice([0.0, 30.0]), noise.choice([0.0, 30.0])
        for _ in range(20):
            made.step(5.0)
        for name, value in {**made.truth(), **{key: made.readings[key] for key in ("do", "ph", "pressure")}}.items():
            assert math.isfinite(value), name
            assert value >= 0.0 or name == "pressure", name


@pytest.mark.parametrize("volume", [0.25, 2.0, 200.0])
def test_the_volume_is_what_came_less_what_went(volume):
    made = vessel(sized(CELL_CULTURE, volume))
    begin = made.volume_l
    made.out = made.out._replace(harvest=0.02 * volume, bleed=0.005 * volume, retained=0.9)
    air = 100.0 * volume
    made.actuators.update(feed_rpm=5.0, base_rpm=2.0, air_sp=air, agitation_sp=made.tank.reference_rpm)
    for _ in range(720):
        made.step(5.0)
    came = 0.001 * (made.truth()["feed_ml"] + made.truth()["base_ml"])
    went = (0.025 + 0.515e-6 * air / volume) * volume
    assert made.volume_l - begin == pytest.approx(came - went, abs=2e-5 * volume)
    assert made.readings["weight"] == pytest.approx(1008.0 * made.volume_l, abs=12.0 * volume)


def test_foam_leaves_the_vessel_wets_the_filter_and_is_broken_by_antifoam():
    made = vessel(CELL_CULTURE)
    made.protein = 6.0
    made.actuators.update(air_sp=500.0, agitation_sp=150.0)
    before, dry = made.volume_l, made.tank.back_pressure * 500.0
    for _ in range(720):
        made.step(5.0)
    assert made.foam > made.tank.foaming.greatest
    assert made.volume_l < before - 0.01
    assert made.readings["pressure"] > 1.1 * dry
    clean = made.truth()["kla"]
    made.antifoam = 1.0
    made.step(5.0)
    assert made.truth()["kla"] == pytest.approx(0.6 * clean, rel=0.01)
    for _ in range(240):
        made.step(5.0)
    assert made.foam < 0.8 * made.tank.foaming.rate * 0.5 * 6.0 * 0.3
    for _ in range(4 * 720):
        made.step(5.0)
    assert made.truth()["kla"] > 0.98 * clean


def test_a_vessel_of_a_site_may_have_any_size():
    made = Plant({"P": {"model": "ecoli_a", "size_l": 200.0, "biomass": 1.0}, "B": {"model": "tc_m"}}, seed=1)
    assert made.truth("P")["volume_l"] == 100.0
    assert made.truth("B")["volume_l"] == 1.0
    made.hands("1", "P", "fill", {"volume_l": 50.0})
    assert made.truth("P")["volume_l"] == 150.0
    made.set_state("P", {"volume_l": 290.0})
    with pytest.raises(ValueError, match="would overflow a vessel of 300 L"):
        made.hands("2", "P", "fill", {"volume_l": 20.0})
    with pytest.raises(ValueError, match=r"volume_l must be 2 \.\. 300"):
        made.set_state("P", {"volume_l": 1.0})
    with pytest.raises(ValueError, match=r"BR: 3000 L: vessels are scaled within 0.25 \.\. 2000 L"):
        Plant({"BR": {"size_l": 3000.0}})
