"""Each mishap of probes, drives and gases, by its number: the signature that the catalogue names, in figures."""

import math
import statistics

import pytest

from simulators.mishaps.catalogue import CATALOGUE
from tests.simulators.mishap_bench import Bench


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
