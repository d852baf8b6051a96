"""Each mishap of the catalogue in the plant, by its number: the signature that the catalogue names, in figures."""

import itertools
import math
import statistics

import pytest

from simulators.mishaps.catalogue import CATALOGUE
from simulators.mishaps.order import ordered
from simulators.plant import Plant

WARM = {"model": "tc_m", "seed": 101, "volume_l": 1.0, "temperature_c": 37.0, "ph": 7.2, "do": 50.0, "vcd": 2.0}
HOLDING = {"heater": 26.7, "agitation_sp": 120.0, "air_sp": 100.0, "co2_sp": 6.0}


class Bench:
    """A warm vessel with mishaps, and beside it the same one without."""

    def __init__(self, **state):
        self.plant = Plant({"BR-101": {**WARM, **state}, "twin": {**WARM, **state}}, 1)
        for name in self.plant.vessels:
            self.plant.actuators[name].update(HOLDING)

    @property
    def readings(self):
        return self.plant.sensors["BR-101"]

    @property
    def truth(self):
        return self.plant.truth("BR-101")

    def drive(self, **actuators):
        for name in self.plant.vessels:
            self.plant.actuators[name].update(actuators)

    def befall(self, name, signal=None, **more):
        return self.plant.mishaps.order("BR-101", ordered(name, signal, **more))

    def pass_s(self, seconds, watch=None, dt_s=1.0):
        """Let time pass; the readings of ``watch`` at every step."""
        seen = []
        for _ in range(round(seconds / dt_s)):
            self.plant.step(dt_s)
            seen.append(self.readings[watch] if watch else None)
        return seen

    def off(self, name):
        """By how much a reading differs from the twin's, of which the same seed makes the same but for its name."""
        return self.readings[name] - self.plant.sensors["twin"][name]


@pytest.fixture
def bench():
    return Bench(seed="same")


@pytest.mark.parametrize(
    ("number", "name", "signal", "full"),
    [("F1", "probe-drift-ph", "ph", 0.1), ("F2", "probe-drift-temperature", "temperature", 0.4)],
)
def test_f1_f2_a_drift_grows_over_600_samples_and_stays_until_it_is_recalibrated(bench, number, name, signal, full):
    assert CATALOGUE[name].number == number
    going = bench.befall(name, start_s=60.0)
    bench.pass_s(60)
    assert bench.off(signal) == 0.0
    bench.pass_s(300)
    assert bench.off(signal) == pytest.approx(full / 2, abs=0.011)
    bench.pass_s(600)
    assert bench.off(signal) == pytest.approx(full, abs=0.011)
    assert bench.truth == pytest.approx(bench.plant.truth("twin"))
    bench.plant.mishaps.clear(going)
    bench.pass_s(1)
    assert bench.off(signal) == 0.0


def test_f3_a_stuck_reading_has_no_variance_while_the_actuator_moves(bench):
    bench.befall("stuck-reading", "temperature", duration_s=300.0)
    bench.drive(heater=100.0)
    stuck = bench.pass_s(300, "temperature")
    assert statistics.pvariance(stuck) == 0.0
    assert bench.truth["true_temperature"] > 38.0
    assert statistics.pvariance(bench.pass_s(30, "temperature")) > 0.0
    assert bench.off("temperature") == 0.0


def test_f4_a_disconnected_probe_reads_no_number_and_the_others_do(bench):
    bench.befall("disconnect", "do", duration_s=10.0)
    assert all(map(math.isnan, bench.pass_s(10, "do")))
    assert all(math.isfinite(value) for name, value in bench.readings.items() if name != "do")
    bench.pass_s(1)
    assert bench.off("do") == 0.0


def test_f5_noise_is_ten_times_the_usual_with_one_spike_in_a_hundred(bench):
    calm = bench.pass_s(2000, "pressure")
    bench.befall("noise", "pressure", duration_s=8000.0)
    noisy = bench.pass_s(8000, "pressure")
    middle = statistics.median(noisy)
    spikes = [value for value in noisy if abs(value - middle) > 15.0]
    body = [value for value in noisy if abs(value - middle) <= 15.0]
    assert statistics.pstdev(body) == pytest.approx(10.0 * statistics.pstdev(calm), rel=0.1)
    assert len(spikes) / len(noisy) == pytest.approx(0.01, rel=0.4)


def test_f6_a_pump_that_runs_on_ignores_what_it_is_told(bench):
    bench.befall("pump-run-on", "base_rpm")
    bench.pass_s(60)
    assert bench.readings["base_revolutions"] == 0.0
    bench.drive(base_rpm=100.0)
    bench.pass_s(60)
    bench.drive(base_rpm=0.0)
    before = bench.truth
    bench.pass_s(3600)
    assert bench.readings["base_revolutions"] == pytest.approx(6100.0)
    assert bench.off("base_revolutions") == pytest.approx(6000.0)
    assert bench.off("weight") == pytest.approx(6000.0 * 0.025 * 1.008, abs=10.0)
    assert bench.truth["true_ph"] > before["true_ph"] + 0.5


