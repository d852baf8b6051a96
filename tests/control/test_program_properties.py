"""Whatever a program is told and whatever it reads: no rate is negative, not a number, or above a limit."""

import json
import math

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from controller.commands import Verb
from drivers.contract import Reason
from tests.control.feed_bench import BALANCE, BIOMASS, GLUCOSE, MEDIUM, PERFUSION, FeedRig, feed_site

FEED = """\
    programs: [constant, table, exponential, by_count, by_glucose, do_stat, ph_stat]
    bottle: {volume: 500 mL, warn_at: 50 mL, weight: bottle_weight, density: 1.0 g/mL, on_empty: keep}
"""
SITE = feed_site(FEED, BALANCE + BIOMASS + GLUCOSE, MEDIUM, PERFUSION)
TAGS = ("do", "ph", "weight", "biomass", "glucose", "viable_density", "sample_number", "feed_total", "bottle_weight")
LOOPS = {"feed": "feed_flow", "perfusion": "medium_flow", "bleed": "bleed_flow"}
PROGRAMS = {
    name: (feed.name, {one.name: one for one in program.parameters})
    for feed in SITE.feeds.rows
    if feed.vessel == "BR-101"
    for name, program in feed.programs.items()
}

number = st.one_of(
    st.floats(allow_nan=True, allow_infinity=True), st.floats(-10.0, 400.0), st.sampled_from([0.0, -0.0, 1e-300, 1e300])
)


@st.composite
def begun(draw):
    """A program with parameters that are mostly possible."""
    name = draw(st.sampled_from(sorted(PROGRAMS)))
    loop, parameters = PROGRAMS[name]
    values = {}
    for one in parameters.values():
        if not one.needed and not one.points and draw(st.integers(0, 3)):
            continue
        if one.points:
            rates = draw(st.lists(st.floats(one.low, one.high), min_size=1, max_size=4))
            values[one.name] = [[3.0 * place, rate] for place, rate in enumerate(rates)]
        elif one.choices:
            values[one.name] = draw(st.sampled_from(one.choices))
        else:
            high = one.high if math.isfinite(one.high) else 1e6
            values[one.name] = draw(number if draw(st.integers(0, 19)) == 0 else st.floats(one.low, high))
    return ("begin", loop, (name, values))


action = st.one_of(
    begun(),
    st.tuples(st.just("value"), st.sampled_from(TAGS), number),
    st.tuples(st.just("bad"), st.sampled_from(TAGS), st.booleans()),
    st.tuples(st.just("wait"), st.integers(1, 20), st.one_of(st.floats(0.0, 600.0), st.just(36000.0))),
    st.tuples(st.just("mode"), st.sampled_from(sorted(LOOPS)), st.sampled_from(["remote", "auto", "off", "manual"])),
    st.tuples(st.just("setpoint"), st.sampled_from(sorted(LOOPS)), number),
    st.tuples(st.just("order"), st.sampled_from(sorted(LOOPS)), st.sampled_from([{"program": None}, {"wait": True}])),
    st.tuples(st.just("gives"), st.just(""), st.floats(0.0, 3.0)),
)


class Life:
    def __init__(self):
        self.rig = FeedRig(SITE)
        self.rig.set(do=50.0, ph=7.2, weight=1008.0, biomass=5.0, glucose=6.0, viable_density=2.0, bottle_weight=600.0)
        self.rig.run(3)

    def act(self, kind, what, value):
        rig = self.rig
        if kind == "wait":
            rig.run(what, dt=value)
        elif kind == "begin":
            name, parameters = value
            rig.step(rig.command(Verb.PROGRAM, what, program=name, parameters=parameters))
        elif kind == "order":
            rig.step(rig.command(Verb.PROGRAM, what, **value))
        elif kind == "gives":
            rig.gives = value
            rig.step()
        elif kind == "mode":
            rig.mode(what, value)
        elif kind == "setpoint":
            rig.setpoint(what, value)
        elif kind == "value":
            rig.set(**{what: value})
            rig.step()
        else:
            (rig.bad.__setitem__(rig.row(what), Reason.DEVICE) if value else rig.bad.pop(rig.row(what), None))
            rig.step()

    def check(self):
        rig, programs = self.rig, self.rig.programs
        for feed, rate in zip(programs.table.rows, programs.rate.tolist(), strict=True):
            assert math.isfinite(rate), feed.full_name
            assert 0.0 <= rate <= feed.most
        for row, run in enumerate(programs.runs):
            most = run.parameters["most"] if run else math.nan
            assert math.isnan(most) or programs.rate[row] <= most
        for name in LOOPS.values():
            assert 0.0 <= rig.device(name) <= rig.site.outputs.rows[rig.site.outputs.index[f"BR-101.{name}"]].high
        for total in programs.deliveries.account.total.tolist():
            assert math.isfinite(total)
            assert total >= 0.0
        assert ((programs.deliveries.balances.factor >= 0.8) & (programs.deliveries.balances.factor <= 1.2)).all()
        json.dumps(rig.scan.state(), allow_nan=False)


def live(actions):
    life = Life()
    for step in actions:
        life.act(*step)
        life.check()


@given(st.lists(action, max_size=20))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_no_rate_is_negative_not_a_number_or_above_a_limit(actions):
    live(actions)


@pytest.mark.soak
@pytest.mark.timeout(1200)
@given(st.lists(action, max_size=40))
@settings(max_examples=5000, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_no_rate_is_negative_not_a_number_or_above_a_limit_in_many_lives(actions):
    live(actions)
