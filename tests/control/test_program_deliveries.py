"""What feeds keep account of: totals, what a balance teaches, and bottles that run out."""

import json

import numpy as np
import pytest

from controller.commands import Verb
from drivers.contract import Reason
from tests.control.feed_bench import ALL, BALANCE, FeedRig, feed_site, started

DENSITY = 1.02
BOTTLE = "    programs: [constant]\n    bottle: {volume: 500 mL, warn_at: 50 mL%s}\n"
ON_BALANCE = BOTTLE % ", weight: bottle_weight, density: 1.02 g/mL"
PLAIN = BOTTLE % ""
UNCOUNTED = (("    total: feed_total\n", ""),)


class Weighed(FeedRig):
    """A bottle on a balance: 150 g of glass, swinging and rounded readings, a pump that gives what it likes."""

    def __init__(self, site=None, gives=1.0, period=5.0, noise=2.0, seed=1):
        super().__init__(site or feed_site(ON_BALANCE, BALANCE), period=period)
        self.gives = gives
        self.leans, self.bottle_ml, self.noise = 0.0, 500.0, noise
        self.random = np.random.default_rng(seed)
        self.run(3)

    @property
    def grams(self):
        return 150.0 + (self.bottle_ml - self.fed) * DENSITY + self.leans

    def step(self, *commands, dt=None, outcomes=()):
        if hasattr(self, "random"):
            self.set(bottle_weight=round(self.grams + self.random.normal(0.0, self.noise)))
        return super().step(*commands, dt=dt, outcomes=outcomes)

    @property
    def factor(self):
        return float(self.programs.deliveries.balances.factor[self.feed])

    @property
    def left(self):
        return float(self.programs.deliveries.bottles.left[self.feed])

    def feed_at(self, rate, hours):
        assert self.program("constant", rate=rate).applied
        return self.run(round(hours * 3600 / self.period))


def alarms(rig):
    return [alarm["id"] for alarm in rig.scan.view().alarms if alarm["state"] == "active"]


def test_the_total_is_the_devices_own_counter():
    rig = started()
    rig.setpoint("feed", 60.0)
    rig.mode("feed", "auto")
    rig.run(60, dt=60.0)
    assert rig.total == pytest.approx(rig.values[rig.row("feed_total")], rel=1e-9)
    rig.values[rig.row("feed_total")] += 7.0
    rig.run(2)
    assert rig.total == pytest.approx(67.0, abs=0.1), "what somebody else delivers with this pump counts"


def test_what_comes_while_the_counter_is_away_comes_with_its_next_value():
    rig = started()
    rig.setpoint("feed", 60.0)
    rig.mode("feed", "auto")
    rig.run(10, dt=60.0)
    rig.bad[rig.row("feed_total")] = Reason.DEVICE
    rig.values[rig.row("feed_total")] += 3.0
    before = rig.total
    rig.run(5)
    assert rig.total == pytest.approx(before, abs=0.02)
    rig.bad.clear()
    rig.run(2)
    assert rig.total == pytest.approx(rig.values[rig.row("feed_total")], abs=0.1)


GOES_ON = (
    ("on_bad_pv: safe\n    on_restart: safe\n\n# The last", "on_bad_pv: hold\n    on_restart: resume\n\n# The last"),
)


def test_a_program_ends_at_its_amount_although_the_counter_cannot_be_read():
    rig = started(feed_site(change=GOES_ON))
    rig.program("constant", rate=100.0, end_total=10.0)
    rig.run(60)
    rig.bad[rig.row("feed_total")] = Reason.DEVICE
    rig.run(600)
    assert rig.fed == pytest.approx(10.0, abs=0.05)
    assert rig.total == pytest.approx(rig.fed, abs=0.05)
    rig.bad.clear()
    rig.run(3)
    assert rig.total == pytest.approx(rig.values[rig.row("feed_total")], abs=1e-6), "what was booked ahead counts once"


def test_what_was_booked_ahead_of_a_counter_counts_once_after_a_restart():
    rig = started(feed_site(change=GOES_ON))
    rig.program("constant", rate=100.0)
    rig.run(60)
    rig.bad[rig.row("feed_total")] = Reason.DEVICE
    rig.run(300)
    again = FeedRig(rig.site)
    again.values, again.devices, again.now = rig.values, rig.devices, rig.now
    again.scan.restore(json.loads(json.dumps(rig.scan.state(), allow_nan=False)), again.now, 1.0)
    again.run(3)
    assert again.total == pytest.approx(again.values[again.row("feed_total")], abs=0.1)


def test_nothing_is_booked_ahead_for_a_pump_that_cannot_be_reached():
    rig = started(feed_site(change=GOES_ON))
    rig.program("constant", rate=100.0)
    rig.run(60)
    rig.lost = {"feed-pump-101"}
    rig.step()
    before = rig.total
    rig.run(300)
    assert rig.total == pytest.approx(before, abs=0.03)


