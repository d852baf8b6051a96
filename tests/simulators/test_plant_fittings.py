"""What not every vessel has: off-gas, capacitance and foam, more pumps, a valve in the exhaust, cooling."""

import math

import numpy as np
import pytest

from simulators.bus import FITTINGS, SENSORS, TRUTH, Bus, actuators_with
from simulators.draws import Alone
from simulators.fittings import Fittings, Seen
from simulators.gas_path import Gas
from simulators.mishaps.order import ordered
from simulators.physics.gas import GAS_MOLAR_L
from simulators.plant import Plant
from simulators.tank import CELL_CULTURE

WARM = {"model": "tc_m", "seed": 101, "volume_l": 1.0, "temperature_c": 37.0, "ph": 7.2, "do": 50.0}
HOLD = {"heater": 26.7, "agitation_sp": 60.0, "air_sp": 50.0, "co2_sp": 6.0}
ALL = [*FITTINGS]


def plant(fitted=ALL, *, state=WARM, **actuators):
    made = Plant({"V": {**state, "fitted": list(fitted)}}, 1)
    made.actuators["V"].update({**HOLD, **actuators})
    return made


def run(made, hours, dt=2.0):
    for _ in range(round(hours * 3600 / dt)):
        made.step(dt)
    return made.truth("V")


@pytest.mark.parametrize("fitted", [[name] for name in FITTINGS] + [ALL])
def test_the_signals_that_come_with_what_is_fitted(fitted):
    made, bus = plant(fitted), Bus(["V"], {"V": fitted})
    known = [FITTINGS[name] for name in fitted]
    made.step(1.0)
    assert set(made.sensors["V"]) == {*SENSORS, *(signal for one in known for signal in one.sensors)}
    assert set(made.truth("V")) == {*TRUTH, *(signal for one in known for signal in one.truth)}
    assert made.actuators["V"].keys() == actuators_with(fitted).keys() == bus.actuators("V").keys()
    assert bus.state("V").keys() == {*made.sensors["V"], *made.truth("V"), *made.actuators["V"]}
    assert bus.actuators("V").get("exhaust_valve", 100.0) == 100.0, "open as long as nobody drives it"


def test_sensors_more_change_no_other_number():
    plain, more = plant([]), plant(["off_gas", "capacitance", "foam", "feed_bottle"])
    fewer = plant(["capacitance"])
    for _ in range(200):
        for made in (plain, more, fewer):
            made.step(2.0)
    seen = more.sensors["V"]
    assert {name: seen[name] for name in SENSORS} == dict(plain.sensors["V"])
    assert seen["capacitance"] == fewer.sensors["V"]["capacitance"]


def shown(analyser, o2, seconds, dt=1.0):
    seen = Seen(Gas(0.01 * o2, 0.0004), 0.0, 0.0, 0.0)
    return [analyser.read(seen, dt)["off_gas_o2"] for _ in range(round(seconds / dt))]


@pytest.mark.parametrize("dt", [1.0, 5.0, 20.0])
def test_off_gas_is_shown_after_thirty_seconds_of_pipe_and_with_a_lag_of_twenty(dt):
    analyser = Fittings(CELL_CULTURE, ["off_gas"], Alone("4"), 1.0)
    analyser.settle(Seen(Gas(0.2095, 0.0004), 0.0, 0.0, 0.0))
    before = np.array(shown(analyser, 20.95, 4000, dt))
    assert abs(before.mean() - 20.95) <= 0.05 + 0.002, "accuracy"
    assert before.std() == pytest.approx(math.hypot(0.01, 0.01 / math.sqrt(12)), rel=0.25), "noise, and resolution"
    after = shown(analyser, 17.95, 120, dt)
    fallen = [(before.mean() - value) / 3.0 for value in after]
    for number, share in enumerate(fallen):
        passed = (number + 1) * dt - 30.0
        latest = 1.0 - math.exp(-max(passed, 0.0) / 20.0)
        earliest = 1.0 - math.exp(-max(passed - dt, 0.0) / 20.0)
        assert earliest - 0.02 <= share <= latest + 0.02


def test_oxygen_uptake_follows_from_the_gas_that_leaves():
    dense = {**WARM, "volume_l": 1.9, "vcd": 12.0, "culture_age_h": 80.0, "glucose": 20.0}
    made = plant(["off_gas"], state=dense, agitation_sp=200.0, air_sp=50.0, o2_sp=30.0, co2_sp=8.0)
    truth = run(made, 3.0)
    means = dict.fromkeys(("off_gas_o2", "off_gas_co2", "air", "o2", "co2", "uptake"), 0.0)
    vessel, count = made._vessels["V"], 600
    for _ in range(count):
        made.step(2.0)
        readings = {**made.sensors["V"], "uptake": vessel.solution.oxygen_uptake}
        means = {name: mean + readings[name] / count for name, mean in means.items()}
    entering = means["air"] + means["o2"] + means["co2"]
    o2_in = (20.95 * means["air"] + 100.0 * means["o2"]) / entering
    co2_in = 100.0 * means["co2"] / entering
    inert = (100.0 - o2_in - co2_in) / (100.0 - means["off_gas_o2"] - means["off_gas_co2"])
    taken = entering * 0.01 * (o2_in - inert * means["off_gas_o2"])
    found = 60.0 * taken / GAS_MOLAR_L / truth["volume_l"]
    print(f"uptake {means['uptake']:.2f} mM/h, by the gas {found:.2f} mM/h")
    # 0.05 % of either channel, and up to half a per cent by which the controller of the oxygen is off, of 88 mL/min
    assert found == pytest.approx(means["uptake"], abs=60 * (88 * 0.001 + 30 * 0.005) / GAS_MOLAR_L)
    assert means["uptake"] > 0.8


