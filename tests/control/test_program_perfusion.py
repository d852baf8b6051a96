"""Perfusion and bleed: by vessel volumes, by cells, by share and by growth; on the repository's T-cell model."""

import math

import pytest

from simulators.biology.culture import Environment, Inflow, runge_kutta
from simulators.biology.tc_m import DONOR, FEED_GLUCOSE, FEED_GLUTAMINE, TCell
from tests.control.feed_bench import MEDIUM, PERFUSION, FeedRig, feed_site, measured
from tests.simulators.published import IDEAL, t_cells

SITE = feed_site(outputs=MEDIUM, loops=PERFUSION)
GROWTH = measured("growth_now", "1/d", 5, "-5")
BY_SENSOR = PERFUSION.replace("programs: [bleed]", "programs: {bleed: {growth: growth_now}}")


def rig_with(site=SITE, volume=1.0, density=10.0, **more):
    rig = FeedRig(site)
    rig.set(weight=volume * 1008.0, viable_density=density, sample_number=1.0, **more)
    rig.run(3)
    return rig


def flow(rig, name):
    rig.step()
    return rig.device(name)


def test_vessel_volumes_a_day_follow_the_volume():
    rig = rig_with(volume=1.2)
    assert rig.program("perfusion", loop="perfusion", vvd=1.5).applied
    assert flow(rig, "medium_flow") == pytest.approx(1.5 * 1200.0 / 24.0, rel=1e-6)
    rig.set(weight=0.8 * 1008.0)
    assert flow(rig, "medium_flow") == pytest.approx(1.5 * 800.0 / 24.0, rel=1e-6)


def test_a_rate_for_each_cell_follows_the_density_within_its_limits():
    rig = rig_with(density=10.0)
    assert rig.program("perfusion", loop="perfusion", per_cell=50.0, least=10.0, most=100.0).applied
    assert flow(rig, "medium_flow") == pytest.approx(50e-9 * 10e6 * 1000.0 / 24.0, rel=1e-6)
    rig.set(viable_density=0.1, sample_number=2.0)
    assert flow(rig, "medium_flow") == 10.0
    rig.set(viable_density=90.0, sample_number=3.0)
    assert flow(rig, "medium_flow") == 100.0


def test_one_of_the_two_ways_is_chosen():
    rig = rig_with()
    for given, why in (({}, "either vvd or per_cell"), ({"vvd": 1.0, "per_cell": 50.0}, "not both")):
        outcome = rig.program("perfusion", loop="perfusion", **given)
        assert not outcome.applied
        assert why in outcome.reason


def test_while_the_volume_is_not_known_the_rate_stays_for_a_while():
    rig = rig_with()
    rig.program("perfusion", loop="perfusion", vvd=1.0, patience=10.0)
    before = flow(rig, "medium_flow")
    rig.bad[rig.row("weight")] = 3
    rig.run(9, dt=60.0)
    assert rig.device("medium_flow") == before
    rig.run(3, dt=60.0)
    assert rig.device("medium_flow") == 0.0
    assert any("waits for a valid value of Culture volume" in event.text for event in rig.events)
    assert [alarm["title"] for alarm in rig.scan.view().alarms if "perfusion" in alarm["id"]] == [
        "Perfusion: program stands still"
    ]
    rig.bad.clear()
    rig.run(2)
    assert rig.device("medium_flow") == pytest.approx(before)


def test_the_bleed_is_a_share_of_what_the_perfusion_gives():
    rig = rig_with()
    rig.program("perfusion", loop="perfusion", vvd=2.4)
    assert rig.program("bleed", loop="bleed", fraction=10.0).applied
    rig.run(3)
    assert rig.device("bleed_flow") == pytest.approx(0.1 * rig.device("medium_flow"), rel=1e-6)
    rig.setpoint("perfusion", 40.0)
    rig.run(3)
    assert rig.device("bleed_flow") == pytest.approx(4.0, rel=1e-6)
    rig.mode("perfusion", "off")
    rig.run(3)
    assert rig.device("bleed_flow") == 0.0


