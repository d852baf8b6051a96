"""The exponential program closes the loop on the repository's E. coli model: the published fed-batch comes out."""

import math

import pytest

from simulators.biology.culture import Environment, Inflow, runge_kutta
from simulators.biology.ecoli_a import STRAIN, Coli, rates
from tests.control.feed_bench import BIOMASS, FeedRig, feed_site

LARGE = (
    ("volume > 2.0 L", "volume > 3.0 L"),
    ("volume < 1.95 L", "volume < 2.95 L"),
    ("high: 2.0 L}", "high: 3.0 L}"),
)
SITE = feed_site("    programs: [exponential]\n", BIOMASS, change=LARGE)
BATCH = (2.72437, 0.20383, 0.23850)
"""Biomass, glucose and acetate in g/L after 9 h of batch."""
PERIOD_S, BEGINNING_S = 30.0, 5.0
MODEL = Coli(STRAIN)


class Vessel:
    """2 L of ECOLI-A at kLa 700 1/h, fed by what the pump is told."""

    def __init__(self, rig):
        self.rig, self.state, self.volume, self.oxygen = rig, BATCH, 2.0, 57.0

    def balance(self, oxygen):
        """Supply less demand at an oxygen in %: its zero is the oxygen that the culture has."""
        x, s, a = self.state
        return 700.0 * (99.0 - oxygen) - rates(s, a, oxygen, STRAIN).oxygen * x * 14000.0

    def breathe(self):
        low, high = 0.0, 99.0
        for _ in range(20):
            middle = 0.5 * (low + high)
            low, high = (middle, high) if self.balance(middle) > 0.0 else (low, middle)
        self.oxygen = 0.5 * (low + high)

    def live(self, seconds):
        flow, h = self.rig.device("feed_flow") / 1000.0, seconds / 3600.0
        rate = flow / (self.volume + flow * h / 2.0)
        here = Environment(37.0, 7.0, math.nan, self.oxygen)
        self.state = runge_kutta(lambda y: MODEL.slope(y, here, Inflow(rate, rate, 0.0)), self.state, h)
        self.volume += flow * h
        self.breathe()


@pytest.mark.timeout(60)
@pytest.mark.parametrize(
    ("mu_set", "first", "volume", "x"), [(0.12, 4.3590, 2.0706, 8.674), (0.222, 8.0641, 2.2315, 20.206)]
)
def test_the_fed_batch_of_the_model_comes_out(mu_set, first, volume, x):
    """From the biomass tag and the volume at 9 h to 18 h, within 3 %; the total on record is what was pumped."""
    rig = FeedRig(SITE)
    rig.set(weight=2.0 * 1008.0, biomass=BATCH[0])
    rig.run(3)
    outcome = rig.program("exponential", growth_rate=mu_set, **{"yield": 0.5, "substrate": 300.0})
    assert outcome.applied, outcome.reason
    assert rig.device("feed_flow") == pytest.approx(first, rel=1e-4)
    vessel = Vessel(rig)
    vessel.breathe()
    elapsed = 0.0
    while elapsed < 9 * 3600.0:
        # glucose turns over within seconds where the cells are many: short steps, one scan for several
        for _ in range(round(PERIOD_S / BEGINNING_S)):
            vessel.live(BEGINNING_S)
        elapsed += PERIOD_S
        rig.set(weight=vessel.volume * 1008.0)
        rig.step(dt=PERIOD_S)
    print(f"mu {mu_set}: V {vessel.volume:.4f} L ({volume}), X {vessel.state[0]:.3f} g/L ({x}), fed {rig.total:.1f} mL")
    assert vessel.volume == pytest.approx(volume, rel=0.03)
    assert vessel.volume - 2.0 == pytest.approx(volume - 2.0, rel=0.03)
    assert vessel.state[0] == pytest.approx(x, rel=0.03)
    assert rig.total == pytest.approx(1000.0 * (vessel.volume - 2.0), rel=0.02)
