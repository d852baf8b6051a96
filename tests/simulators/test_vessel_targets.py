"""Numbers of the vessel as it is stepped, and of its sensors and actuators against their tables."""

from dataclasses import replace

import numpy as np
import pytest

from simulators.actuators import FLOW_ERROR, FLOW_LAG_S, SLEW_RPM_PER_S, TURNDOWN, Drives
from simulators.biology import cho_a, ecoli_a, tc_m
from simulators.biology.culture import Environment
from simulators.biology.suspension import Suspension
from simulators.draws import Alone, Together
from simulators.physics import gas, thermal, transfer
from simulators.physics.mass import water_carried
from simulators.physics.ph import weak_charge
from simulators.sensors import ANALYSER_DELAY_S, CATALOGUE
from simulators.sizes import SIZES, as_bought, sized
from simulators.tank import CELL_CULTURE, MICROBIAL
from simulators.vessel import Vessel

FAST = 0.03
BOUGHT = as_bought(CELL_CULTURE)
NOBODY = Alone("1")


def vessel(tank=CELL_CULTURE, volume=1.0, temperature=37.0, **asked):
    made = Vessel(tank, Suspension(tc_m.TCell(tc_m.DONOR)), NOBODY, volume, temperature)
    made.actuators.update(asked)
    return made


def run(made, seconds, dt=1.0):
    for _ in range(round(seconds / dt)):
        made.step(dt)
    return made


SENSORS = {
    "do_optical": (13.0, 25.0, 0.2, 0.1, 1.0, 0.3),
    "do_polarographic": (13.0, 39.0, 0.3, 0.1, 1.5, None),
    "ph_glass": (6.0, 20.0, 0.004, 0.001, 0.02, 0.01),
    "pt100_a": (12.0, None, 0.02, 0.01, 0.1, None),
    "pt100_b": (12.0, None, 0.02, 0.01, 0.3, None),
    "load_cell": (2.0, None, 2.0, 1.0, 0.0, None),
    "off_gas": (20.0, None, 0.01, 0.01, 0.05, None),
}
"""Lag fresh and worn in s, noise, resolution, accuracy, largest drift per day."""


@pytest.mark.parametrize("name", SENSORS)
def test_a_sensor_is_as_its_table_says(name):
    tau, worn, noise, resolution, accuracy, drift = SENSORS[name]
    model = CATALOGUE[name]
    assert (model.tau_s, model.noise, 10.0**-model.decimals, model.offset) == pytest.approx(
        (tau, noise, resolution, accuracy)
    )
    assert worn is None or model.worn_tau_s == worn
    assert drift is None or model.drift_per_day == drift


def test_what_only_one_kind_of_sensor_has():
    assert CATALOGUE["do_polarographic"].ages_per_day == -0.5
    assert CATALOGUE["ph_glass"].least_slope == 0.95
    assert CATALOGUE["load_cell"].pull == 20.0
    cells = CATALOGUE["capacitance"]
    assert cells.relative_noise == 0.02
    assert 0.05 <= cells.slope_error <= 0.10
    assert cells.tau_s * np.log(10.0) < 90.0
    assert ANALYSER_DELAY_S == 30.0
    assert set(CATALOGUE) == {*SENSORS, "capacitance"}


def test_actuators_are_as_their_table_says():
    assert (TURNDOWN, FLOW_LAG_S, FLOW_ERROR, SLEW_RPM_PER_S) == (50.0, 1.0, 0.005, 50.0)
    assert BOUGHT.flow_zero == 0.001
    for pump in (BOUGHT.base_pump, BOUGHT.feed_pump):
        assert (pump.error, pump.wear_per_h, pump.least_duty) == (0.05, 0.002, 0.01)
        assert pump.rollers > 0.0
    assert 1.0 <= BOUGHT.heater_pulse_s <= 10.0


def test_gas_errs_by_half_a_percent_and_a_thousandth_of_full_scale_at_most():
    drives, wanted = Drives(BOUGHT, Together([str(n) for n in range(300)])), np.full(300, 400.0)
    zero = dict.fromkeys(("heater", "agitation_sp", "o2_sp", "co2_sp", "n2_sp"), np.zeros(300))
    for _ in range(30):
        drives.step({**zero, "air_sp": wanted}, 1.0)
    off = drives.flows["air"].delivered - 400.0
    assert np.abs(off).max() <= 0.005 * 400.0 + 0.001 * 500.0 + 1e-9
    assert np.abs(off).max() > 0.8 * (0.005 * 400.0 + 0.001 * 500.0)


