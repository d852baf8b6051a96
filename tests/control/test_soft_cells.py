"""Cells: density from a probe and between counts, growth from either, and all cells together."""

import math

import numpy as np
import pytest

from drivers.contract import Reason
from simulators.vessel_state import make_vessel
from tests.control.soft_bench import HOUR, SoftBench

DAY = 24 * HOUR


def test_capacitance_is_a_straight_line_above_the_medium():
    bench = SoftBench("density_from_capacitance", ["signal"], {"slope": 0.6, "background": 0.4})
    assert bench.one(5.4) == pytest.approx(3.0)
    assert bench.one(0.1) == 0.0, "noise below the medium is no negative density"


def test_cells_in_all():
    assert SoftBench("cells_total", ["density", "volume"]).one(2.0, 1.5) == 3.0


def growth(window=2 * HOUR, **options):
    return SoftBench("growth_from_density", ["density", "volume"], {"window": window}, **options)


@pytest.mark.parametrize("dt", [1.0, 30.0])
def test_growth_of_a_continuous_density_is_exact_and_dilution_is_no_death(dt):
    bench = growth()
    for scan in range(int(1.5 * HOUR / dt)):
        hours = scan * dt / HOUR
        volume = 1.0 + 0.1 * hours
        found = bench.one(0.5 * math.exp(0.3 * hours) / volume, volume, dt=dt)
    assert found == pytest.approx(0.3, rel=1e-3)
    assert bench.quality[0] == 0


def test_growth_without_a_volume_is_that_of_the_density():
    bench = SoftBench("growth_from_density", ["density"], {"window": 2 * HOUR})
    for scan in range(300):
        found = bench.one(math.exp(0.3 * scan * 30.0 / HOUR), dt=30.0)
    assert found == pytest.approx(0.3, rel=1e-3)


def test_growth_from_a_noisy_probe_is_within_its_standard_error():
    """2 % noise in 48 parts of 150 s: the slope over 2 h is good to 0.001 1/h, and is not biased."""
    n, rng = 200, np.random.default_rng(4)
    bench = growth(vessels=n)
    for scan in range(260):
        density = np.exp(0.3 * scan * 30.0 / HOUR) * (1.0 + rng.normal(0.0, 0.02, n))
        found = bench.see(density, 1.0, dt=30.0)
    assert found.mean() == pytest.approx(0.3, abs=0.001)
    assert found.std() < 0.006


def test_what_has_no_logarithm_is_left_out():
    bench = growth()
    for scan in range(300):
        density = -1.0 if scan % 3 == 0 else math.exp(0.3 * scan * 30.0 / HOUR)
        found = bench.one(density, 1.0, dt=30.0)
    assert found == pytest.approx(0.3, rel=1e-3)


class Counter:
    """A counter that shows its last count, which grows older."""

    def __init__(self, model, parameters, inputs=("density",)):
        options = {"sampled": "yes"}
        self.bench = SoftBench(model, list(inputs), parameters, options)
        self.shown, self.age = np.nan, 0.0

    def count(self, density, ago=0.0):
        self.shown, self.age = density, ago

    def run(self, hours, dt=600.0, **more):
        for _ in range(round(hours * HOUR / dt)):
            self.bench.age = {"density": self.age}
            found = self.bench.one(density=self.shown, dt=dt, quality={"density": 2 * math.isnan(self.shown)}, **more)
            self.age += dt
        return found, int(self.bench.quality[0])


def test_growth_from_two_counts_is_the_logarithm_of_their_ratio():
    counter = Counter("growth_from_density", {"window": 3 * DAY})
    assert counter.run(5)[1] == 2
    counter.count(0.5)
    found, quality = counter.run(24)
    assert (math.isnan(found), quality) == (True, 2)
    assert counter.bench.reason[0] == Reason.MODEL
    counter.count(1.0)
    assert counter.run(24) == (pytest.approx(math.log(2.0) / 24.0), 0)


