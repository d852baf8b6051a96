"""Sensors and actuators: lag, noise, offset, drift, resolution, error, wear; alone and among many."""

import statistics

import numpy as np
import pytest

from simulators.actuators import Drives, Flow, Pump, Valve, pulsed
from simulators.draws import Alone, Together
from simulators.sensors import CATALOGUE, MODELS, Bank, Model
from simulators.sizes import as_bought
from simulators.tank import CELL_CULTURE, PumpModel
from tests.simulators.bits import same

CLEAN = Model(10.0, 0.0, 6, 0.0, 0.0, -1e6, 1e6)
DAY_S = 86_400.0
BOUGHT = as_bought(CELL_CULTURE)
WORN_IN = BOUGHT.feed_pump


def probe(model, truth=0.0, seed="1"):
    bank = Bank({"probe": model}, Alone(seed))
    bank.settle([truth])
    return lambda value, dt: bank.step([value], dt)[0]


def quiet(name):
    return CATALOGUE[name]._replace(noise=0.0, relative_noise=0.0, decimals=9)


@pytest.mark.parametrize("dt", [0.2, 1.0, 5.0, 10.0])
def test_the_lag_is_exact_for_every_step_length(dt):
    sensor = probe(CLEAN)
    for _ in range(round(10 / dt)):
        reading = sensor(1.0, dt)
    assert reading == pytest.approx(0.632121, abs=1e-6)


def test_noise_resolution_and_range():
    sensor = probe(Model(1.0, 0.2, 1, 0.0, 0.0, 0.0, 50.3), 50.0)
    readings = [sensor(50.0, 1.0) for _ in range(2000)]
    assert all(reading == round(reading, 1) for reading in readings)
    assert max(readings) == 50.3
    assert statistics.median(readings) == pytest.approx(50.0, abs=0.05)
    assert statistics.stdev(readings) == pytest.approx(0.17, abs=0.03)


def test_a_probe_drifts_by_what_its_kind_drifts_at_most():
    model = CLEAN._replace(drift_per_day=0.01)
    drifts = [probe(model, 7.0, str(seed))(7.0, DAY_S) - 7.0 for seed in range(200)]
    assert max(map(abs, drifts)) <= 0.01
    assert max(drifts) > 0.008
    assert min(drifts) < -0.008


def test_drift_wanders_with_the_root_of_time_and_grows_by_ageing():
    wandering = CLEAN._replace(wander_per_day=0.1, ages_per_day=-0.5)

    def after(days, seed):
        sensor = probe(wandering, 100.0, str(seed))
        for _ in range(days * 24):
            reading = sensor(100.0, 3600.0)
        return reading - 100.0

    one, four = ([after(days, seed) for seed in range(150)] for days in (1, 4))
    assert statistics.mean(one) == pytest.approx(-0.5, abs=0.03)
    assert statistics.stdev(one) == pytest.approx(0.1, rel=0.2)
    assert statistics.stdev(four) == pytest.approx(0.2, rel=0.2)


@pytest.mark.parametrize("name", CATALOGUE)
def test_offsets_stay_within_the_accuracy_of_the_kind(name):
    truth, model = 7.0, quiet(name)
    offsets = [probe(model, truth, str(seed))(truth, 1.0) - truth for seed in range(99)]
    assert max(map(abs, offsets)) <= model.offset + model.slope_error * truth
    assert max(map(abs, offsets)) >= 0.8 * (model.offset + model.slope_error * truth)


@pytest.mark.parametrize("name", CATALOGUE)
def test_noise_is_what_the_catalogue_says(name):
    model, truth = CATALOGUE[name]._replace(offset=0.0, slope_error=0.0, least_slope=1.0, decimals=9), 7.0
    sensor = probe(model, truth)
    spread = statistics.stdev(sensor(truth, 0.01) for _ in range(3000))
    assert spread == pytest.approx(model.noise + model.relative_noise * truth, rel=0.05)


def test_a_worn_probe_lags_more_and_a_glass_loses_slope():
    model = quiet("ph_glass")._replace(offset=0.0, drift_per_day=0.0)
    slopes, shares = [], []
    for seed in range(200):
        sensor = probe(model, 7.0, str(seed))
        shares.append(sensor(8.0, 6.0) - 7.0)
        slopes.append(sensor(8.0, 50.0 * 20.0) - 7.0)
    assert 0.949 < min(slopes) < 0.955
    assert 0.995 < max(slopes) < 1.001
    assert min(shares) == pytest.approx(0.95 * (1 - np.exp(-6 / 20)), rel=0.03)
    assert max(shares) == pytest.approx(1 - np.exp(-1), rel=0.03)
    assert probe(model, 7.0)(7.0, 1.0) == 7.0, "calibrated at 7"


@pytest.mark.parametrize(("name", "longest"), [("do_optical", 30.0), ("do_polarographic", 90.0), ("ph_glass", 15.0)])
def test_a_fresh_electrode_answers_as_fast_as_its_maker_says(name, longest):
    assert CATALOGUE[name].tau_s * np.log(10.0) <= longest


def test_a_tube_pulls_at_the_load_cell_now_and_then():
    sensor = probe(quiet("load_cell"), 1000.0)
    weights = [sensor(1000.0, 60.0) for _ in range(10 * 1440)]
    steps = np.abs(np.diff(weights))
    assert set(np.unique(steps)) <= {0.0, 20.0}
    assert 3 < np.count_nonzero(steps) < 40


