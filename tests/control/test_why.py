"""Why an output is at its value: every kind of cause provoked, every actual mode, and what a scan copies for it."""

import json
import math
from dataclasses import replace

import numpy as np
import pytest

from controller.commands import Verb
from controller.explain import Kind
from controller.explain.actual import ACTUAL
from controller.explain.cause import said
from controller.explain.scene import Scene
from controller.model.guards import Interlock
from controller.model.tuning import FeedForward, Gap, Schedule
from controller.stages.loop_state import Mode
from drivers.contract import Reason, WriteOutcome, WriteState
from tests.control.tables import Tuning, loop, signal, site, straight

PLAIN = Tuning(2.0, 50.0, low=0.0, high=100.0)
HEAT = {"heat": (0.0, 100.0, 0.0)}


def why(rig, name="temperature"):
    return rig.scan.view().why.loop(name if "." in name else f"BR-101.{name}")


def causes(rig, name="temperature"):
    return {cause["kind"]: cause for cause in why(rig, name)["reasons"]}


def actual(rig, name="temperature"):
    told = why(rig, name)
    return told["actual"], told["mode_reason"]


def entry(rig, name):
    return next(one for one in rig.scan.view().vessels[0]["loops"] if one["name"] == name)


def warm(rig, *names):
    rig.set(temperature=36.5, ph=7.2, do=50.0)
    rig.step()
    for name in names or ("temperature",):
        rig.mode(name, "auto", reason="warm up")
    rig.run(3)
    return rig


def interlock(rig, make_rig):
    warm(rig)
    rig.set(temperature=38.6)
    rig.run(30)
    return rig, "temperature"


def unreachable(rig, make_rig):
    warm(rig)
    rig.lost = {"plc-101"}
    rig.run(2)
    return rig, "temperature"


def disobeyed(rig, make_rig):
    warm(rig)
    row = rig.row("heater")
    rig.stuck, rig.devices[row] = {row}, 40.0
    rig.run(8)
    return rig, "temperature"


def refused(rig, make_rig):
    warm(rig)
    point = rig.site.tags.tags[rig.row("heater")].point
    rig.step(outcomes=[WriteOutcome(point, 5.0, WriteState.REFUSED, "in local mode")])
    return rig, "temperature"


def rate(rig, make_rig):
    rig.step()
    rig.mode("agitation", "manual")
    rig.step(rig.command(Verb.OUTPUT, "agitation", value=300.0))
    return rig, "agitation"


def beyond_its_range(rig, make_rig):
    rows = [loop("flow", "direct", sp=60.0, output=0, op_high=50.0)]
    rig = make_rig(site=site([], {"pump": (0.0, 50.0, 0.0)}, rows))
    rig.step()
    rig.setpoint("V.flow", 60.0)
    return rig, "V.flow"


def no_value(rig, make_rig):
    warm(rig)
    rig.bad[rig.row("temperature")] = Reason.STALE
    rig.run(3)
    return rig, "temperature"


def not_followed(rig, make_rig):
    rig = jacket(make_rig)
    rig.mode("V.jacket", "manual")
    rig.step()
    return rig, "V.culture"


def jacket(make_rig, inner=HEAT, **more):
    """A controller over a controller over one output."""
    rows = [
        loop("culture", sp=37.0, pv=0, tuning=Tuning(5.0, 2000.0, low=20.0, high=60.0),
             legs=straight(1, 20.0, 60.0, cascade=True)),
        loop("jacket", sp=30.0, low=10.0, high=80.0, pv=1, tuning=Tuning(4.0, 200.0), legs=straight(0), **more),
    ]  # fmt: skip
    rig = make_rig(site=site(["warm", "wall"], inner, rows))
    rig.values.update({0: 36.0, 1: 36.0})
    rig.step()
    for name in ("V.jacket", "V.culture"):
        rig.mode(name, "auto")
    rig.run(2)
    return rig


def at_its_limit(rig, make_rig):
    warm(rig)
    rig.set(temperature=30.0)
    rig.run(400)
    return rig, "temperature"


def slave_at_its_limit(rig, make_rig):
    rig = jacket(make_rig)
    rig.values[1] = 0.0
    rig.run(50)
    return rig, "V.culture"


def resuming(rig, make_rig):
    warm(rig)
    rig.set(temperature=36.9)
    rig.run(600)
    rig.bad[rig.row("temperature")] = Reason.DEVICE
    rig.run(5)
    rig.bad.clear()
    rig.run(2)
    return rig, "temperature"