def test_the_time_of_a_count_is_that_of_its_sample():
    """The second count is shown three hours after it was drawn."""
    counter = Counter("growth_from_density", {"window": 3 * DAY})
    counter.count(0.5)
    counter.run(27)
    counter.count(1.0, ago=3 * HOUR)
    assert counter.run(1)[0] == pytest.approx(math.log(2.0) / 24.0)


def test_growth_from_several_counts_is_the_line_through_those_of_the_window():
    counter = Counter("growth_from_density", {"window": 2 * DAY})
    for place, density in enumerate((5.0, 1.0, 1.3, 1.9)):
        counter.count(density)
        found, quality = counter.run(24)
        assert (quality == 2) == (place == 0)
    assert found == pytest.approx(np.polyfit([0.0, 24.0, 48.0], np.log([1.0, 1.3, 1.9]), 1)[0])


def test_counts_shortly_after_each_other_are_one():
    """A count repeated because nobody believed it: an error of 4 % is no growth of 24 % per hour."""
    counter = Counter("growth_from_density", {"window": 3 * DAY})
    counter.count(0.50)
    counter.run(24)
    counter.count(0.98)
    counter.run(0.5)
    counter.count(1.02)
    found, _ = counter.run(10)
    assert found == pytest.approx((math.log(0.98 * 1.02) / 2.0 - math.log(0.5)) / 24.25)


def test_old_counts_make_growth_uncertain_and_an_empty_count_is_none():
    counter = Counter("growth_from_density", {"window": 2 * DAY})
    counter.count(0.5)
    counter.run(24)
    counter.count(0.9)
    good = counter.run(47)
    assert good[1] == 0
    counter.count(0.0)
    assert counter.run(2) == (good[0], 1)


def test_the_counts_of_the_last_batch_do_not_count():
    counter = Counter("growth_from_density", {"window": 3 * DAY})
    counter.count(5.0)
    counter.run(24)
    counter.bench.estimator.rebase("V0")
    assert counter.run(24)[1] == 2
    counter.count(0.5)
    assert counter.run(24)[1] == 2, "the count that is still shown is not one of this batch"
    counter.count(0.8)
    assert counter.run(1) == (pytest.approx(math.log(1.6) / 24.0), 0)


@pytest.mark.parametrize(("outage", "quality"), [(30 * HOUR, 0), (50 * HOUR, 1)])
def test_counts_grow_older_while_nobody_looks(outage, quality):
    counter = Counter("growth_from_density", {"window": 3 * DAY})
    counter.count(0.5)
    counter.run(24)
    counter.count(1.0)
    counter.run(24)
    again = Counter("growth_from_density", {"window": 3 * DAY})
    again.bench.estimator.restore(counter.bench.estimator.state(), outage)
    again.count(1.0, ago=24 * HOUR + outage)
    assert again.run(1 / 6) == (pytest.approx(math.log(2.0) / 24.0), quality)


BETWEEN = {"good_for": 30 * HOUR, "fastest_growth": 0.06}


def test_between_counts_density_grows_as_it_did_before():
    counter = Counter("density_from_counts", BETWEEN)
    assert counter.run(2)[1] == 2
    counter.count(0.5)
    assert counter.run(24) == (pytest.approx(0.5), 1), "one count tells no growth"
    counter.count(1.0)
    assert counter.run(1 / 6) == (pytest.approx(1.0), 0)
    assert counter.run(12) == (pytest.approx(1.0 * 2.0**0.5), 0)


def test_density_is_held_and_uncertain_when_the_count_is_too_old():
    counter = Counter("density_from_counts", BETWEEN)
    counter.count(0.5)
    counter.run(24)
    counter.count(1.0)
    assert counter.run(30)[1] == 0
    most = 1.0 * 2.0 ** (30.0 / 24.0)
    assert counter.run(10) == (pytest.approx(most), 1)
    assert counter.run(100) == (pytest.approx(most), 1)


def test_between_counts_the_last_batch_does_not_count_either():
    counter = Counter("density_from_counts", BETWEEN)
    counter.count(0.5)
    counter.run(24)
    counter.bench.estimator.rebase("V0")
    assert counter.run(1)[1] == 2
    counter.count(0.4)
    assert counter.run(1) == (pytest.approx(0.4), 1)


