"""Programs that feed what counted cells need: by the count alone, and by glucose, on the repository's T-cell model."""

import json
import math

import numpy as np
import pytest

from controller.commands import Verb
from simulators.biology.culture import Environment, Inflow, runge_kutta
from simulators.biology.tc_m import DONOR, FEED_GLUCOSE, TCell
from tests.control.conftest import NoRecipe
from tests.control.feed_bench import GLUCOSE, FeedRig, feed_site, started
from tests.simulators.published import IDEAL, t_cells

BY_GLUCOSE = feed_site("    programs: {by_glucose: {target: 2 .. 12 mmol/L}}\n", GLUCOSE)


def count(rig, number, density, **more):
    rig.set(sample_number=number, viable_density=density, **more)
    rig.step()


def begin_batch(rig):
    """What a batch's start does to programs, without a recipe."""
    rig.programs.rebase("BR-101")


def test_the_rate_follows_the_cells_that_were_counted():
    rig = started()
    count(rig, 1, 2.0)
    assert rig.program("by_count", rate_per_cells=4.0).applied
    assert rig.device("feed_flow") == pytest.approx(8.0, rel=1e-3)
    rig.set(weight=1.5 * 1008.0)
    rig.run(10)
    assert rig.device("feed_flow") == pytest.approx(8.0, rel=1e-3), "what is fed makes no cells"
    count(rig, 2, 2.0)
    assert rig.device("feed_flow") == pytest.approx(12.0, rel=1e-3)
    count(rig, 3, 3.0)
    assert rig.device("feed_flow") == pytest.approx(18.0, rel=1e-3)


def test_growth_is_expected_for_so_long_after_a_count():
    rig = started()
    count(rig, 1, 2.0)
    rig.program("by_count", rate_per_cells=4.0, growth_rate=0.03, longest_count=10.0)
    rig.run(300, dt=60.0)
    assert rig.device("feed_flow") == pytest.approx(8.0 * math.exp(0.03 * 5.0), rel=2e-3)
    rig.run(1200, dt=60.0)
    assert rig.device("feed_flow") == pytest.approx(8.0 * math.exp(0.03 * 10.0), rel=2e-3)


def let_wait(rig):
    assert rig.order(Verb.PROGRAM, wait=True).applied
    rig.run(198, dt=60.0)
    assert rig.device("feed_flow") == pytest.approx(5.0, rel=2e-3), "it waits at the rate it has"
    rig.order(Verb.PROGRAM, wait=False)


def by_hand(rig):
    rig.mode("feed", "manual")
    rig.run(198, dt=60.0)
    rig.mode("feed", "remote")


def killed(rig):
    state = json.loads(json.dumps(rig.scan.state(), allow_nan=False))
    rig.scan = type(rig.scan)(rig.site, NoRecipe())
    rig.now += 3.3 * 3600.0
    rig.scan.restore(state, rig.now, 3.3 * 3600.0)
    rig.run(4)
    rig.mode("feed", "remote")


@pytest.mark.parametrize("meanwhile", [let_wait, by_hand, killed])
def test_cells_grow_also_while_the_program_waits(meanwhile):
    rig = started()
    count(rig, 1, 2.0)
    rig.program("by_count", rate_per_cells=2.5, growth_rate=0.05)
    assert rig.device("feed_flow") == pytest.approx(5.0, rel=2e-3)
    meanwhile(rig)
    rig.run(3)
    assert rig.device("feed_flow") == pytest.approx(5.0 * math.exp(0.05 * 3.3), rel=2e-3)


def test_a_count_that_comes_while_the_program_waits_is_of_that_moment():
    rig = started()
    count(rig, 1, 2.0)
    rig.program("by_count", rate_per_cells=4.0, growth_rate=0.03)
    rig.order(Verb.PROGRAM, wait=True)
    rig.run(60, dt=60.0)
    count(rig, 2, 3.0)
    rig.run(240, dt=60.0)
    rig.order(Verb.PROGRAM, wait=False)
    assert rig.device("feed_flow") == pytest.approx(12.0 * math.exp(0.03 * 4.0), rel=2e-3)


def test_glucose_is_followed_also_while_the_program_waits():
    """Of a pump by hand the glucose is expected as if the program itself had fed."""
    rigs = [started(BY_GLUCOSE), started(BY_GLUCOSE)]
    for rig in rigs:
        count(rig, 1, 2.0, glucose=8.0)
        rig.program("by_glucose", target=10.0, uptake=0.1, feed_glucose=100.0, correction=4.0)
        rig.run(3)
    rigs[1].mode("feed", "manual")
    for _ in range(240):
        rigs[1].step(rigs[1].command(Verb.OUTPUT, "feed", value=rigs[0].device("feed_flow")), dt=60.0)
        rigs[0].step(dt=60.0)
    rigs[1].mode("feed", "remote")
    rigs[0].step()
    rates = [rig.device("feed_flow") for rig in rigs]
    assert 0.0 < rates[0] < 5.0, "it has come nearer to its target"
    assert rates[1] == pytest.approx(rates[0], rel=0.02)


def test_the_count_of_the_batch_before_feeds_nothing():
    rig = started()
    count(rig, 7, 60.0)
    begin_batch(rig)
    rig.program("by_count", rate_per_cells=4.0)
    rig.run(900)
    assert rig.device("feed_flow") == 0.0
    assert rig.waits == "waits for a valid value of Viable cell density; nothing is fed"
    count(rig, 8, 2.0)
    rig.step()
    assert rig.device("feed_flow") == pytest.approx(8.0, rel=1e-3)
    assert rig.waits == ""


