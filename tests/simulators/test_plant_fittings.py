"""What not every vessel has and what it shows: off-gas, capacitance, foam, bottle, port; and how it is described."""

import math

import numpy as np
import pytest

from simulators.bus import FITTINGS, SENSORS, TRUTH, Bus, actuators_with
from simulators.draws import Alone
from simulators.fittings import Fittings, Seen
from simulators.gas_path import Gas
from simulators.physics.gas import GAS_MOLAR_L
from simulators.plant import Plant
from simulators.tank import CELL_CULTURE
from tests.simulators.fitted import ALL, WARM, plant, run


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