def test_many_sensors_read_the_same_to_the_bit_as_each_alone():
    seeds = [f"7:{number}" for number in range(40)]
    models = {**MODELS, **CATALOGUE}
    many, ones = Bank(models, Together(seeds)), [Bank(models, Alone(seed)) for seed in seeds]
    random = np.random.default_rng(3)
    for step in range(300):
        truth, dt = random.uniform(0.0, 50.0, (len(models), len(seeds))), (1.0, 5.0, 0.2)[step % 3]
        read = np.array(many.step(list(truth), dt))
        for column, one in enumerate(ones):
            assert one.step(truth[:, column].tolist(), dt) == read[:, column].tolist()


def test_a_draw_does_not_depend_on_how_many_there_are_nor_on_their_order():
    def trace(*seeds):
        many = Bank(CATALOGUE, Together(list(seeds)))
        return np.array([many.step([np.full(len(seeds), 7.0)] * len(CATALOGUE), 60.0) for _ in range(200)])

    three, two = trace("a", "b", "c"), trace("c", "b")
    assert (three[:, :, 2] == two[:, :, 0]).all()
    assert (three[:, :, 1] == two[:, :, 1]).all()
    assert not (three[:, :, 0] == three[:, :, 1]).all()


def test_a_flow_controller_lags_errs_and_ends_with_its_supply():
    flow = Flow(500.0, 0.004, 0.001)
    flow.step(100.0, 0.5)
    assert flow.indicated == 50.0
    assert flow.delivered == pytest.approx(50.2 + 0.5)
    flow.step(9.9, 1.0)
    assert flow.delivered == 0.0, "below a fiftieth of full scale"
    flow.step(10.0, 1.0)
    assert flow.delivered == pytest.approx(10.04 + 0.5)
    flow.supplied = 0.0
    flow.step(100.0, 0.5)
    assert flow.delivered == 0.0


def test_a_pump_counts_its_revolutions_and_may_deliver_less():
    pump = Pump(PumpModel(0.1), -0.05)
    assert pump.step(60.0, 1.0) == pytest.approx(0.095)
    pump.step(1000.0, 60.0)
    assert pump.revolutions == pytest.approx(221.0)
    assert pump.delivered_ml == pytest.approx(20.995)


def test_a_pump_as_it_is_bought_stands_pulses_and_wears():
    pump = Pump(WORN_IN._replace(wear_per_h=0.0), 0.0)
    assert pump.step(2.1, 60.0) == 0.0, "below 1 % of its speed"
    portions = {round(pump.step(2.4, 1.0), 9) for _ in range(100)}
    assert portions == {0.0, round(0.1 / 6, 9)}, "one roller's worth at a time"
    assert pump.delivered_ml == pytest.approx(4.0 * 0.1, abs=0.1 / 6)
    pump = Pump(WORN_IN, 0.0)
    fresh = pump.step(100.0, 3600.0)
    for _ in range(24):
        worn = pump.step(100.0, 3600.0)
    assert worn == pytest.approx(fresh * (1.0 - 0.002 * 24), rel=0.001)


def test_errors_of_pumps_are_normal_about_none():
    drives = Drives(BOUGHT, Together([str(seed) for seed in range(400)]))
    gains = drives.feed.step(np.full(400, 60.0), 60.0) / 6.0
    assert gains.mean() == pytest.approx(1.0, abs=0.01)
    assert gains.std() == pytest.approx(0.05, rel=0.15)


def test_the_stirrer_slews_and_turns_whole_revolutions():
    drives = Drives(CELL_CULTURE, Alone("1"))
    wanted = dict.fromkeys(("heater", "air_sp", "o2_sp", "co2_sp", "n2_sp"), 0.0)
    drives.step({**wanted, "agitation_sp": 150.0}, 1.0)
    assert drives.agitation == 50.0
    drives.step({**wanted, "agitation_sp": 60.3}, 1.0)
    assert drives.agitation == 60.0


def test_a_heater_switched_by_pulses_gives_on_the_whole_what_is_asked():
    shares = [pulsed(0.3, float(second), 1.0, 10.0) for second in range(20)]
    assert shares == [1.0] * 3 + [0.0] * 7 + [1.0] * 3 + [0.0] * 7
    assert sum(pulsed(0.35, 0.7 * n, 0.7, 10.0) * 0.7 for n in range(100)) == pytest.approx(24.5)
    assert pulsed(0.35, 0.0, 20.0, 10.0) == pytest.approx(0.35)


def test_a_valve_sticks_within_its_band():
    valve = Valve(2.0)
    assert [valve.step(wanted) for wanted in (1.9, 10.0, 11.5, 8.1, 7.9)] == [0.0, 10.0, 10.0, 10.0, 7.9]


def moved(rpm, setpoint, error, zero, duty):
    flow, pump, valve = Flow(500.0, 0.01 * error, 0.001 * zero), Pump(WORN_IN, 0.01 * error), Valve(zero)
    out = []
    for step in range(5):
        flow.step(setpoint * (1.0 + 0.3 * step), 0.6)
        out += [flow.indicated, flow.delivered, pump.step(rpm * (1.0 - 0.1 * step), 60.0), valve.step(setpoint * step)]
        out.append(pulsed(duty, 0.7 * step, 0.7, 1.0))
    return tuple(out)


def test_actuators_give_the_same_bits_in_floats_and_in_arrays():
    assert same(moved, (-5, 250), (-10, 600), (-5, 5), (0, 3), (0, 1))