def one(make_rig, pv=20.0, tuning=PLAIN, remote=math.nan, **more):
    rows = [loop("warm", sp=25.0, pv=0, tuning=tuning, legs=straight(0), **more)]
    rig = make_rig(site=site(["pv", "load"], HEAT, rows))
    rig.values.update({0: pv, 1: 12.0})
    rig.step()
    rig.mode("V.warm", "auto")
    rig.scan.loops.remote[0] = remote
    rig.run(2)
    return rig


def in_parts(rig, make_rig):
    tuning = replace(PLAIN, derivative_time=5.0)
    rig = one(make_rig, tuning=tuning, feed_forward=(FeedForward(1, 0.5),))
    rig.values[0] = 19.0
    rig.step()
    return rig, "V.warm"


def in_its_gap(rig, make_rig):
    return one(make_rig, pv=24.95, tuning=replace(PLAIN, gap=Gap(0.1))), "V.warm"


def scheduled(rig, make_rig):
    schedule = Schedule(1, (1.0, 100.0), (2.0, 0.2), (50.0, 500.0), (0.0, 0.0))
    return one(make_rig, schedule=schedule), "V.warm"


def ratio(rig, make_rig):
    rows = [loop("share", "ratio", sp=0.25, low=0.0, high=1.0, of=0, output=0, factor=2.0, op_high=50.0)]
    rig = make_rig(site=site(["wild"], {"flow": (0.0, 50.0, 0.0)}, rows))
    rig.values[0] = 20.0
    rig.step()
    rig.mode("V.share", "auto")
    return rig, "V.share"


def station(rig, make_rig):
    rig = make_rig(site=site(["pv"], {}, [loop("total", "station", sp=3.0)]))
    rig.step()
    rig.scan.loops.reached[0] = 2.5
    rig.step()
    return rig, "V.total"


def instrument(rig, make_rig):
    rows = [loop("warm", "remote", sp=25.0, pv=0, output=0, shows=(("output", 1),))]
    rig = make_rig(site=site(["pv", "power"], HEAT, rows))
    rig.values.update({0: 24.0, 1: 33.0})
    rig.run(2)
    return rig, "V.warm"


def ramp(rig, make_rig):
    rig = one(make_rig, sp_rate=0.5)
    return rig, "V.warm"


def led(make_rig, asks):
    rig = one(make_rig, remote=asks)
    rig.scan.loops.states[0].mode = Mode.REMOTE
    rig.scan.loops.touch()
    rig.step()
    return rig, "V.warm"


def beyond_its_setpoints(rig, make_rig):
    return led(make_rig, 5000.0)


def program(rig, make_rig):
    return led(make_rig, 23.5)


def master(rig, make_rig):
    return warm(rig, "do"), "agitation"


def setpoint(rig, make_rig):
    return warm(rig), "temperature"


PROVOKED = {
    Kind.INTERLOCK: (interlock, "interlock Culture too warm holds Heater at 0 % (temperature 38.60 > 38.50 Cel)"),
    Kind.UNREACHABLE: (unreachable, "Heater cannot be reached"),
    Kind.DISOBEYED: (disobeyed, "Heater reads back 40 % instead of"),
    Kind.REFUSED: (refused, "Heater: its instrument refuses what is written (in local mode)"),
    Kind.RATE: (rate, "Agitation is at 110 {rev}/min on its way to 300 {rev}/min: it moves at most 50"),
    Kind.RANGE: (beyond_its_range, "pump ends at 50, 60 is asked"),
    Kind.NO_VALUE: (no_value, "Temperature: no valid value (stale): outputs at their safe values"),
    Kind.NOT_FOLLOWED: (not_followed, "Jacket is in manual, so nothing follows"),
    Kind.MODE: (setpoint, "in auto, by operator: warm up"),
    Kind.LIMIT: (at_its_limit, "its highest output is 100 %: Heater at 100 %"),
    Kind.SLAVE_LIMITED: (slave_at_its_limit, "Jacket is at its highest output and cannot follow: the integral"),
    Kind.RESUMING: (resuming, "it comes back from an interruption"),
    Kind.PARTS: (in_parts, "P 12 + I "),
    Kind.GAP: (in_its_gap, "rests: of 0.05 off the setpoint nothing counts, the gap is 0.1 wide"),
    Kind.SCHEDULE: (scheduled, "by load at 12.0"),
    Kind.RATIO: (ratio, "0.2 times wild 20.0 is 10"),
    Kind.REACHED: (station, "2.5 of 3.0 is reached"),
    Kind.INSTRUMENT: (instrument, "the instrument's own controller: output 33.0"),
    Kind.RAMP: (ramp, "asked for 25.0, works to 21.5 now: it moves at 0.5 1 per second"),
    Kind.SETPOINT_LIMIT: (beyond_its_setpoints, "the program asks for 5000.0, the highest setpoint is 1000.0"),
    Kind.MASTER: (master, "follows Dissolved oxygen, which asks for 60 {rev}/min"),
    Kind.PROGRAM: (program, "a program asks for 23.5"),
    Kind.SETPOINT: (setpoint, "setpoint 37.00 Cel, value 36.50 Cel"),
}