def test_capacitance_sees_viable_cells_within_its_accuracy_and_noise():
    gains = []
    for seed in range(30):
        made = Plant({"V": {**WARM, "seed": seed, "vcd": 10.0, "dead_density": 5.0, "fitted": ["capacitance"]}}, 1)
        shows = []
        for _ in range(200):
            made.step(1.0)
            shows.append(made.sensors["V"]["capacitance"] / made.truth("V")["vcd"])
        gains.append(np.mean(shows))
        assert np.std(shows) == pytest.approx(0.02 * gains[-1], rel=0.3)
    assert 0.9 - 0.005 < min(gains) < 0.95
    assert 1.05 < max(gains) < 1.1 + 0.005


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


def test_the_bottle_under_the_balance_loses_what_the_feed_pump_takes():
    made = plant(["feed_bottle"])
    full = made.sensors["V"]["feed_bottle"]
    made.actuators["V"]["feed_rpm"] = 10.0
    truth = run(made, 0.5)
    made.actuators["V"]["feed_rpm"] = 0.0
    run(made, 0.01)
    assert full == pytest.approx(1000.0, abs=0.2)
    assert full - made.sensors["V"]["feed_bottle"] == pytest.approx(1.02 * truth["feed_ml"], abs=0.2)


def test_a_sample_begins_with_what_the_last_one_left_in_the_port():
    made = plant(["sample_port"], state={**WARM, "vcd": 4.0, "dead_density": 1.0})
    made.hands("1", "V", "sample", {"volume_ml": 8.0})
    first = made.truth("V")
    assert first["sample_vcd"] == pytest.approx(4.0 * 6.0 / 8.0), "2 mL of the port held no cells yet"
    assert first["sample_viability"] == pytest.approx(80.0, rel=0.001)
    made.set_state("V", {"vcd": 10.0, "dead_density": 0.0})
    made.hands("2", "V", "sample", {"volume_ml": 4.0})
    second = made.truth("V")
    assert second["sample_vcd"] == pytest.approx((2.0 * 4.0 + 2.0 * 10.0) / 4.0, rel=0.001)
    assert second["sample_viability"] == pytest.approx(100.0 * 7.0 / 7.5, rel=0.001)
    assert second["vcd"] == pytest.approx(10.0), "the vessel keeps its concentrations"


@pytest.mark.parametrize("model", ["tc_m", "tc_p", "cho_a", "cho_m", "ecoli_a", "pen_b"])
def test_a_vessel_is_fed_with_what_its_description_says(model):
    def fed(**more):
        made = Plant({"V": {"model": model, "seed": 1, "volume_l": 1.0, "glucose": 5.0, **more}}, 1)
        made.actuators["V"]["feed_rpm"] = 100.0
        return run(made, 0.5)

    usual, rich = fed(), fed(feed={"glucose": "200 mmol/L"})
    given = usual["feed_ml"] / 1000.0
    left = 5.0 * math.exp(0.0) / (1.0 + given) + 200.0 * given / (1.0 + given)
    assert rich["glucose"] == pytest.approx(left, rel=0.02)
    assert fed(feed={})["glucose"] == usual["glucose"]


def test_sensors_are_those_of_the_catalogue_where_the_description_says_so():
    def falling(**more):
        """% of air that DO shows 20 s after the liquid lost all its oxygen, of as many seeds."""
        shows = []
        for seed in range(20):
            made = Plant({"V": {**WARM, "seed": seed, "do": 100.0, **more}}, 1)
            made._vessels["V"].solution.oxygen_percent = 0.0
            for _ in range(20):
                made.step(1.0)
            shows.append(made.sensors["V"]["do"])
        return np.mean(shows), np.std(shows)

    usual, worn = falling(), falling(sensors={"do": "do_polarographic"})
    assert usual[0] == pytest.approx(100.0 * math.exp(-20.0 / 13.0), abs=3.0)
    assert worn[0] > usual[0] + 10.0, "lags of 13 .. 39 s"
    assert worn[1] > 2.0 * usual[1]


def test_a_vessel_as_it_was_bought_has_pumps_that_nobody_calibrated():
    given = [
        run(plant([], state={**WARM, "seed": seed, "as_bought": True}, feed_rpm=20.0), 0.5)["feed_ml"]
        for seed in range(12)
    ]
    assert np.std(given) / np.mean(given) == pytest.approx(0.05, rel=0.6)
    assert run(plant([], feed_rpm=20.0), 0.5)["feed_ml"] == pytest.approx(60.0)


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
