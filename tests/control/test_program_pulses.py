"""Feeding in pulses: one on each rise, none after a disturbance, none twice, whatever is interrupted."""

import json
import math

import numpy as np
import pytest

from controller.commands import Verb
from simulators.biology.culture import Environment, Inflow, runge_kutta
from simulators.biology.ecoli_a import FEED_GLUCOSE, STRAIN, rates
from simulators.biology.ecoli_a import Coli as Model
from tests.control.feed_bench import ALL, FeedRig, feed_site, led, pumped, started

RESUMES = (("    on_bad_pv: safe\n    on_restart: safe\n\n", "    on_bad_pv: safe\n    on_restart: resume\n\n"),)
PULSE = {"dose": 5.0, "rate": 100.0, "rise": 10.0, "risen_for": 60.0, "lockout": 10.0}
LENGTH_S = 5.0 / 100.0 * 3600.0


def begin(rig, do=40.0, **more):
    rig.set(do=do)
    rig.run(60)
    assert rig.program("do_stat", **(PULSE | more)).applied
    rig.run(30)
    return rig


def pulses(rig):
    return rig.told("a pulse of")


def rise(rig, to=60.0, seconds=120, dt=10.0):
    rig.set(do=to)
    rig.run(round(seconds / dt), dt=dt)


def test_a_rise_that_stays_gives_one_pulse_of_its_dose():
    rig = begin(started())
    rig.set(do=60.0)
    rig.run(60)
    assert rig.device("feed_flow") == 0.0, "not risen for long enough"
    rig.run(30)
    assert rig.device("feed_flow") == 100.0
    rig.set(do=45.0)
    rig.run(round(LENGTH_S) + 60)
    assert rig.device("feed_flow") == 0.0
    assert rig.total == pytest.approx(5.0, rel=1e-3)
    assert len(pulses(rig)) == 1
    assert "a rise from 40.01 to 60" in pulses(rig)[0].text


def test_a_pulse_is_on_record_one_scan_before_it_is_pumped():
    rig = begin(started())
    rig.set(do=60.0)
    while not pulses(rig):
        rig.step()
    assert rig.device("feed_flow") == 0.0
    rig.step()
    assert rig.device("feed_flow") == 100.0


def test_a_rise_that_is_too_short_or_too_small_gives_none():
    rig = begin(started(), do=40.0)
    for _ in range(10):
        rise(rig, 60.0, 50)
        rise(rig, 40.0, 50)
    rise(rig, 49.0, 600)
    assert pulses(rig) == []


def test_never_a_second_pulse_on_the_same_rise():
    rig = begin(started(), patience=5.0)
    rise(rig, 60.0, 4 * 3600)
    assert len(pulses(rig)) == 1
    assert rig.total == pytest.approx(5.0, rel=1e-3)
    assert "has not fallen since the last pulse" in rig.waits
    assert [alarm["id"] for alarm in rig.scan.view().alarms] == ["BR-101.feed_waiting"]
    rig.set(do=54.0)
    rig.run(20)
    assert rig.waits == ""
    rise(rig, 65.0, 120)
    assert len(pulses(rig)) == 2


def test_a_value_that_goes_on_rising_after_a_pulse_is_the_same_rise():
    rig = begin(started())
    rise(rig, 60.0, 120)
    for do in np.arange(60.0, 95.0, 0.5):
        rise(rig, float(do), 60)
    assert len(pulses(rig)) == 1


def test_nothing_is_given_during_the_lock_out():
    rig = begin(started(), lockout=30.0)
    rise(rig, 60.0, 90)
    rise(rig, 40.0, round(LENGTH_S) + 60)
    rise(rig, 60.0, 20 * 60)
    assert len(pulses(rig)) == 1
    rise(rig, 60.0, 15 * 60)
    assert len(pulses(rig)) == 2


