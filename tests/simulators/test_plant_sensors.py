"""Sensors and actuators: lag, noise, offset, resolution, error."""

import random
import statistics

import pytest

from simulators.actuators import Drives, Flow, Pump
from simulators.sensors import MODELS, Model, Sensor

CLEAN = Model(10.0, 0.0, 6, 0.0, 0.0, -1e6, 1e6)


@pytest.mark.parametrize("dt", [0.2, 1.0, 5.0, 10.0])
def test_the_lag_is_exact_for_every_step_length(dt):
    sensor = Sensor(CLEAN, 0.0, random.Random(1))
    for _ in range(round(10 / dt)):
        reading = sensor.step(1.0, dt)
    assert reading == pytest.approx(0.632121, abs=1e-6)


def test_noise_resolution_and_range():
    sensor = Sensor(Model(1.0, 0.2, 1, 0.0, 0.0, 0.0, 50.3), 50.0, random.Random(1))
    readings = [sensor.step(50.0, 1.0) for _ in range(2000)]
    assert all(reading == round(reading, 1) for reading in readings)
    assert max(readings) == 50.3
    assert statistics.median(readings) == pytest.approx(50.0, abs=0.05)
    assert statistics.stdev(readings) == pytest.approx(0.17, abs=0.03)


def test_a_probe_drifts_by_what_its_kind_drifts_at_most():
    drifts = []
    for seed in range(200):
        sensor = Sensor(CLEAN._replace(drift_per_day=0.01), 7.0, random.Random(seed))
        drifts.append(sensor.step(7.0, 86_400.0) - 7.0)
    assert max(map(abs, drifts)) <= 0.01
    assert max(drifts) > 0.008
    assert min(drifts) < -0.008


def test_offsets_stay_within_the_accuracy_of_the_kind():
    offsets = [
        Sensor(MODELS["temperature"]._replace(noise=0.0), 37.0, random.Random(s)).step(37.0, 1.0) for s in range(99)
    ]
    assert max(abs(reading - 37.0) for reading in offsets) <= 0.05


def test_a_flow_controller_lags_and_errs():
    flow = Flow(500.0, 0.004)
    flow.step(100.0, 0.5)
    assert flow.indicated == 50.0
    assert flow.delivered == pytest.approx(50.2)


def test_a_pump_counts_its_revolutions_and_may_deliver_less():
    pump = Pump(0.1, error=-0.05)
    assert pump.step(60.0, 1.0) == pytest.approx(0.095)
    pump.step(1000.0, 60.0)
    assert pump.revolutions == pytest.approx(221.0)
    assert pump.delivered_ml == pytest.approx(20.995)


def test_the_stirrer_slews():
    drives = Drives(0.025, 0.1, random.Random(1))
    wanted = dict.fromkeys(("heater", "air_sp", "o2_sp", "co2_sp", "n2_sp"), 0.0)
    drives.step({**wanted, "agitation_sp": 150.0}, 1.0)
    assert drives.agitation == 50.0
    drives.step({**wanted, "agitation_sp": 60.0}, 1.0)
    assert drives.agitation == 60.0