def test_f7_a_pump_that_stands_and_one_without_liquid_add_no_weight(bench):
    for name, turned in (("pump-stopped", 0.0), ("pump-empty", 6000.0)):
        before, revolutions = bench.readings["weight"], bench.readings["feed_revolutions"]
        bench.drive(feed_rpm=100.0)
        bench.befall(name, "feed_rpm", duration_s=3600.0)
        bench.pass_s(3600)
        assert bench.readings["weight"] == pytest.approx(before, abs=10.0), name
        assert bench.readings["feed_revolutions"] - revolutions == pytest.approx(turned), name
    before = bench.readings["weight"]
    bench.pass_s(360)
    assert bench.readings["weight"] == pytest.approx(before + 60.0, abs=10.0)


def test_f7_the_end_of_one_empty_bottle_is_not_the_end_of_another(bench):
    bench.drive(feed_rpm=100.0)
    bench.befall("pump-empty", "feed_rpm", duration_s=100.0)
    bench.befall("pump-empty", "feed_rpm", start_s=50.0, duration_s=100.0)
    bench.pass_s(150)
    assert bench.truth["feed_ml"] == 0.0
    bench.pass_s(60)
    assert bench.truth["feed_ml"] == pytest.approx(10.0)


def test_f8_without_oxygen_the_dissolved_oxygen_falls_with_the_slope_of_the_uptake():
    bench = Bench(seed="same", vcd=20.0, do=80.0)
    bench.drive(agitation_sp=0.0, air_sp=0.0, co2_sp=0.0, o2_sp=200.0)
    lost = bench.befall("gas-loss", "o2")
    bench.pass_s(30)
    assert bench.readings["o2"] == pytest.approx(0.0, abs=0.5)
    start = bench.truth["true_do"]
    bench.pass_s(60)
    vessel = bench.plant._vessels["BR-101"]
    slope = (bench.truth["true_do"] - start) / 60.0
    percent_per_mm = bench.truth["true_do"] / vessel.solution.oxygen
    assert slope == pytest.approx(-vessel.solution.oxygen_uptake * percent_per_mm / 3600.0, rel=0.25)
    assert bench.plant.truth("twin")["true_do"] > bench.truth["true_do"] + 3.0
    bench.plant.mishaps.clear(lost)
    bench.pass_s(30)
    assert bench.readings["o2"] == pytest.approx(200.0, abs=0.5)


def test_f9_a_clogging_exhaust_reaches_300_mbar_in_two_hours(bench):
    bench.pass_s(60, dt_s=10.0)
    going = bench.befall("exhaust-clog")
    bench.pass_s(3600, dt_s=10.0)
    assert bench.off("pressure") == pytest.approx(150.0, rel=0.03)
    bench.pass_s(3600, dt_s=10.0)
    assert bench.off("pressure") == pytest.approx(300.0, rel=0.03)
    bench.drive(air_sp=0.0, co2_sp=0.0)
    bench.pass_s(30)
    assert bench.readings["pressure"] == pytest.approx(0.0, abs=2.0)
    bench.drive(air_sp=100.0, co2_sp=6.0)
    bench.plant.mishaps.clear(going)
    bench.pass_s(30)
    assert bench.off("pressure") == pytest.approx(0.0, abs=0.2)


def test_f10_a_heater_stuck_on_crosses_40_cel_half_an_hour_after_a_cold_start():
    """The reference vessel: 8360 J/K, 150 W, stirrer at 2 W, no gas."""
    bench = Bench(volume_l=2.0, temperature_c=22.0, vcd=0.0)
    bench.drive(heater=0.0, agitation_sp=150.0, air_sp=0.0, co2_sp=0.0)
    bench.befall("heater-stuck-on")
    minutes = 0.0
    while bench.truth["true_temperature"] < 40.0:
        bench.pass_s(1)
        minutes += 1 / 60
    assert minutes == pytest.approx(30.5, abs=1.0)
    assert bench.plant.truth("twin")["true_temperature"] < 23.0


def test_f10_a_dead_heater_lets_the_vessel_cool(bench):
    bench.befall("heater-stuck-off")
    bench.drive(heater=100.0)
    bench.pass_s(1800)
    assert bench.truth["true_temperature"] < 36.0
    assert bench.plant.truth("twin")["true_temperature"] > 40.0


def test_f11_without_its_stirrer_only_the_surface_transfers_oxygen(bench):
    bench.pass_s(10)
    bench.befall("stirrer-trip", duration_s=600.0)
    bench.pass_s(600)
    tank = bench.plant._vessels["BR-101"].tank
    assert bench.readings["agitation"] == pytest.approx(0.0, abs=2.0)
    assert bench.truth["kla"] == pytest.approx(tank.kla_surface, rel=0.01)
    assert bench.off("do") < -3.0
    bench.pass_s(60)
    assert bench.readings["agitation"] == pytest.approx(120.0, abs=2.0)