def test_every_kind_of_cause_is_provoked():
    assert list(PROVOKED) == list(Kind)


@pytest.mark.parametrize("kind", Kind)
def test_u11_a_cause_is_named_with_its_numbers(rig, make_rig, kind):
    provoke, text = PROVOKED[kind]
    rig, name = provoke(rig, make_rig)
    told = why(rig, name)
    assert text in causes(rig, name)[kind]["text"]
    kinds = [Kind(cause["kind"]) for cause in told["reasons"]]
    assert kinds == sorted(kinds, key=list(Kind).index), "from the output back to the setpoint"
    json.dumps(told, allow_nan=False)


def test_nothing_is_said_that_is_not_so(rig):
    """A loop that simply controls has no more to tell than its mode, its parts and its setpoint."""
    assert [cause["kind"] for cause in why(warm(rig))["reasons"]] == ["mode", "parts", "setpoint"]


def test_the_parts_add_up_to_what_is_wanted(rig, make_rig):
    for provoke in (in_parts, resuming, in_its_gap, scheduled, at_its_limit):
        made, name = provoke(make_rig(), make_rig)
        parts = why(made, name)["parts"]
        whole = sum(parts[name] for name in ("p", "i", "d", "ff", "held_back"))
        assert whole == pytest.approx(parts["wanted"], abs=1e-9), provoke.__name__
        achieved = why(made, name)["output"]["achieved"]
        assert achieved == pytest.approx(min(max(parts["wanted"], parts["low"]), parts["high"]), abs=1e-9)
    assert why(in_parts(rig, make_rig)[0], "V.warm")["parts"]["ff"] == 6.0
    assert why(in_parts(rig, make_rig)[0], "V.warm")["parts"]["d"] > 0.0


def test_a_loop_that_does_not_act_has_no_parts(rig):
    warm(rig)
    rig.mode("temperature", "manual")
    rig.step(rig.command(Verb.OUTPUT, "temperature", value=20.0))
    assert why(rig)["parts"] is None
    assert "output by hand 20 %" in causes(rig)["mode"]["text"]
    assert why(rig, "air")["parts"] is None


def test_the_tuning_in_force_is_shown(rig, make_rig):
    tuning = why(scheduled(rig, make_rig)[0], "V.warm")["tuning"]
    expected = 2.0 * 10 ** -math.log(12.0, 100.0)
    assert tuning["gain"] == pytest.approx(expected)
    assert tuning["integral_time"] == pytest.approx(100.0 / expected)
    assert tuning["schedule"] == {"signal": "load", "at": 12.0, "unit": "1"}
    warm(rig)
    rig.scan.loops.retune(rig.loop("temperature"), Tuning(12.0, 600.0))
    rig.step()
    tuning = why(rig)["tuning"]
    assert (tuning["gain"], tuning["integral_time"], tuning["gain_unit"]) == (12.0, 600.0, "% per Cel")
    assert why(rig, "air")["tuning"] is None


def test_a_schedule_without_a_good_value_says_so(make_rig):
    schedule = Schedule(1, (1.0, 100.0), (2.0, 0.2), (50.0, 500.0), (0.0, 0.0))
    rows = [loop("warm", sp=25.0, pv=0, tuning=PLAIN, legs=straight(0), schedule=schedule)]
    rig = make_rig(site=site(["pv", "load"], HEAT, rows))
    rig.values[0], rig.bad[1] = 20.0, Reason.DEVICE
    rig.step()
    rig.mode("V.warm", "auto")
    assert "no good value of load yet" in causes(rig, "V.warm")["schedule"]["text"]


