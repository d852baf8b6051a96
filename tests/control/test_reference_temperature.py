"""The temperature loop on the 2 L reference vessel: oracle rows, and the tuning of the class over what varies."""

from dataclasses import replace

import numpy as np
import pytest

from controller.model.tuning import Tuning
from tests.control.conftest import bench_site
from tests.reference.closed_loop import Bank, follow
from tests.reference.margins import controller, frequencies, hold, margins
from tests.reference.thermal import HEATER_W, Thermal, response

VOLUMES = np.array([0.5, 1.0, 1.5, 2.0])
SP, BAND = 37.0, 0.2


def settled_min(trace, sp=SP, band=BAND):
    """Minutes after which each column stays within the band."""
    outside = np.abs(trace - sp) > band
    return np.array([(np.flatnonzero(column)[-1] + 1) / 60.0 if column.any() else 0.0 for column in outside.T])


def warm_up(tuning, plant, seconds=5400, filter_s=0.0):
    """From 22 Cel with the loop in automatic: a setpoint step to 37 Cel."""
    bank = Bank([tuning] * plant.n, 0.0, filter_s)
    return follow(plant, bank, lambda second: SP if second >= 1 else plant.start, seconds)


def disturbed(tuning, plant, seconds=5400, filter_s=0.0, **change):
    """From rest at 37 Cel: what ``change`` says of the plant after ten minutes."""
    bank = Bank([tuning] * plant.n, plant.hold(), filter_s)

    def at(second):
        if second == 600:
            for name, value in change.items():
                setattr(plant, name, value)

    return np.abs(follow(plant, bank, SP, seconds, at) - SP)


@pytest.mark.parametrize(
    ("gain", "ti", "minutes", "iae", "ambient", "load"),
    [(103.4, 473.0, 35.9, 196.0, 0.28, 0.26), (68.9, 710.0, 45.3, None, 0.38, 0.32)],
)
def test_oracle_rows_of_the_temperature_loop(gain, ti, minutes, iae, ambient, load):
    """SIMC with tau_c of one and of two delays, in W per K."""
    tuning = Tuning(gain, ti, tracking_time=60.0, high=HEATER_W)
    trace = warm_up(tuning, Thermal())
    minute, found_iae = settled_min(trace)[0], np.abs(SP - trace).sum() / 60.0
    colder = disturbed(tuning, Thermal(start=SP), ambient=12.0).max()
    loaded = disturbed(tuning, Thermal(start=SP), load_w=20.0).max()
    print(
        f"K {gain} Ti {ti:.0f}: settled {minute:.2f} min, overshoot {trace.max() - SP:.3f} Cel, IAE {found_iae:.1f} "
        f"Cel min, ambient {colder:.3f} Cel, load {loaded:.3f} Cel"
    )
    assert minute == pytest.approx(minutes, abs=0.1)
    assert trace.max() - SP < 0.02
    assert iae is None or found_iae == pytest.approx(iae, rel=0.015)
    assert colder == pytest.approx(ambient, abs=0.0065)
    assert loaded == pytest.approx(load, abs=0.0065)


@pytest.fixture(scope="module")
def shipped():
    """The class's tuning in W, and the filter of its measurement."""
    site = bench_site()
    loop = site.loops.rows[site.loops.index["BR-101.temperature"]]
    watts = 0.01 * HEATER_W
    tuning = replace(loop.tuning, gain=watts * loop.tuning.gain, low=0.0, high=HEATER_W)
    return tuning, site.tags.tags[loop.pv].filter_s


def test_the_class_warms_up_in_time_with_any_volume(shipped):
    tuning, filter_s = shipped
    plant = Thermal(n=8, volume_l=np.repeat(VOLUMES, 2), noise=np.random.default_rng(1))
    trace = warm_up(tuning, plant, 3600, filter_s)
    minutes, over = settled_min(trace), trace.max(axis=0) - SP
    print(f"22 -> 37 Cel, {VOLUMES} L, two seeds: settled {minutes.round(1)} min, overshoot {over.round(3)} Cel")
    assert minutes.max() <= 36.0
    assert over.max() < 0.1


def test_the_class_bears_a_colder_room(shipped):
    tuning, filter_s = shipped
    plant = Thermal(n=8, start=SP, volume_l=np.repeat(VOLUMES, 2), noise=np.random.default_rng(2))
    peaks = disturbed(tuning, plant, filter_s=filter_s, ambient=12.0).max(axis=0)
    print(f"ambient 22 -> 12 Cel, {VOLUMES} L, two seeds: {peaks.round(3)} Cel")
    assert peaks.max() <= 0.3


@pytest.mark.parametrize(("dt", "most"), [(1.0, 2.0), (6.0, 4.0)], ids=["a scan a second", "the demo"])
def test_the_class_keeps_the_noise_off_the_heater(shipped, dt, most):
    tuning, filter_s = shipped
    plant = Thermal(n=4, start=SP, volume_l=VOLUMES, noise=np.random.default_rng(3))
    bank, powers = Bank([tuning] * plant.n, plant.hold(), filter_s), []
    reading = plant.read()
    for _ in range(900):
        powers.append(100.0 / HEATER_W * bank.step(reading, SP, dt))
        reading = plant.step(HEATER_W / 100.0 * powers[-1], dt)
    swing = np.array(powers)[300:].std(axis=0)
    print(f"a scan every {dt:.0f} s, {VOLUMES} L: heater moves by {swing.round(2)} % (standard deviation)")
    assert swing.max() <= most


def test_the_class_is_robust_with_any_volume(shipped):
    tuning, filter_s = shipped
    w = frequencies()
    regulator = controller(w, tuning.gain, tuning.integral_time, tuning.derivative_time, tuning.derivative_filter,
                           filter_s=filter_s)  # fmt: skip
    for volume in VOLUMES:
        found = margins(regulator * response(w, volume) * hold(w, delay_s=1.0))
        print(f"{volume} L: Ms {found.ms:.2f}, GM {found.gm:.1f}")
        assert found.ms <= 1.7
        assert found.gm >= 2.8