def test_the_balance_tells_which_way_a_pump_errs():
    many = Vessel(BOUGHT, Suspension(tc_m.TCell(tc_m.Donor(*(np.full(40, v) for v in tc_m.DONOR)))),
                  Together([str(n) for n in range(40)]), np.full(40, 1.0), np.full(40, 37.0))  # fmt: skip
    begin = many.readings["weight"]
    many.actuators["feed_rpm"] = np.full(40, 50.0)
    run(many, 3600.0, 5.0)
    gained = (many.readings["weight"] - begin) / (1.008 * 0.10 * 50.0 * 60.0) - 1.0
    errors = many.drives.feed.delivered_ml / (0.10 * 50.0 * 60.0) - 1.0
    far = np.abs(errors) > 0.03
    assert far.sum() > 5
    assert (np.sign(gained[far]) == np.sign(errors[far])).all()


def test_transfer_scatters_by_30_percent_between_vessels():
    scatter = Together([str(n) for n in range(300)])
    donor = tc_m.Donor(*(np.full(300, value) for value in tc_m.DONOR))
    many = Vessel(BOUGHT, Suspension(tc_m.TCell(donor)), scatter, np.full(300, 1.0), np.full(300, 37.0))
    many.actuators.update(air_sp=np.full(300, 100.0), agitation_sp=np.full(300, 150.0))
    run(many, 60.0, 5.0)
    kla = many.truth()["kla"] / 10.5
    assert 0.69 <= kla.min() < 0.75
    assert 1.25 < kla.max() <= 1.31


@pytest.mark.parametrize(("temperature", "mg"), [(25.0, 8.44), (30.0, 7.60), (37.0, 6.56)])
def test_air_saturated_water_in_milligrams(temperature, mg):
    assert 31.9988 * gas.air_saturation(temperature) == pytest.approx(mg, rel=0.005)


@pytest.mark.parametrize("dt", [1.0, 5.0])
def test_oxygen_of_a_vessel_after_a_step_from_nitrogen_to_air(dt):
    """With kLa 10 and no dead time before the liquid; the probe of the vessel has 13 s, and noise."""
    tank = replace(CELL_CULTURE, kla_surface=0.0, gas_line_s=1e-3, gas_dead_s=0.0)
    made = vessel(tank, n2_sp=100.0, agitation_sp=150.0, heater=26.7)
    run(made, 3 * 3600, 5.0)
    assert made.truth()["true_do"] < 0.01
    rate = gas.oxygen_rate(10.0, 100.0, 1.0, gas.oxygen_solubility(made.temperature))
    made.actuators.update(n2_sp=0.0, air_sp=100.0)
    begun = 5.0
    run(made, begun, dt)
    expected, seen = {}, {}
    for t in (60, 120, 300, 600, 1200):
        run(made, t - begun, dt)
        begun = t
        seen[t] = made.truth()["true_do"]
        expected[t] = 100.0 * (1.0 - np.exp(-rate * (t - FLOW_LAG_S) / 3600.0))
    print(f"steps of {dt} s: {seen}, expected {expected}")
    assert seen == pytest.approx(expected, rel=FAST)
    assert made.readings["do"] == pytest.approx(seen[1200], abs=1.5)


def test_pure_oxygen_gives_477_percent_and_back_pressure_more_of_everything():
    held = {"agitation_sp": 600.0, "heater": 26.7}
    pure, air = run(vessel(o2_sp=500.0, **held), 3600, 5.0), run(vessel(air_sp=500.0, **held), 3600, 5.0)
    assert pure.truth()["true_do"] == pytest.approx(477.0, rel=FAST)
    clogged = vessel(replace(CELL_CULTURE, back_pressure=0.4), air_sp=500.0, **held)
    assert run(clogged, 3600, 5.0).readings["pressure"] == pytest.approx(200.0, abs=5.0)
    more = clogged.truth()["true_do"] / air.truth()["true_do"]
    assert more == pytest.approx(1.0 + 190.0 / 1013.25 / (1.0 - gas.vapour_pressure(37.0)), rel=0.01)


@pytest.mark.parametrize("dt", [1.0, 5.0])
def test_a_heater_stuck_on_warms_a_cold_vessel_as_the_table_says(dt):
    made = vessel(volume=2.0, temperature=22.0, heater=100.0, agitation_sp=150.0)
    seen, crossed = {}, None
    for step in range(1, round(3600 / dt) + 1):
        made.step(dt)
        if round(step * dt) in {300, 600, 1200, 1800, 3600} and (step * dt) % 1.0 == 0.0:
            seen[round(step * dt)] = made.temperature
        if crossed is None and made.temperature >= 40.0:
            crossed = step * dt / 60.0
    print(f"steps of {dt} s: {seen}; 40 Cel after {crossed:.2f} min")
    assert seen == pytest.approx({300: 24.60, 600: 28.03, 1200: 34.30, 1800: 39.76, 3600: 52.30}, rel=FAST)
    assert crossed == pytest.approx(30.5, abs=1.0)