def test_no_more_than_so_many_in_an_hour():
    rig = begin(started(), lockout=0.1, most_per_hour=3.0, dose=0.5)
    times = []
    for _ in range(200):
        rise(rig, 60.0, 100)
        rise(rig, 40.0, 50)
        times += [rig.now] * (len(pulses(rig)) - len(times))
    assert len(times) >= 15
    assert min(later - one for one, later in zip(times, times[3:], strict=False)) >= 3600 - 100


def test_the_dose_is_exact_over_many_pulses_of_any_period():
    rig = begin(started(), lockout=0.1, most_per_hour=60.0)
    for number in range(8):
        for dt in (3.7, 7.3, 11.0):
            rise(rig, 60.0, 120, dt)
            rise(rig, 40.0, 300, dt)
        assert rig.total == pytest.approx(5.0 * len(pulses(rig)), abs=0.5), number
    assert len(pulses(rig)) == 24


@pytest.mark.parametrize(
    ("verb", "value", "disturbs"), [(Verb.OUTPUT, 40.0, True), (Verb.OUTPUT, 24.0, False), (Verb.SETPOINT, 60.0, True)]
)
def test_after_a_change_of_the_controllers_leg_or_aim_nothing_is_decided(verb, value, disturbs):
    rig = started()
    rig.mode("do", "manual")
    rig.step(rig.command(Verb.OUTPUT, "do", value=20.0))
    begin(rig, do=40.0, settle=10.0)
    assert rig.step(rig.command(verb, "do", value=value)).outcomes[0].applied
    rise(rig, 60.0, 9 * 60)
    assert (pulses(rig) == []) is disturbs
    rise(rig, 60.0, 10 * 60)
    assert (pulses(rig) == []) is disturbs, "the reference was taken anew"
    rise(rig, 40.0, 600)
    rise(rig, 60.0, 600)
    assert len(pulses(rig)) == (1 if disturbs else 2), "what rises afterwards is hunger again"


def test_after_another_feed_began_nothing_is_decided():
    other, output = led("shot", "shot_flow", 100, "constant"), pumped("shot_flow", 100)
    rig = begin(started(feed_site(outputs=output, loops=other)), settle=10.0)
    rig.program("constant", loop="shot", rate=50.0)
    rise(rig, 60.0, 300)
    assert pulses(rig) == []
    rise(rig, 60.0, 900)
    assert pulses(rig) == [], "the reference was taken anew"


def test_a_slow_rise_is_no_sign_of_hunger():
    rig = begin(started())
    for do in np.arange(40.0, 80.0, 0.1):
        rig.set(do=float(do))
        rig.step(dt=60.0)
    assert pulses(rig) == []


def test_without_a_value_there_is_no_pulse_and_an_alarm():
    rig = begin(started(), patience=5.0)
    rig.set(do=60.0)
    rig.run(50)
    rig.bad[rig.row("do")] = 3
    rig.run(600)
    assert pulses(rig) == []
    assert rig.waits == "waits for a valid value of The do that rises; nothing is fed"
    assert any(event.object == "BR-101.feed_waiting" for event in rig.events)
    rig.bad.clear()
    rig.run(50)
    assert pulses(rig) == [], "it has to stay risen without a break"
    rig.run(60)
    assert len(pulses(rig)) == 1


@pytest.mark.parametrize("how", ["setpoint", "auto", "off", "end"])
def test_what_is_interrupted_counts_as_given(how):
    rig = begin(started())
    rise(rig, 60.0, 100, 5.0)
    assert rig.device("feed_flow") == 100.0
    if how == "setpoint":
        rig.setpoint("feed", 0.0)
    elif how == "end":
        rig.order(Verb.PROGRAM, program=None)
    else:
        rig.mode("feed", how)
    rig.run(3)
    assert rig.device("feed_flow") == 0.0, "a pulse is no rate to go on with"
    given = rig.total
    assert 0.0 < given < 5.0
    if how == "end":
        return
    rig.mode("feed", "remote")
    for do in range(60, 90):
        rise(rig, float(do), 120)
    assert len(pulses(rig)) == 1, "it goes on rising: nobody knows what the pulse has done"
    assert rig.total == given