@pytest.mark.parametrize(("second", "limit"), [(50.0, 0.06), (0.01, -0.06)])
def test_a_wrong_count_does_not_run_away(second, limit):
    counter = Counter("density_from_counts", BETWEEN)
    counter.count(0.5)
    counter.run(24)
    counter.count(second)
    counter.run(1 / 6)
    assert counter.run(10)[0] == pytest.approx(second * math.exp(10.0 * limit))


def test_feed_between_counts_dilutes_the_cells():
    counter = Counter("density_from_counts", BETWEEN, ["density", "volume"])
    counter.count(1.0)
    counter.run(24, volume=1.0)
    counter.count(1.5)
    counter.run(1 / 6, volume=1.0)
    found, _ = counter.run(12, volume=1.25)
    assert found == pytest.approx(1.5 * 1.5**0.5 / 1.25)


def test_a_bad_counter_holds_what_it_said_and_no_count_is_taken_while_the_volume_is_unknown():
    counter = Counter("density_from_counts", BETWEEN, ["density", "volume"])
    counter.count(1.0)
    counter.run(24, volume=1.0)
    counter.count(1.5)
    bench = counter.bench
    assert math.isnan(bench.one(1.5, np.nan, quality={"volume": 2}))
    assert bench.quality[0] == 2
    bench.age = {"density": 1.0}
    assert bench.one(1.5, 1.0) == pytest.approx(1.5, rel=1e-4)


def test_growth_and_density_of_t_cells_against_the_truth():
    """Two counts a day with 3 % error, fed all the time: growth within 0.005 1/h, density within 8 %."""
    vessel = make_vessel("V", {"model": "tc_m", "seed": 2, "volume_l": 0.8, "temperature_c": 37.0, "vcd": 0.5,
                               "culture_age_h": 40.0, "ph": 7.2, "do": 60.0}, 5)  # fmt: skip
    vessel.actuators.update(heater=26.0, agitation_sp=120.0, air_sp=60.0, o2_sp=20.0, co2_sp=4.0, feed_rpm=0.4)
    rng, dt = np.random.default_rng(6), 60.0
    rate = Counter("growth_from_density", {"window": 1.5 * DAY}, ["density", "volume"])
    now = Counter("density_from_counts", {**BETWEEN, "good_for": 24 * HOUR}, ["density", "volume"])
    errors, cells, t = [], [], 0.0
    while t < 2.5 * DAY:
        if t % (DAY / 2) == 0.0:
            counted = vessel.truth()["vcd"] * rng.normal(1.0, 0.03)
            rate.count(counted)
            now.count(counted)
        vessel.step(dt)
        t += dt
        truth = vessel.truth()
        cells.append(truth["vcd"] * truth["volume_l"])
        volume = vessel.readings["weight"] / 1008.0
        mu, density = (one.run(dt / HOUR, dt, volume=volume) for one in (rate, now))
        if t > 1.5 * DAY:
            half = round(DAY / dt)
            true = math.log(cells[-1] / cells[-half]) / 24.0
            errors.append((mu[0] - true, density[0] / truth["vcd"] - 1.0, max(mu[1], density[1])))
    mu_error, density_error, quality = np.array(errors).T
    assert quality.max() == 0
    assert np.abs(mu_error).max() < 0.005
    assert np.abs(density_error).max() < 0.08


@pytest.mark.parametrize("volume", [0.0, -0.05])
def test_without_a_volume_there_are_no_cells_to_tell_of(volume):
    total = SoftBench("cells_total", ["density", "volume"])
    assert total.one(2.0, 1.5) == pytest.approx(3.0)
    total.see(2.0, volume)
    assert (total.quality[0], total.reason[0]) == (2, Reason.MODEL)
    given = {"good_for": 36000.0, "fastest_growth": 0.1}
    density = SoftBench("density_from_counts", ["density", "volume"], given)
    assert density.one(2.0, 1.5) == pytest.approx(2.0)
    density.see(2.0, volume)
    assert (density.quality[0], density.reason[0]) == (2, Reason.MODEL)
    assert density.one(2.0, 1.5) == pytest.approx(2.0), "it is back with the volume"