def test_u11_an_interlock_tells_what_it_waits_for_with_the_values_of_now(rig, make_rig):
    interlock(rig, make_rig)
    for now in (38.6, 38.2):
        rig.set(temperature=now)
        rig.run(40)
        (condition,) = causes(rig)["interlock"]["conditions"]
        assert condition == {"live": f"temperature {now:.2f} < 38.00 Cel", "truth": "false", "then": "released"}
    rig.bad[rig.row("temperature")] = Reason.DEVICE
    rig.step()
    assert causes(rig)["interlock"]["conditions"][0]["truth"] == "unknown"


def guarded(make_rig, when, bench, **more):
    interlocks = (Interlock("V", "guard", "Guard", when, None, ((0, 5.0),), **more),)
    rig = make_rig(site=replace(bench, interlocks=interlocks))
    rig.values.update({0: 20.0, 1: 12.0})
    rig.run(3)
    return rig


def bench_of_one():
    rows = [loop("warm", sp=25.0, pv=0, tuning=PLAIN, legs=straight(0))]
    return site(["pv", "load"], HEAT, rows)


@pytest.mark.parametrize(
    ("when", "live"),
    [
        ("pv > 10 1", "not (pv 20.00 > 10.00 1)"),
        ("warm.sp > 10 1", "not (warm.sp 25.00 > 10.00 1)"),
        ("warm.op < 10 %", "not (warm.op 5.00 < 10.00 %)"),
    ],
)
def test_an_interlock_without_a_release_ends_when_its_condition_does(make_rig, when, live):
    rig = guarded(make_rig, when, bench_of_one())
    condition = causes(rig, "V.warm")["interlock"]["conditions"][0]
    assert condition["truth"] == "false"
    assert condition["live"].replace(" 1)", ")") == live.replace(" 1)", ")")


def test_an_interlock_on_an_output_that_cannot_be_reached_says_that_it_cannot_act(rig, make_rig):
    interlock(rig, make_rig)
    rig.lost = {"plc-101"}
    rig.run(2)
    assert causes(rig)["interlock"]["text"].endswith("but it cannot be reached")
    assert actual(rig) == ("held", "an output cannot be reached: holding")


def test_an_interlock_that_could_not_be_decided_meanwhile_says_that_it_is_not_released(rig, make_rig):
    interlock(rig, make_rig)
    rig.set(temperature=38.2)
    rig.bad[rig.row("temperature")] = Reason.DEVICE
    rig.run(10)
    assert actual(rig)[1].endswith("(temperature 38.60 > 38.50 Cel)")
    rig.bad.clear()
    rig.run(30)
    assert actual(rig)[1].endswith("(not released: temperature 38.20 < 38.00 Cel)")


@pytest.mark.parametrize("mode", ["off", "manual", "auto", "out_of_service"])
def test_an_interlock_is_above_every_mode(rig, make_rig, mode):
    interlock(rig, make_rig)
    assert rig.mode("temperature", mode, reason="look").applied
    assert actual(rig)[0] == "tracking"
    assert entry(rig, "temperature")["mode"] == mode


def test_actual_modes_and_their_reasons(rig, make_rig):
    assert actual(rig) == ("held", "waiting for the outputs to be read")
    assert actual(warm(rig)) == ("auto", "warm up")
    assert actual(*no_value(make_rig(), make_rig)) == ("held", "no valid value (stale): outputs at their safe values")
    assert actual(*disobeyed(make_rig(), make_rig))[0] == "tracking"
    assert actual(*disobeyed(make_rig(), make_rig))[1].startswith("Heater reads back 40 % instead of ")
    assert actual(*not_followed(rig, make_rig)) == ("tracking", "Jacket is in manual, so nothing follows")
    made, name = not_followed(rig, make_rig)
    made.mode(name, "off")
    assert actual(made, name)[0] == "off"
    assert {"tracking", "held"} == set(ACTUAL)


def test_a_fallback_is_named_and_so_is_a_hold(rig, make_rig):
    for fallback, says in ((30.0, "output at 30 %"), (math.nan, "output held")):
        made = one(make_rig, fallback=fallback)
        made.bad[0] = Reason.DEVICE
        made.run(2)
        assert actual(made, "V.warm") == ("held", f"no valid value (device): {says}")


def test_the_reason_of_a_lost_value_is_that_of_now(rig, make_rig):
    no_value(rig, make_rig)
    rig.bad[rig.row("temperature")] = Reason.RANGE
    rig.run(2)
    assert "no valid value (range)" in causes(rig)["no_value"]["text"]


def test_one_of_several_legs_may_not_follow(rig):
    warm(rig, "do")
    rig.mode("agitation", "manual")
    rig.step()
    assert actual(rig, "do") == ("auto", "warm up")
    assert causes(rig, "do")["not_followed"]["text"] == "Agitation is in manual and does not follow"