@pytest.mark.parametrize("change", [(), RESUMES])
def test_a_restart_in_a_pulse_gives_none_again(change):
    rig = begin(started(feed_site(change=change)))
    rise(rig, 60.0, 100, 5.0)
    assert rig.device("feed_flow") == 100.0
    state = json.loads(json.dumps(rig.scan.state(), allow_nan=False))
    given = rig.total
    again = FeedRig(rig.site)
    again.values, again.devices, again.now, again.journal = rig.values, rig.devices, rig.now + 30.0, rig.journal
    again.scan.restore(state, again.now, 30.0)
    kept = again.programs.runs[again.feed].memory
    assert (kept["step"], kept["left"], kept["spent"]) == (0.0, 0.0, 1.0), "settled before anything is read"
    again.run(3)
    assert again.device("feed_flow") == 0.0
    assert again.mode("feed", "remote").applied
    for do in range(60, 90):
        rise(again, float(do), 120)
    assert pulses(again) == []
    assert again.total == pytest.approx(given, abs=0.1)
    again.set(do=40.0)
    again.run(60)
    rise(again, 60.0, 120)
    assert len(pulses(again)) == 1, "a rise of its own is answered"


def test_ph_stat_feeds_on_a_rise_of_ph():
    rig = started()
    rig.set(ph=7.0)
    rig.run(90)
    assert rig.program("ph_stat", dose=2.0, rate=100.0, rise=0.05, risen_for=60.0).applied
    rig.run(30)
    rig.set(ph=7.1)
    rig.run(180)
    assert len(pulses(rig)) == 1


class Coli:
    """ECOLI-A in 2 L with a fixed transfer: DO rises within minutes when the glucose is used up."""

    def __init__(self, rig, period):
        self.rig, self.h = rig, period / 3600.0
        self.state, self.oxygen, self.volume = (2.7, 0.2, 0.24), 57.0, 2.0
        self.model = Model(STRAIN)

    def step(self):
        rig = self.rig
        flow = rig.device("feed_flow") / 1000.0
        rate = flow / self.volume
        here = Environment(37.0, 7.0, math.nan, self.oxygen)
        inflow = Inflow(rate, rate, 0.0)
        self.state = runge_kutta(lambda y: self.model.slope(y, here, inflow), self.state, self.h)
        self.state = tuple(max(y, 0.0) for y in self.state)
        self.volume += flow * self.h
        demand = rates(self.state[1], self.state[2], self.oxygen, STRAIN).oxygen * self.state[0] * 14000.0
        aim = 99.0 - demand / 400.0
        self.oxygen = max(aim + (self.oxygen - aim) * math.exp(-400.0 * self.h), 0.0)
        rig.set(do=self.oxygen)
        rig.step()
        return self.state[1]


@pytest.mark.timeout(60)
def test_do_stat_keeps_a_hungry_culture_fed():
    """On ECOLI-A: a pulse on each exhaustion, no glucose left standing, the dose on record is what was pumped."""
    period = 10.0
    rig = FeedRig(feed_site(ALL), period=period)
    rig.run(3)
    culture = Coli(rig, period)
    for _ in range(18):
        culture.step()
    outcome = rig.program("do_stat", dose=4.0, rate=240.0, rise=10.0, risen_for=30.0, lockout=2.0, most_per_hour=30.0)
    assert outcome.applied
    glucose = [culture.step() for _ in range(round(3 * 3600 / period))]
    given = len(pulses(rig))
    grown = culture.state[0] * culture.volume - 2.7 * 2.0
    fed = rig.total * FEED_GLUCOSE / 1000.0
    print(f"{given} pulses, {grown:.2f} g grown on {fed:.2f} g fed, most {max(glucose):.2f} g/L")
    assert given >= 5
    assert rig.total == pytest.approx(4.0 * given, abs=4.0)
    assert max(glucose[len(glucose) // 4 :]) < 4.0 * FEED_GLUCOSE / 2000.0 + 0.1
    assert 0.35 < grown / fed < 0.7
