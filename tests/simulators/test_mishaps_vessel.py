"""Each mishap of a vessel, its culture and its power, by its number: the catalogue's signature in figures."""

import itertools
import math

import pytest

from tests.simulators.mishap_bench import Bench


@pytest.fixture
def bench():
    return Bench(seed="same")


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
