"""Programs on the simulated plant: what is on record is what left the pump, also when the pump is wrong."""

import numpy as np
import pytest

from tests.control.feed_bench import BALANCE, FeedRig, feed_site
from tests.control.test_closed_loop import OnPlant

BOTTLE = "    programs: [constant, exponential, table]\n    bottle: {volume: 500 mL, warn_at: 50 mL%s}\n"
PLAIN = feed_site(BOTTLE % "")
WEIGHED = feed_site(BOTTLE % ", weight: bottle_weight, density: 1.02 g/mL", BALANCE)


class PlantRig(FeedRig):
    """Its totals are the plant's, not its own."""

    def step(self, *commands, dt=None, outcomes=()):
        return super(FeedRig, self).step(*commands, dt=dt, outcomes=outcomes)


class FedPlant(OnPlant):
    """The plant of BR-101 with a feed bottle of 500 mL on a balance; its pump gives ``gives`` of what it should."""

    def __init__(self, site, gives=1.0, seed=3):
        super().__init__(PlantRig(site, period=5.0), temperature_c=37.0)
        pump = self.plant._vessels["BR-101"].drives.feed
        pump.ml_per_rev *= gives
        self.random = np.random.default_rng(seed)
        self.weighed = site is WEIGHED
        self.run(30)

    def run(self, seconds, dt=5.0):
        for _ in range(round(seconds / dt)):
            if self.weighed:
                left = 500.0 - self.plant.truth("BR-101")["feed_ml"]
                self.rig.set(bottle_weight=round(150.0 + 1.02 * left + self.random.normal(0.0, 2.0)))
            truth = super().run(dt, dt)
        return truth


@pytest.mark.timeout(60)
@pytest.mark.parametrize(
    ("program", "parameters", "expected"),
    [
        ("exponential", {"growth_rate": 0.3, "start": 30.0}, 30.0 / 0.3 * (2.718281828**0.3 - 1.0)),
        ("table", {"points": [[0.0, 10.0], [0.5, 50.0], [1.0, 0.0]]}, 0.5 * 30.0 + 0.5 * 25.0),
        ("constant", {"rate": 100.0, "end_total": 25.0}, 25.0),
    ],
)
def test_the_total_on_record_is_the_plants_within_two_percent(program, parameters, expected):
    bench = FedPlant(PLAIN)
    assert bench.rig.program(program, **parameters).applied
    truth = bench.run(3600)
    print(
        f"{program}: {bench.rig.total:.3f} mL on record, {truth['feed_ml']:.3f} mL in the plant, {expected:.3f} wanted"
    )
    assert bench.rig.total == pytest.approx(truth["feed_ml"], rel=0.02)
    assert truth["feed_ml"] == pytest.approx(expected, rel=0.02)


@pytest.mark.timeout(120)
@pytest.mark.parametrize("gives", [1.15, 0.85])
def test_a_pump_fifteen_percent_wrong_ends_within_two_percent(gives):
    bench = FedPlant(WEIGHED, gives)
    assert bench.rig.program("constant", rate=100.0).applied
    bench.run(2.5 * 3600)
    before = bench.plant.truth("BR-101")["feed_ml"]
    truth = bench.run(1800)
    flow = 2.0 * (truth["feed_ml"] - before)
    print(f"gives {gives}: {flow:.2f} of 100 mL/h at the end, {bench.rig.total:.1f} of {truth['feed_ml']:.1f} mL")
    assert flow == pytest.approx(100.0, rel=0.02)
    assert bench.rig.total == pytest.approx(truth["feed_ml"], rel=0.02)