def test_a_counter_that_was_set_back_takes_nothing_away():
    site = feed_site(change=((", rebase: batch}\n  viable", "}\n  viable"),))
    rig = started(site)
    rig.setpoint("feed", 60.0)
    rig.mode("feed", "auto")
    rig.run(10, dt=60.0)
    before = rig.total
    rig.values[rig.row("feed_total")] = 0.0
    rig.run(10, dt=60.0)
    assert rig.total == pytest.approx(before + 9.0, abs=1.1)


def test_without_a_counter_it_is_what_the_output_achieved():
    rig = started(feed_site(ALL, change=UNCOUNTED))
    rig.program("constant", rate=60.0)
    rig.run(30, dt=60.0)
    rig.set(weight=2.1 * 1008.0)
    rig.run(30, dt=60.0)
    assert rig.total == pytest.approx(rig.fed, rel=1e-9)
    assert rig.total == pytest.approx(30.0, abs=2.0)


def test_totals_begin_with_the_batch():
    rig = started(feed_site(PLAIN))
    rig.setpoint("feed", 60.0)
    rig.mode("feed", "auto")
    rig.run(60, dt=60.0)
    rig.programs.rebase("BR-101")
    rig.scan.estimator.rebase("BR-101")
    assert rig.total == 0.0
    rig.run(30, dt=60.0)
    assert rig.total == pytest.approx(30.0, abs=1.1)
    assert rig.scan.reader.read("BR-101", "feed.total") == (rig.total, 0)
    assert rig.scan.reader.read("BR-101", "feed.left")[0] == pytest.approx(500.0 - rig.total)


@pytest.mark.timeout(30)
@pytest.mark.parametrize("gives", [1.15, 0.85, pytest.param(1.0, marks=pytest.mark.soak)])
def test_a_pump_that_gives_otherwise_ends_within_two_percent(gives):
    rig = Weighed(gives=gives)
    rig.feed_at(60.0, 4.5)
    given = rig.device("feed_flow") * gives
    print(f"factor {rig.factor:.3f} of {gives:.2f}, {given:.2f} of 60 mL/h, {rig.total:.1f} of {rig.fed:.1f} mL")
    assert given == pytest.approx(60.0, rel=0.02)
    assert rig.total == pytest.approx(rig.fed, rel=0.02)
    assert rig.left == pytest.approx(500.0 - rig.fed, abs=4.0)
    shown = {f"{c['name']}.{c['kind']}": c for c in rig.scan.columns.described if c["vessel"] == "BR-101"}
    assert shown["feed.factor"]["unit"] == "1"


@pytest.mark.timeout(30)
def test_it_is_corrected_slowly_and_within_bounds():
    rig = Weighed(gives=1.5)
    rig.program("constant", rate=120.0)
    factors = []
    for _ in range(1500):
        rig.step()
        factors.append(rig.factor)
    steps = np.diff(factors)
    assert steps.max() <= 0.05 + 1e-12
    assert max(factors) == 1.2
    assert rig.device("feed_flow") == pytest.approx(120.0 / 1.2)


def test_a_ratio_that_cannot_be_is_told_and_not_learnt():
    rig = Weighed(gives=0.45)
    rig.feed_at(60.0, 1.5)
    assert rig.factor == 1.0
    assert "BR-101.feed_adrift" in alarms(rig)
    assert len(rig.told("what the pump gives does not fit the balance")) == 1
    rig.gives = 1.0
    rig.run(1000)
    assert "BR-101.feed_adrift" not in alarms(rig)


@pytest.mark.timeout(30)
@pytest.mark.parametrize("leans", [30.0, -30.0])
def test_a_bump_of_the_balance_teaches_nothing_and_delivers_nothing(leans):
    rig = Weighed()
    rig.feed_at(60.0, 0.6)
    factor, total, fed = rig.factor, rig.total, rig.fed
    rig.leans = leans
    rig.run(60)
    assert rig.factor == factor
    assert rig.total - total == pytest.approx(rig.fed - fed, abs=0.6)
    told = rig.told("the balance jumped by")
    if leans < 0.0:
        assert len(told) == 1
        assert float(told[0].text.split("by ")[1].split(" g")[0]) == pytest.approx(leans, abs=2.0)
    rig.run(1500)
    assert rig.factor == pytest.approx(1.0, abs=0.03)
    assert rig.total == pytest.approx(rig.fed, rel=0.02)


@pytest.mark.timeout(30)
def test_a_bottle_that_is_changed_is_seen_on_the_balance():
    rig = Weighed()
    rig.feed_at(60.0, 1.0)
    before = rig.total
    rig.setpoint("feed", 0.0)
    rig.leans = -rig.grams
    rig.run(80)
    rig.leans, rig.bottle_ml = 0.0, 500.0 + rig.fed
    rig.run(80)
    assert rig.left == pytest.approx(500.0, abs=3.0)
    assert rig.total == pytest.approx(before, abs=1.0)
    assert len(rig.told("the bottle was filled or changed")) == 1
    assert rig.mode("feed", "remote").applied
    rig.run(720)
    assert rig.total == pytest.approx(rig.fed, rel=0.02)


