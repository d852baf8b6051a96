"""What not every vessel has and drives it: more pumps, antifoam, a valve in the exhaust, cooling."""

import math

import pytest

from simulators.mishaps.order import ordered
from tests.simulators.fitted import ALL, WARM, plant, run


def test_foam_rises_with_protein_and_gas_and_antifoam_brings_it_down_at_the_cost_of_transfer():
    made = plant(["foam", "antifoam"], state={**WARM, "protein": 4.0}, air_sp=250.0, co2_sp=0.0)
    before = run(made, 2.0)
    assert before["foam_cm"] == pytest.approx(20.0 * 0.25 * 4.0 * 0.3, rel=0.02)
    assert made.sensors["V"]["foam"] == pytest.approx(100.0 * before["foam_cm"] / 8.0, abs=5.0)
    made.actuators["V"]["antifoam_rpm"] = 40.0
    dosed = run(made, 0.1 / 60.0 / (0.025 * 40.0 / 1.0))
    assert dosed["antifoam_ml"] == pytest.approx(0.1, rel=0.01), "a whole dose for a litre"
    assert dosed["kla"] == pytest.approx(0.6 * before["kla"], rel=0.02)
    made.actuators["V"]["antifoam_rpm"] = 0.0
    later = run(made, 1.0)
    assert later["kla"] == pytest.approx((1.0 - 0.4 / math.e) * before["kla"], rel=0.02)
    assert later["foam_cm"] < 0.9 * before["foam_cm"]


def test_more_than_a_dose_of_antifoam_does_no_more():
    made = plant(["antifoam"], antifoam_rpm=200.0)
    run(made, 0.1)
    assert 0.99 < made._vessels["V"].antifoam <= 1.0


@pytest.mark.parametrize(
    ("pump", "signal", "sign"),
    [("acid", "true_ph", -1), ("medium", "volume_l", 1), ("harvest", "volume_l", -1), ("bleed", "volume_l", -1)],
)
def test_each_pump_moves_its_variable_the_right_way(pump, signal, sign):
    idle, driven = (run(plant([pump], **{f"{pump}_rpm": rpm}), 0.5) for rpm in (0.0, 10.0))
    assert sign * (driven[signal] - idle[signal]) > 0.01
    assert driven[f"{pump}_ml"] == pytest.approx(10.0 * 30 * (0.025 if pump == "acid" else 0.10))


def test_acid_undoes_what_as_much_base_did():
    mixed, idle, sour = plant(["acid"], base_rpm=20.0, acid_rpm=20.0), plant([]), plant(["acid"], acid_rpm=20.0)
    volume, before, after = (run(made, 0.5)["volume_l"] for made in (mixed, idle, sour))
    assert volume - before == pytest.approx(2 * 0.015, rel=0.01)
    assert volume - after == pytest.approx(0.015, rel=0.01)
    strong = [made._vessels["V"].solution.strong for made in (mixed, idle, sour)]
    assert strong[0] == pytest.approx(strong[1] * before / volume, rel=0.001), "only diluted"
    assert strong[1] * before - strong[2] * after == pytest.approx(0.015 * 500.0, rel=0.01), "mmol of acid"


@pytest.mark.parametrize("retained", [1.0, 0.9])
def test_perfusion_brings_medium_and_keeps_the_cells_and_a_bleed_takes_them(retained):
    """Dead cells, which nothing but lysis and what leaves makes fewer; 5 % of the volume in an hour, 1 % of it bled."""
    state = {**WARM, "dead_density": 5.0, "retained": 100.0 * retained}
    rpm = 1000.0 / 60.0 / 0.10 * 0.01
    made = plant(["medium", "harvest", "bleed"], state=state, medium_rpm=5 * rpm, harvest_rpm=4 * rpm, bleed_rpm=rpm)
    truth = run(made, 10.0)
    assert truth["volume_l"] == pytest.approx(1.0, abs=0.005)
    assert truth["glucose"] == pytest.approx(22.0 + (11.1 - 22.0) * math.exp(-0.5), rel=0.005)
    lost = 0.004 + 0.01 + 0.04 * (1.0 - retained)
    assert truth["dead_density"] == pytest.approx(5.0 * math.exp(-10.0 * lost), rel=0.005)


