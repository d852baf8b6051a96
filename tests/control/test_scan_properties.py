"""Whatever happens to the devices and whatever is commanded: limits hold, numbers stay numbers, nothing bumps."""

import json
import math

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from controller.commands import Verb
from drivers.contract import Reason

FIXTURE = [HealthCheck.function_scoped_fixture]  # it is a factory: nothing is shared between examples
LOOPS = ("temperature", "ph", "do", "agitation", "air", "feed")
TAGS = ("temperature", "ph", "do", "weight", "pressure", "feed_total", "agitation_rate")
LINKS = ("plc-101", "probes-101", "base-pump-101", "feed-pump-101")

number = st.one_of(st.floats(allow_nan=True, allow_infinity=True), st.floats(-150, 300))
MODES = ["off", "manual", "auto", "cascade", "out_of_service"]
action = st.one_of(
    st.tuples(st.just("setpoint"), st.sampled_from(LOOPS), number),
    st.tuples(
        st.just("mode"), st.sampled_from(LOOPS), st.sampled_from(["off", "manual", "auto", "cascade", "out_of_service"])
    ),
    st.tuples(st.just("output"), st.sampled_from(LOOPS), number),
    st.tuples(st.just("value"), st.sampled_from(TAGS), number),
    st.tuples(st.just("bad"), st.sampled_from(TAGS), st.booleans()),
    st.tuples(st.just("link"), st.sampled_from(LINKS), st.booleans()),
    st.tuples(st.just("forget"), st.sampled_from(("heater", "co2_flow", "air_flow", "o2_flow")), st.floats(0, 100)),
    st.tuples(st.just("wait"), st.integers(1, 30), st.one_of(st.floats(0.1, 10.0), st.just(700.0))),
)


class Life:
    def __init__(self, rig):
        self.rig = rig
        self.before = {}

    def act(self, kind, what, value):
        rig = self.rig
        if kind == "wait":
            rig.run(what, dt=value)
            return
        if kind == "value":
            rig.set(**{what: value})
        elif kind == "bad":
            (rig.bad.__setitem__(rig.row(what), Reason.DEVICE) if value else rig.bad.pop(rig.row(what), None))
        elif kind == "link":
            (rig.lost.add if value else rig.lost.discard)(what)
        elif kind == "forget":
            rig.devices[rig.row(what)] = value
        verb = {"setpoint": Verb.SETPOINT, "mode": Verb.MODE, "output": Verb.OUTPUT}.get(kind)
        if verb is None:
            rig.step()
        else:
            rig.step(rig.command(verb, what, **{"mode" if kind == "mode" else "value": value}))

    def check(self):
        rig = self.rig
        for row, value in rig.result.writes.items():
            tag = rig.site.tags.tags[row]
            assert tag.low <= value <= tag.high, tag.full_name
        targets = {
            name: rig.scan.outputs.target[rig.site.outputs.index[f"BR-101.{name}"]]
            for name in ("co2_flow", "base_flow")
        }
        assert not (targets["co2_flow"] > 0.0 and targets["base_flow"] > 0.0)
        loops = rig.scan.loops
        for loop, target in zip(loops.table.rows, loops.sp_target.tolist(), strict=True):
            assert loop.sp_low <= target <= loop.sp_high
        json.dumps(rig.scan.state(), allow_nan=False)
        rig.scan.view()


@given(st.lists(action, max_size=25))
@settings(max_examples=60, deadline=None, suppress_health_check=FIXTURE)
def test_p7_p19_limits_hold_and_numbers_stay_numbers(make_rig, actions):
    life = Life(make_rig())
    life.rig.step()
    for step in actions:
        life.act(*step)
        life.check()


@given(
    st.lists(action, max_size=12),
    st.sampled_from(LOOPS),
    st.lists(st.sampled_from(["manual", "auto"]), min_size=1, max_size=4),
)
@settings(max_examples=40, deadline=None, suppress_health_check=FIXTURE)
def test_p6_between_manual_and_auto_no_output_moves(make_rig, actions, loop, modes):
    rig = make_rig()
    rig.set(temperature=36.0, ph=7.3, do=45.0)
    rig.step()
    rig.mode(loop, "auto")
    life = Life(rig)
    for step in actions:
        life.act(*step)
    rig.bad.clear()
    rig.lost.clear()
    rig.set(temperature=36.0, ph=7.3, do=45.0, weight=1000.0, pressure=0.0, feed_total=0.0)
    rig.mode(loop, "auto")
    rig.run(50)
    row = rig.loop(loop)
    current = "auto"
    for mode in modes:
        before = rig.op(loop)
        rig.mode(loop, mode)
        if mode == current:
            continue
        current = mode
        drift = abs(rig.op(loop) - before)
        if rig.scan.loops.table.rows[row].type == "pid":
            assert math.isfinite(before)
            assert drift <= 1e-9
        else:
            assert drift <= 20.0 + 1e-9, "a direct loop goes on with its ramp"
        rig.run(3)