def test_a_direct_slave_tells_its_own_setpoint_where_that_is_the_least(rig):
    warm(rig, "do")
    rig.setpoint("agitation", 90.0)
    rig.run(5)
    assert causes(rig, "agitation")["master"]["text"].endswith("its own setpoint of 90 {rev}/min is the least")


def test_a_slave_whose_master_is_off_says_so(rig):
    warm(rig, "do")
    rig.scan.loops.states[rig.loop("do")].mode = Mode.OFF
    rig.scan.loops.touch()
    rig.step()
    assert "follows Dissolved oxygen, which is off" in causes(rig, "agitation")["master"]["text"]


def test_a_limit_names_the_slave_that_is_asked_for_its_end(make_rig):
    rig = jacket(make_rig)
    rig.values[0] = 10.0
    rig.run(20)
    assert "Jacket asked for 60.0" in causes(rig, "V.culture")["limit"]["text"]


def test_a_program_that_asks_for_nothing(make_rig):
    rig, name = led(make_rig, math.nan)
    assert causes(rig, name)["program"]["text"] == "no program asks for anything: stays at 25.0"
    assert entry(rig, "warm")["held_by"] == "program"


def test_a_filtered_setpoint_and_a_loop_without_a_value(rig, make_rig):
    made = one(make_rig, sp_filter=40.0)
    made.setpoint("V.warm", 30.0)
    assert "through a filter of 40 s" in causes(made, "V.warm")["ramp"]["text"]
    rig.step()
    rig.mode("feed", "auto")
    assert causes(rig, "feed")["setpoint"]["text"] == "setpoint 0.0 mL/h"


def test_a_ratio_at_its_limit_and_an_output_as_its_signal(make_rig):
    rig, name = ratio(None, make_rig)
    rig.values[0] = 1000.0
    rig.step()
    assert causes(rig, name)["ratio"]["text"].endswith("is 500 %, its limit is 50 %")


def test_a_ratio_of_another_loops_setpoint_or_output(make_rig):
    outputs = {name: (0.0, 100.0, 0.0) for name in ("pump", "second", "third")}
    of = [signal(["pv"], outputs, ["flow", "share", "part"], name) for name in ("flow.sp", "share.op")]
    rows = [
        loop("flow", "direct", sp=40.0, output=0),
        loop("share", "ratio", sp=0.5, low=0.0, high=1.0, of=of[0], output=1),
        loop("part", "ratio", sp=0.5, low=0.0, high=1.0, of=of[1], output=2),
    ]
    rig = make_rig(site=site(["pv"], outputs, rows))
    rig.run(2)
    rig.setpoint("V.flow", 40.0)
    for name in ("V.share", "V.part"):
        rig.mode(name, "auto")
    rig.run(2)
    assert "times Flow 40.0 is 20 %" in causes(rig, "V.share")["ratio"]["text"]
    assert "times Share output 20.0 % is 10 %" in causes(rig, "V.part")["ratio"]["text"]


def test_what_is_not_known_is_not_made_up(rig, make_rig):
    rows = [loop("flow", "direct", sp=40.0, output=0), loop("share", "ratio", sp=0.5, low=0.0, high=1.0, of=0, slave=0)]
    made = make_rig(site=site(["wild"], {"pump": (0.0, 100.0, 0.0)}, rows))
    made.bad[0] = Reason.DEVICE
    made.step()
    made.mode("V.share", "auto")
    assert "ratio" not in causes(made, "V.share")
    assert causes(made, "V.share")["no_value"]["text"] == "wild: no valid value (device): output held"
    assert said(math.nan, "%") == "an unknown value"
    scene = Scene(rig.site, rig.scan.view().why.facts, rig.scan.view().why.numbers, 0)
    for name in ("nothing", "nothing.sp", "air.total"):
        value, quality = scene.read("BR-101", name)
        assert math.isnan(value)
        assert quality == 2


def test_a_station_that_is_reached_and_a_silent_instrument_say_nothing(make_rig):
    rig = make_rig(site=site(["pv"], {}, [loop("total", "station", sp=3.0)]))
    rig.run(2)
    assert "reached" not in causes(rig, "V.total")
    rig = make_rig(site=site(["pv"], HEAT, [loop("warm", "remote", sp=25.0, pv=0, output=0)]))
    rig.run(2)
    assert "instrument" not in causes(rig, "V.warm")