def test_f12_foam_that_leaves_takes_volume_and_clogs_the_exhaust(bench):
    bench.befall("foam-out", duration_s=2 * 3600.0)
    bench.pass_s(2 * 3600, dt_s=10.0)
    assert bench.off("weight") < -300.0
    assert bench.off("pressure") > 10.0
    bench.pass_s(2 * 3600, dt_s=10.0)
    lost = bench.readings["weight"]
    bench.pass_s(3600, dt_s=10.0)
    assert bench.readings["weight"] == pytest.approx(lost, abs=10.0)


def test_f13_contamination_makes_the_uptake_grow_exponentially_and_the_ph_fall():
    bench = Bench(seed="same", vcd=0.0)
    bench.drive(agitation_sp=300.0, o2_sp=400.0)
    bench.befall("contamination", magnitude=1e6)
    vessel = bench.plant._vessels["BR-101"]
    uptakes = []
    for _ in range(6):
        bench.pass_s(3600, dt_s=10.0)
        uptakes.append(vessel.solution.oxygen_uptake)
    ratios = [later / earlier for earlier, later in itertools.pairwise(uptakes)]
    assert ratios[:4] == [pytest.approx(math.exp(1.05), rel=0.05)] * 4
    assert bench.truth["true_ph"] < bench.plant.truth("twin")["true_ph"] - 0.02
    bench.befall("contamination", magnitude=1e6)
    bench.pass_s(60)
    assert vessel.culture.bacteria > 1e6
    bench.plant.mishaps.clear(1)
    bench.plant.mishaps.clear(2)
    bench.pass_s(600)
    assert vessel.solution.oxygen_uptake == 0.0


def test_f14_in_a_power_cut_everything_stands_and_the_vessel_cools_by_its_losses():
    bench = Bench(seed="same", volume_l=2.0)
    bench.drive(base_rpm=10.0)
    bench.pass_s(600)
    vessel = bench.plant._vessels["BR-101"]
    bench.befall("power-cut", duration_s=1800.0)
    bench.pass_s(1200)
    shell, turned = vessel.tank.shell, bench.readings["base_revolutions"]

    def losses():
        """In W, to the room and to the jacket."""
        return shell.culture_loss * (vessel.temperature - shell.ambient) + shell.exchange * (
            vessel.temperature - vessel.jacket
        )

    before, first = vessel.temperature, losses()
    bench.pass_s(600)
    assert vessel.temperature - before == pytest.approx(-600.0 * (first + losses()) / 2 / 8360.0, rel=0.01)
    assert bench.readings["base_revolutions"] == turned
    assert all(math.isnan(bench.readings[name]) for name in ("temperature", "do", "air", "agitation"))
    bench.pass_s(60)
    assert bench.readings["agitation"] == pytest.approx(120.0, abs=2.0)


def test_f15_a_leak_and_a_wrong_sample_are_weight_that_no_total_explains(bench):
    bench.befall("leak", duration_s=3600.0)
    bench.pass_s(3600)
    assert bench.off("weight") == pytest.approx(-50.0 * 1.008, abs=3.0)
    bench.befall("wrong-sample")
    bench.pass_s(20)
    assert bench.off("weight") == pytest.approx(-70.0 * 1.008, abs=3.0)
    same = bench.plant.truth("twin")
    assert bench.truth["vcd"] == pytest.approx(same["vcd"], rel=0.001)
    assert bench.truth["feed_ml"] == same["feed_ml"]
    assert not bench.plant.mishaps.going_on()


def test_f16_swapped_channels_and_wrong_units_jump(bench):
    bench.pass_s(10)
    bench.befall("swapped-channels", "ph", duration_s=10.0)
    bench.befall("wrong-unit", "temperature", duration_s=10.0)
    bench.pass_s(10)
    twin = bench.plant.sensors["twin"]
    assert (bench.readings["ph"], bench.readings["do"]) == (twin["do"], twin["ph"])
    assert bench.readings["temperature"] == pytest.approx(twin["temperature"] * 1.8 + 32.0)
    bench.pass_s(1)
    assert dict(bench.readings) == dict(twin)


@pytest.mark.parametrize("name", [name for name, mishap in CATALOGUE.items() if mishap.number == "F17"])
def test_f17_what_only_befalls_messages_changes_nothing_in_the_vessel(bench, name):
    bench.befall(name, duration_s=30.0)
    bench.pass_s(60)
    assert dict(bench.readings) == dict(bench.plant.sensors["twin"])
    assert CATALOGUE[name].wire


def test_f18_an_actuator_that_works_the_other_way(bench):
    bench.befall("wrong-way", "heater")
    bench.befall("wrong-way", "base_rpm")
    bench.befall("wrong-way", "o2_sp")
    before = bench.truth
    bench.drive(heater=50.0, base_rpm=50.0, o2_sp=200.0, air_sp=0.0, agitation_sp=200.0)
    bench.pass_s(1200)
    twin = bench.plant.truth("twin")
    assert twin["true_temperature"] > before["true_temperature"] > bench.truth["true_temperature"] + 0.5
    assert twin["true_ph"] > before["true_ph"] > bench.truth["true_ph"] + 0.2
    assert twin["true_do"] > before["true_do"] > bench.truth["true_do"] + 5.0
    assert bench.readings["o2"] == pytest.approx(200.0, abs=1.0)