def test_heat_of_a_vessel_that_is_held_and_dries():
    power, _ = thermal.holding(37.0, 2.0, thermal.REFERENCE)
    held = run(vessel(volume=2.0, heater=power / 1.5, agitation_sp=150.0), 4 * 3600, 5.0)
    assert held.temperature == pytest.approx(37.0, abs=0.05)
    assert thermal.VAPOUR_J_PER_G == 2430.7
    dried = replace(CELL_CULTURE, condenser=37.0)
    drying = run(vessel(dried, volume=2.0, heater=power / 1.5, agitation_sp=150.0, air_sp=500.0), 4 * 3600, 5.0)
    watts = 2.63 * 0.5 * 2430.7 / 3600.0
    assert held.temperature - drying.temperature == pytest.approx(watts * 0.3608 * 1.06, rel=0.15)


@pytest.mark.parametrize(("condenser", "grams"), [(10.0, 0.515), (37.0, 2.63)])
def test_a_vessel_dries_by_what_its_gas_carries(condenser, grams):
    made = vessel(replace(CELL_CULTURE, condenser=condenser), volume=2.0, air_sp=500.0, heater=26.7)
    begin = made.volume_l
    run(made, 10 * 3600, 5.0)
    assert 1000.0 * (begin - made.volume_l) == pytest.approx(grams * 0.5 * 10.0, rel=0.01)
    assert water_carried(condenser) == pytest.approx(grams, rel=0.005)


def test_base_arrives_with_the_mixing_time():
    made = vessel(agitation_sp=0.0)
    run(made, 10.0)
    begin = made.solution.strong * made.volume_l
    made.actuators["base_rpm"] = 200.0
    run(made, 1.0)
    made.actuators["base_rpm"] = 0.0
    whole = made.drives.base.delivered_ml * 0.5
    run(made, CELL_CULTURE.mixing_s)
    arrived = made.solution.strong * made.volume_l - begin
    assert arrived == pytest.approx(whole * (1.0 - np.exp(-16.0 / 15.0)), rel=0.05)
    run(made, 10 * CELL_CULTURE.mixing_s)
    assert made.solution.strong * made.volume_l - begin == pytest.approx(whole, rel=0.02)
    assert all(5.0 <= sized(CELL_CULTURE, size).mixing_s <= 60.0 for size in SIZES)


def test_cells_breathe_what_cells_breathe():
    here = Environment(37.0, 7.2, 0.2, 100.0)
    coli = ecoli_a.Coli(ecoli_a.STRAIN)
    bacteria = coli.exchange((1.0, 4.94, 0.0), here)
    assert 8.0 < bacteria.oxygen < 20.0, "mmol/h per g"
    rate = ecoli_a.rates(4.94, 0.0, 100.0, ecoli_a.STRAIN)
    assert bacteria.ions == pytest.approx(-10.0 * rate.growth - rate.acetate / 0.06005), "0.01 mol of acid per g"
    for model, state in (
        (tc_m.TCell(tc_m.DONOR), (1.0, 0.0, 11.1, 2.0, 0.0, 0.1, 60.0)),
        (cho_a.Cho(cho_a.LINE), (1.0, 0.0, 18.0, 2.4, 0.0, 0.0, 0.0)),
    ):
        assert 0.05 <= model.exchange(state, here).oxygen <= 1.5, "mM/h at 1e6 cells/mL"


def test_media_of_bacteria_hold_more_acid_and_ammonia_is_a_weak_base():
    assert 50.0 <= MICROBIAL.buffers.phosphate <= 100.0
    assert MICROBIAL.base_ammonia == 1.0
    plain = weak_charge(8.9, 0.0, MICROBIAL.buffers).total
    assert weak_charge(8.9, 0.0, MICROBIAL.buffers._replace(ammonia=10.0)).total - plain == pytest.approx(5.0)


def test_antifoam_takes_a_third_to_a_half_of_the_transfer_and_wears_off_within_hours():
    made = run(vessel(air_sp=100.0, agitation_sp=150.0), 60.0)
    before = made.truth()["kla"]
    made.antifoam = 1.0
    run(made, 1.0)
    assert 0.5 <= made.truth()["kla"] / before <= 0.7
    run(made, 3600.0, 5.0)
    assert 1.0 - made.truth()["kla"] / before == pytest.approx(0.4 * np.exp(-1.0), rel=0.02)
    assert transfer.ANTIFOAM_S == 3600.0