def test_a_single_mad_reading_is_no_bump():
    rig = Weighed()
    rig.feed_at(60.0, 0.3)
    rig.leans = 400.0
    rig.run(2)
    rig.leans = 0.0
    rig.run(60)
    assert rig.told("jumped") == []
    assert rig.total == pytest.approx(rig.fed, abs=2.0)


def test_a_bottle_by_its_volume_warns_and_then_stops_the_pump():
    rig = started(feed_site(PLAIN))
    rig.program("constant", rate=300.0)
    rig.run(91, dt=60.0)
    assert alarms(rig) == ["BR-101.feed_low"]
    assert rig.device("feed_flow") == 300.0
    rig.run(10, dt=60.0)
    assert rig.device("feed_flow") == 0.0
    assert set(alarms(rig)) == {"BR-101.feed_low", "BR-101.feed_empty"}
    assert len(rig.told("the bottle is empty, everything in it was delivered; the pump is stopped")) == 1
    assert rig.waits.startswith("the bottle is empty")
    shown = next(alarm for alarm in rig.scan.view().alarms if alarm["id"] == "BR-101.feed_empty")
    assert "Change the bottle" in shown["action"]
    hours = float(rig.programs.hours[rig.feed])
    rig.run(10, dt=60.0)
    assert rig.programs.hours[rig.feed] == hours
    assert rig.order(Verb.BOTTLE).applied
    rig.run(3)
    assert rig.device("feed_flow") == 300.0
    assert alarms(rig) == []


def test_an_empty_bottle_stops_a_setpoint_by_hand_too_but_not_the_line_being_filled():
    rig = started(feed_site(PLAIN))
    rig.setpoint("feed", 300.0)
    rig.mode("feed", "auto")
    rig.run(101, dt=60.0)
    assert rig.device("feed_flow") == 0.0
    rig.mode("feed", "manual")
    rig.step(rig.command(Verb.OUTPUT, "feed", value=50.0))
    rig.run(3)
    assert rig.device("feed_flow") == 50.0


def test_where_the_class_says_keep_an_empty_bottle_is_an_alarm_only():
    rig = started(feed_site(BOTTLE % ", on_empty: keep"))
    rig.program("constant", rate=300.0)
    rig.run(110, dt=60.0)
    assert rig.device("feed_flow") == 300.0
    assert "BR-101.feed_empty" in alarms(rig)
    assert rig.told("the pump goes on")


@pytest.mark.timeout(30)
def test_a_weight_that_does_not_fall_while_the_pump_runs_stops_it():
    rig = Weighed()
    rig.feed_at(60.0, 0.5)
    rig.gives = 0.0
    before = rig.total
    rig.run(round(1800 / 5))
    assert rig.device("feed_flow") == 0.0
    assert rig.told("its weight does not fall while the pump runs")
    assert rig.total - before < 15.0
    assert "BR-101.feed_empty" in alarms(rig)
    rig.gives = 1.0
    assert rig.order(Verb.BOTTLE, volume=400.0).applied
    rig.run(3)
    assert rig.device("feed_flow") == pytest.approx(60.0, rel=0.05)


def test_with_a_tare_what_is_left_is_weighed():
    site = feed_site(BOTTLE % ", weight: bottle_weight, density: 1.02 g/mL, tare: 150 g", BALANCE)
    rig = Weighed(site, noise=0.5)
    rig.bottle_ml = 120.0
    rig.run(80)
    assert rig.left == pytest.approx(120.0, abs=2.0)
    rig.feed_at(120.0, 1.2)
    assert rig.device("feed_flow") == 0.0
    assert rig.fed == pytest.approx(120.0, abs=4.0)


def test_a_balance_that_cannot_be_read_changes_nothing():
    rig = Weighed()
    rig.feed_at(60.0, 1.0)
    factor = rig.factor
    rig.bad[rig.row("bottle_weight")] = Reason.LINK
    rig.run(1000)
    assert rig.factor == factor
    assert rig.device("feed_flow") == pytest.approx(60.0 / factor, rel=1e-6)


def test_a_pulse_under_way_is_cut_when_the_bottle_runs_out():
    pulsed = (
        ("range: {low: 0 mL/h, high: 300 mL/h}, safe: 0 mL/h}", "range: {low: 0 mL/h, high: 300 mL/h}, safe: 0 mL/h, "
         "pulse: {period: 600 s, on: 300 mL/h}}"),
    )  # fmt: skip
    rig = started(feed_site("    programs: [constant]\n    bottle: {volume: 10 mL}\n", change=pulsed))
    rig.program("constant", rate=150.0)
    while not rig.told("the bottle is empty"):
        assert rig.device("feed_flow") in {0.0, 300.0}
        rig.step(dt=5.0)
    assert rig.device("feed_flow") == 0.0
    assert rig.total == pytest.approx(10.0, abs=0.5)
    rig.run(200, dt=5.0)
    assert rig.total == pytest.approx(10.0, abs=0.5)