def test_a_batch_that_begins_while_the_counter_is_away_learns_its_first_number_later():
    rig = started()
    rig.lost = {"counter"}
    rig.step()
    begin_batch(rig)
    rig.program("by_count", rate_per_cells=4.0)
    rig.lost = set()
    count(rig, 7, 60.0)
    rig.run(3)
    assert rig.device("feed_flow") == 0.0
    count(rig, 8, 2.0)
    assert rig.device("feed_flow") == pytest.approx(8.0, rel=1e-3)


def test_a_counter_that_is_away_between_counts_changes_nothing():
    rig = started()
    count(rig, 1, 2.0)
    rig.program("by_count", rate_per_cells=4.0)
    rig.lost = {"counter"}
    rig.run(40, dt=60.0)
    assert rig.device("feed_flow") == pytest.approx(8.0, rel=1e-3)
    assert rig.waits == ""


def test_a_count_at_a_volume_that_is_not_known_waits_for_it():
    rig = started()
    rig.bad[rig.row("weight")] = 3
    count(rig, 1, 2.0)
    rig.program("by_count", rate_per_cells=4.0)
    rig.run(5)
    assert rig.device("feed_flow") == 0.0
    rig.bad.clear()
    rig.run(2)
    assert rig.programs.rate[rig.feed] == pytest.approx(8.0, rel=1e-3)


CELLS, HERE = TCell(DONOR), Environment(*IDEAL)


class Expansion:
    """The T-cell model on a rig: a sample of glucose and cells every ``every_h``, taken without noise."""

    def __init__(self, rig, state, period=60.0):
        self.rig, self.state, self.period = rig, state, period
        self.volume, self.number = 1.0, 0

    def sample(self):
        self.number += 1
        count(self.rig, self.number, self.state[0], glucose=self.state[2])

    def run(self, hours, every_h):
        seen = []
        h = self.period / 3600.0
        for step in range(round(hours / h)):
            flow = self.rig.device("feed_flow") / 1000.0
            rate = flow / (self.volume + flow * h / 2)
            inflow = Inflow(rate, rate, 0.0)
            self.state = runge_kutta(lambda y, i=inflow: CELLS.slope(y, HERE, i), self.state, h)
            self.volume += flow * h
            self.rig.set(weight=self.volume * 1008.0)
            self.rig.step(dt=self.period)
            if (step + 1) % round(every_h / h) == 0:
                seen.append(self.state[2])
                self.sample()
        return np.array(seen)


@pytest.mark.timeout(60)
@pytest.mark.parametrize("given", [0.5, pytest.param(1.0, marks=pytest.mark.soak), 1.6])
def test_glucose_is_held_although_the_uptake_is_not_what_was_given(given):
    rig = FeedRig(BY_GLUCOSE)
    rig.run(3)
    culture = Expansion(rig, t_cells(48))
    culture.sample()
    assert culture.state[2] > 7.0
    outcome = rig.program(
        "by_glucose", target=6.0, feed_glucose=FEED_GLUCOSE, uptake=0.09 * given, growth_rate=0.03, correction=8.0
    )
    assert outcome.applied, outcome.reason
    seen = culture.run(56, every_h=8)
    print(f"uptake given {given:.1f} times: glucose at the samples {np.round(seen, 2)} mmol/L, target 6")
    assert np.abs(seen[3:] - 6.0).max() <= 0.6
    assert rig.total == pytest.approx(rig.fed, rel=1e-6)


def test_a_glucose_above_its_target_is_not_fed():
    rig = FeedRig(BY_GLUCOSE)
    rig.run(3)
    count(rig, 1, 1.0, glucose=15.0)
    rig.program("by_glucose", target=6.0, feed_glucose=200.0, uptake=0.1, correction=12.0)
    assert rig.device("feed_flow") == 0.0
    count(rig, 2, 1.0, glucose=6.0)
    assert rig.device("feed_flow") == pytest.approx(1000.0 * 0.1 / (200.0 - 6.0), rel=1e-2)


def test_the_uptake_is_corrected_within_its_factor_only():
    rig = FeedRig(BY_GLUCOSE)
    rig.run(3)
    count(rig, 1, 1.0, glucose=6.0)
    rig.program("by_glucose", target=6.0, feed_glucose=200.0, uptake=0.1, uptake_factor=1.5, correction=12.0)
    rig.run(60, dt=60.0)
    count(rig, 2, 1.0, glucose=3.0)
    rig.programs.save()
    assert rig.programs.runs[rig.feed].memory["uptake"] == pytest.approx(0.15)
    rig.run(60, dt=60.0)
    count(rig, 3, 1.0, glucose=12.0)
    rig.programs.save()
    assert rig.programs.runs[rig.feed].memory["uptake"] == pytest.approx(0.1 / 1.5)


def test_a_target_outside_the_validated_range_or_beyond_the_feed_is_refused():
    rig = FeedRig(BY_GLUCOSE)
    rig.run(3)
    count(rig, 1, 1.0, glucose=6.0)
    outcome = rig.program("by_glucose", target=14.0, feed_glucose=200.0, uptake=0.1)
    assert outcome.allowed == ("target: 2 .. 12 mmol/L",)
    outcome = rig.program("by_glucose", target=8.0, feed_glucose=8.0, uptake=0.1)
    assert "feed_glucose must be above the target" in outcome.reason
    assert rig.order(Verb.PROGRAM, program=None).applied