def test_no_pump_draws_more_than_is_there():
    made = plant(["harvest", "bleed"], state={**WARM, "vcd": 1.0}, harvest_rpm=220.0, bleed_rpm=220.0)
    truth = run(made, 2.0)
    assert truth["volume_l"] == pytest.approx(0.005, abs=0.001)
    assert truth["vcd"] == pytest.approx(math.sqrt(200.0), rel=0.4), "half left with the bleed, half was kept back"
    assert all(math.isfinite(value) for value in truth.values())


def test_a_closed_valve_raises_the_pressure_slowly_and_never_without_end():
    made = plant(["exhaust_valve"], air_sp=200.0, co2_sp=0.0, exhaust_valve=100.0)
    run(made, 0.2)
    assert made.sensors["V"]["pressure"] == pytest.approx(4.0, abs=1.5), "the filter alone"
    made.actuators["V"]["exhaust_valve"] = 0.0
    made.step(1.0)
    assert 5.0 < made.sensors["V"]["pressure"] < 12.0, "2 L of gas take as much as flows in: 200 mL/min"
    for _ in range(30):
        made.step(1.0)
    pressure = made.sensors["V"]["pressure"]
    assert 40.0 < pressure < 55.0
    run(made, 0.5)
    assert made.sensors["V"]["pressure"] == pytest.approx(0.02 * 200.0 * 50.0, rel=0.02)
    before = made.truth("V")["true_do"]
    assert run(made, 0.5)["true_do"] >= before, "more pressure dissolves more oxygen"
    made.actuators["V"]["exhaust_valve"] = 100.0
    run(made, 0.2)
    assert made.sensors["V"]["pressure"] == pytest.approx(4.0, abs=1.5)


def test_the_valve_sticks_within_one_to_three_per_cent():
    made = plant(["exhaust_valve"], exhaust_valve=50.0)
    made.step(1.0)
    made.actuators["V"]["exhaust_valve"] = 50.9
    made.step(1.0)
    assert made.truth("V")["valve_position"] == 50.0
    made.actuators["V"]["exhaust_valve"] = 53.1
    made.step(1.0)
    assert made.truth("V")["valve_position"] == 53.1


def test_cooling_water_takes_as_much_from_a_warm_jacket_as_the_heater_gives():
    cooled = run(plant(["cooling"], heater=0.0, cooling_valve=100.0), 2.0)
    warm = run(plant(["cooling"], heater=0.0), 2.0)
    assert cooled["true_temperature"] < 20.0 < warm["true_temperature"]
    assert cooled["true_temperature"] > 12.0, "no colder than the water"


def test_in_a_power_cut_the_pumps_stand_the_exhaust_opens_and_no_probe_shows_a_number():
    made = plant(ALL, exhaust_valve=5.0, medium_rpm=20.0, cooling_valve=50.0)
    run(made, 0.1)
    made.mishaps.order("V", ordered("power-cut", duration_s=600.0))
    made.step(1.0)
    poured, seen = made.truth("V")["medium_ml"], made.sensors["V"]
    run(made, 0.1)
    assert made.truth("V")["medium_ml"] == poured
    assert made.truth("V")["valve_position"] == 100.0
    assert all(math.isnan(seen[name]) for name in ("foam", "capacitance", "off_gas_o2", "pressure"))
    run(made, 0.1)
    assert made.truth("V")["medium_ml"] > poured
    assert made.truth("V")["valve_position"] == 5.0


def test_a_fitted_pump_runs_on_and_runs_dry_like_any_other():
    made = plant(["harvest", "medium"], harvest_rpm=20.0, medium_rpm=20.0)
    run(made, 0.1)
    made.mishaps.order("V", ordered("pump-run-on", "harvest_rpm", duration_s=3600.0))
    made.mishaps.order("V", ordered("pump-empty", "medium_rpm", duration_s=3600.0))
    made.step(1.0)
    made.actuators["V"]["harvest_rpm"] = 0.0
    before = {**made.truth("V"), **made.sensors["V"]}
    run(made, 0.5)
    after = {**made.truth("V"), **made.sensors["V"]}
    assert after["harvest_ml"] - before["harvest_ml"] == pytest.approx(0.10 * 20.0 * 30.0, rel=0.01), (
        "whatever it is told"
    )
    assert after["medium_ml"] == before["medium_ml"]
    assert after["medium_revolutions"] - before["medium_revolutions"] == pytest.approx(600.0, rel=0.01)
    with pytest.raises(ValueError, match="pump-empty: this vessel has no acid_rpm"):
        made.mishaps.order("V", ordered("pump-empty", "acid_rpm", duration_s=60.0))