def test_off_says_what_the_outputs_do(rig):
    rig.step()
    assert "off: not yet switched on; outputs are left as they are" in causes(rig)["mode"]["text"]
    rig.mode("temperature", "auto")
    rig.mode("temperature", "off", reason="probe out")
    assert causes(rig)["mode"]["text"] == "off, by operator: probe out; outputs at their safe values"
    rig.mode("temperature", "out_of_service", reason="calibration")
    assert causes(rig)["mode"]["text"].startswith("out of service, by operator: calibration")


def test_a_mode_that_nobody_asked_for_is_marked_until_somebody_decides(make_rig):
    rows = [loop("warm", sp=25.0, pv=0, tuning=PLAIN, legs=straight(0), on_bad_pv="manual")]
    rig = make_rig(site=site(["pv"], HEAT, rows))
    rig.values[0] = 20.0
    rig.step()
    rig.mode("V.warm", "auto")
    assert not entry(rig, "warm")["unasked"]
    rig.bad[0] = Reason.STALE
    rig.run(2)
    told = entry(rig, "warm")
    assert (told["mode"], told["unasked"]) == ("manual", True)
    assert causes(rig, "V.warm")["mode"]["text"].startswith("in manual: no valid value (stale)")
    saved = json.loads(json.dumps(rig.scan.state()))
    again = make_rig(site=rig.site)
    again.scan.restore(saved, 5.0, 1.0)
    again.step()
    assert entry(again, "warm")["unasked"], "a restart does not decide for anybody"
    rig.mode("V.warm", "manual")
    assert not entry(rig, "warm")["unasked"]


def test_a_loop_in_manual_since_a_restart_is_marked(make_rig):
    rows = [replace(loop("warm", sp=25.0, pv=0, tuning=PLAIN, legs=straight(0)), on_restart="hold_output")]
    rig = make_rig(site=site(["pv"], HEAT, rows))
    rig.values[0] = 20.0
    rig.step()
    rig.mode("V.warm", "auto")
    again = make_rig(site=rig.site)
    again.scan.restore(json.loads(json.dumps(rig.scan.state())), 5.0, 1.0)
    again.values[0] = 20.0
    again.run(2)
    told = entry(again, "warm")
    assert (told["mode"], told["unasked"], told["mode_reason"]) == ("manual", True, "output held since the restart")


def test_what_would_be_refused_is_told_with_the_words_of_the_refusal(rig):
    rig.step()
    barred = entry(rig, "agitation")["barred"]
    assert set(barred) == {"output", "cascade"}
    assert rig.mode("agitation", "cascade").reason == barred["cascade"]
    assert rig.step(rig.command(Verb.OUTPUT, "agitation", value=1.0)).outcomes[0].reason == barred["output"]
    assert rig.mode("agitation", "out_of_service").reason == "Agitation goes out of service only with a reason"
    rig.mode("agitation", "out_of_service", reason="calibration")
    barred = entry(rig, "agitation")["barred"]
    assert set(barred) == {"setpoint", "output", "manual", "auto", "cascade"}
    for what in ("manual", "auto", "cascade"):
        assert rig.mode("agitation", what).reason == barred[what]
    assert rig.setpoint("agitation", 90.0).reason == barred["setpoint"]


def test_the_explanation_of_a_scan_stays_what_it_was(rig):
    warm(rig)
    first = rig.scan.view().why
    told = json.dumps(first.loop("BR-101.temperature"))
    rig.set(temperature=30.0)
    rig.setpoint("temperature", 35.0)
    rig.mode("temperature", "manual", reason="later")
    rig.scan.loops.retune(rig.loop("temperature"), Tuning(1.0, 10.0))
    rig.run(20)
    assert json.dumps(first.loop("BR-101.temperature")) == told
    assert first.loop("BR-101.temperature") != why(rig)
    with pytest.raises(KeyError):
        first.loop("BR-101.warmth")


def test_what_changes_in_every_scan_rebuilds_no_list(rig):
    rig.devices[rig.row("heater")] = 30.0
    warm(rig, "temperature", "ph", "do")
    before = rig.scan.view()
    noise = np.random.default_rng(4)
    for _ in range(30):
        rig.set(temperature=36.5 + 0.01 * noise.normal(), do=50.0 + 0.1 * noise.normal())
        rig.step()
        after = rig.scan.view()
    assert after.vessels is before.vessels
    assert after.why.facts is before.why.facts
    assert after.why.loop("BR-101.do")["parts"] != before.why.loop("BR-101.do")["parts"]