def test_the_bleed_takes_off_the_growth_and_holds_a_density():
    rig = rig_with(density=10.0)
    rig.program("bleed", loop="bleed", growth_rate=0.02, target=10.0)
    assert flow(rig, "bleed_flow") == pytest.approx(0.02 * 1000.0, rel=1e-6)
    rig.set(viable_density=12.0, sample_number=2.0)
    assert flow(rig, "bleed_flow") == pytest.approx(1000.0 * (0.02 + 0.2 / 24.0), rel=1e-6)
    rig.set(viable_density=2.0, sample_number=3.0)
    assert flow(rig, "bleed_flow") == 0.0


def test_the_growth_may_come_from_a_soft_sensor():
    rig = rig_with(feed_site(measurements=GROWTH, outputs=MEDIUM, loops=BY_SENSOR), growth_now=0.48)
    assert rig.program("bleed", loop="bleed").applied
    assert flow(rig, "bleed_flow") == pytest.approx(0.02 * 1000.0, rel=1e-6)
    outcome = rig.program("bleed", loop="bleed", fraction=5.0, growth_rate=0.02)
    assert "not both" in outcome.reason


def test_without_a_share_or_a_growth_there_is_no_bleed():
    outcome = rig_with().program("bleed", loop="bleed", target=10.0)
    assert "either fraction or growth_rate" in outcome.reason


CELLS, HERE, STILL = TCell(DONOR), Environment(*IDEAL), Inflow(0.0, 0.0, 0.0)


class Retained:
    """The T-cell model in 1 L with all cells retained: medium goes in and out, the bleed takes cells with it."""

    def __init__(self, rig, state):
        self.rig, self.state = rig, state

    def run(self, hours, sample_h=24.0, minutes=1):
        h = minutes / 60.0
        for step in range(round(hours / h)):
            exchanged = self.rig.device("medium_flow") / 1000.0
            bled = self.rig.device("bleed_flow") / 1000.0
            fresh, kept = (FEED_GLUCOSE, FEED_GLUTAMINE, 0.0, 0.0), math.exp(-exchanged * h)
            self.state = runge_kutta(lambda y: CELLS.slope(y, HERE, STILL), self.state, h)
            x, xd, *dissolved, age = (max(y, 0.0) for y in self.state)
            out = math.exp(-bled * h)
            dissolved = (f + (c - f) * kept for c, f in zip(dissolved, fresh, strict=True))
            self.state = (x * out, xd * out, *dissolved, age)
            if step % round(sample_h / h) == 0:
                number = self.rig.values[self.rig.row("sample_number")] + 1.0
                self.rig.set(viable_density=self.state[0], sample_number=number)
            self.rig.step(dt=60.0 * minutes)


@pytest.mark.timeout(60)
def test_the_perfused_expansion_is_the_models():
    """Case C of the model: no perfusion for 72 h, then half a volume a day to 120 h, then one."""
    rig = rig_with()
    culture = Retained(rig, t_cells(72))
    rig.program("perfusion", loop="perfusion", vvd=0.5)
    culture.run(48, minutes=2)
    print(f"at 120 h {culture.state[0]:.3f} 10*9/L, glucose {culture.state[2]:.2f} mmol/L; model 5.503, 5.88")
    x, _, glucose, _, lactate, *_ = culture.state
    assert x == pytest.approx(5.503, abs=0.06)
    assert glucose == pytest.approx(5.88, abs=0.1)
    assert lactate == pytest.approx(20.59, abs=0.3)


@pytest.mark.timeout(60)
def test_the_bleed_holds_the_density():
    rig = rig_with()
    culture = Retained(rig, t_cells(120, perfusion=lambda t: 0.0 if t < 72 else 1.0 / 24.0))
    rig.program("perfusion", loop="perfusion", vvd=1.5)
    rig.program("bleed", loop="bleed", growth_rate=0.02, target=6.0, correction=24.0)
    culture.run(72, sample_h=6.0, minutes=4)
    print(f"after three days {culture.state[0]:.2f} 10*9/L at a target of 6")
    assert culture.state[0] == pytest.approx(6.0, rel=0.1)
