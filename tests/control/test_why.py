"""Why an output is at its value: every kind of cause provoked, and what a scan copies for it."""

import json
import math
from dataclasses import replace

import numpy as np
import pytest

from controller.commands import Verb
from controller.explain.cause import Kind
from controller.explain.scene import Scene
from controller.explain.words import said
from controller.model.guards import Interlock
from controller.model.tuning import Schedule
from controller.stages.loop_state import Mode
from drivers.contract import Reason
from tests.control import why_bench as bench
from tests.control.tables import Tuning, loop, signal, site, straight
from tests.control.test_mixing import mixed_site
from tests.control.why_bench import HEAT, PLAIN, actual, causes, entry, jacket, led, one, ratio, warm, why

PROVOKED = {
    Kind.INTERLOCK: (bench.interlock, "interlock Culture too warm holds Heater at 0 % (temperature 38.60 > 38.50 Cel)"),
    Kind.DOSE_GUARD: (
        bench.dose_guard,
        " mL were given within 24 h, of 1 allowed)",
    ),
    Kind.UNREACHABLE: (bench.unreachable, "Heater cannot be reached"),
    Kind.DISOBEYED: (bench.disobeyed, "Heater reads back 40 % instead of"),
    Kind.REFUSED: (bench.refused, "Heater: its instrument refuses what is written (in local mode)"),
    Kind.RATE: (bench.rate, "Agitation is at 110 {rev}/min on its way to 300 {rev}/min: it moves at most 50"),
    Kind.RANGE: (bench.beyond_its_range, "pump ends at 50, 60 is asked"),
    Kind.PULSES: (bench.pulses, "pump is pulsed at 50: its mean is 12"),
    Kind.STEPS: (bench.steps, "pump moves in steps of 0.6: its mean is 2"),
    Kind.NO_VALUE: (bench.no_value, "Temperature: no valid value (stale): outputs at their safe values"),
    Kind.NOT_FOLLOWED: (bench.not_followed, "Jacket is in manual, so nothing follows"),
    Kind.MODE: (bench.setpoint, "in auto, by operator: warm up"),
    Kind.LIMIT: (bench.at_its_limit, "its highest output is 100 %: Heater at 100 %"),
    Kind.SLAVE_HELD: (bench.slave_without_its_value, "Jacket cannot follow: no valid value (device): output held"),
    Kind.SLAVE_LIMITED: (bench.slave_at_its_limit, "Jacket is at its highest output and cannot follow: the integral"),
    Kind.RESUMING: (bench.resuming, "it comes back from an interruption or another gain"),
    Kind.PARTS: (bench.in_parts, "P 12 + I "),
    Kind.GAP: (bench.in_its_gap, "rests: of 0.05 off the setpoint nothing counts, the gap is 0.1 wide"),
    Kind.SCHEDULE: (bench.scheduled, "by load at 12.0"),
    Kind.RATIO: (bench.ratio, "0.2 times wild 20.0 is 10"),
    Kind.DOSE: (bench.foaming, "above the setpoint for 3 s of the 5 s before a dose"),
    Kind.REACHED: (bench.station, "2.5 of 3.0 is reached"),
    Kind.INSTRUMENT: (bench.instrument, "the instrument's own controller: output 33.0"),
    Kind.RAMP: (bench.ramp, "asked for 25.0, works to 21.5 now: it moves at 0.5 1 per second"),
    Kind.SETPOINT_LIMIT: (bench.beyond_its_setpoints, "the program asks for 5000.0, the highest setpoint is 1000.0"),
    Kind.MASTER: (bench.master, "follows Dissolved oxygen, which asks for 60 {rev}/min"),
    Kind.PROGRAM: (bench.program, "a program asks for 23.5"),
    Kind.SETPOINT: (bench.setpoint, "setpoint 37.00 Cel, value 36.50 Cel"),
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


def test_a_gain_that_its_schedule_raises_is_no_interruption(rig):
    rig.set(weight=1008.0)
    rig.run(5)
    rig.mode("ph", "auto")
    rig.run(40)
    rig.set(ph=6.5)
    rig.run(60)
    told = causes(rig, "ph")
    assert "another gain" in told[Kind.RESUMING]["text"]
    assert "buffer" in told[Kind.SCHEDULE]["text"].lower()


def test_nothing_is_said_that_is_not_so(rig):
    """A loop that simply controls has no more to tell than its mode, its parts and its setpoint."""
    assert [cause["kind"] for cause in why(warm(rig))["reasons"]] == ["mode", "parts", "setpoint"]


def test_the_parts_add_up_to_what_is_wanted(rig, make_rig):
    for provoke in (bench.in_parts, bench.resuming, bench.in_its_gap, bench.scheduled, bench.at_its_limit):
        made, name = provoke(make_rig(), make_rig)
        parts = why(made, name)["parts"]
        whole = sum(parts[name] for name in ("p", "i", "d", "ff", "held_back"))
        assert whole == pytest.approx(parts["wanted"], abs=1e-9), provoke.__name__
        achieved = why(made, name)["output"]["achieved"]
        assert achieved == pytest.approx(min(max(parts["wanted"], parts["low"]), parts["high"]), abs=1e-9)
    assert why(bench.in_parts(rig, make_rig)[0], "V.warm")["parts"]["ff"] == 6.0
    assert why(bench.in_parts(rig, make_rig)[0], "V.warm")["parts"]["d"] > 0.0


def test_a_loop_that_does_not_act_has_no_parts(rig):
    warm(rig)
    rig.mode("temperature", "manual")
    rig.step(rig.command(Verb.OUTPUT, "temperature", value=20.0))
    assert why(rig)["parts"] is None
    assert "output by hand 20 %" in causes(rig)["mode"]["text"]
    assert why(rig, "air")["parts"] is None


def test_the_tuning_in_force_is_shown(rig, make_rig):
    tuning = why(bench.scheduled(rig, make_rig)[0], "V.warm")["tuning"]
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
    bench.interlock(rig, make_rig)
    for now in (38.6, 38.2):
        rig.set(temperature=now)
        rig.run(80)
        (condition,) = causes(rig)["interlock"]["conditions"]
        assert condition == {"live": f"temperature {now:.2f} < 38.00 Cel", "truth": "false", "then": "released"}
    rig.bad[rig.row("temperature")] = Reason.DEVICE
    rig.step()
    assert causes(rig)["interlock"]["conditions"][0]["truth"] == "unknown"


def guarded(make_rig, when, tables, **more):
    interlocks = (Interlock("V", "guard", "Guard", when, None, ((0, 5.0),), **more),)
    rig = make_rig(site=replace(tables, interlocks=interlocks))
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


@pytest.mark.parametrize(
    ("when", "live", "truth"),
    [
        ("feed.total < 40 mL", "not (feed.total 0.00 < 40.00 mL)", "false"),
        ("feed.left > 1.5 L", "not (feed.left 2.00 > 1.50 L)", "false"),
        ("feed.left > 1.5 L or temperature > 50 Cel", "feed.left", "false"),
    ],
)
def test_an_interlock_on_what_a_feed_gave_or_has_left_is_explained_with_its_value(make_rig, site, when, live, truth):
    feed = site.outputs.index["BR-101.feed_flow"]
    locks = (*site.interlocks, Interlock("BR-101", "given", "Given", when, None, ((feed, 0.0),)))
    rig = make_rig(site=replace(site, interlocks=locks))
    rig.run(3)
    (condition,) = causes(rig, "feed")["interlock"]["conditions"]
    assert condition["truth"] == truth
    assert live in condition["live"]
    assert "?" not in condition["live"]


def test_an_interlock_on_an_output_that_cannot_be_reached_says_that_it_cannot_act(rig, make_rig):
    bench.interlock(rig, make_rig)
    rig.lost = {"plc-101"}
    rig.run(2)
    assert causes(rig)["interlock"]["text"].endswith("but it cannot be reached")
    assert actual(rig) == ("held", "an output cannot be reached: holding")


def test_the_reason_of_a_lost_value_is_that_of_now(rig, make_rig):
    bench.no_value(rig, make_rig)
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


def test_a_slave_that_an_interlock_holds_is_told_to_whoever_asks_about_its_master(make_rig):
    lock = Interlock("V", "hot", "Too hot", "wall > 50", None, ((0, 0.0),))
    rig = jacket(make_rig, interlocks=(lock,))
    assert Kind.SLAVE_HELD not in causes(rig, "V.culture")
    rig.values[1] = 55.0
    rig.run(2)
    held = causes(rig, "V.culture")[Kind.SLAVE_HELD]
    assert held["text"].startswith("Jacket cannot follow: interlock Too hot holds heat at 0 ")
    assert held["numbers"] == {"actual": "tracking"}


def test_a_limit_names_the_slave_that_is_asked_for_its_end(make_rig):
    rig = jacket(make_rig)
    rig.values[0] = 10.0
    rig.run(20)
    assert "Jacket asked for 60.0" in causes(rig, "V.culture")["limit"]["text"]


def test_a_program_that_asks_for_nothing(make_rig):
    rig, name = led(make_rig, math.nan)
    assert causes(rig, name)["program"]["text"] == "no program asks for anything; stays at 25.0"
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
    assert causes(made, "V.flow")["master"]["text"] == "follows Share, which asks for nothing yet: stays at 0.0"
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


def test_a_dose_loop_tells_what_it_waits_for(rig, make_rig):
    rig, name = bench.foaming(rig, make_rig)

    def said_of():
        return causes(rig, name)["dose"]["text"]

    rig.run(4)
    assert said_of().startswith("gives a dose, for another ")
    rig.run(12)
    assert said_of().startswith("waits another ")
    rig.set(pressure=50.0)
    rig.run(60)
    assert said_of() == "no dose is needed"
    rig.set(pressure=150.0)
    rig.run(300)
    assert said_of() == "gives no more doses: so many had no effect"
    rig.bad[rig.row("pressure")] = Reason.DEVICE
    rig.run(2)
    assert "dose" not in causes(rig, name)
    assert "no_value" in causes(rig, name)


def test_a_program_is_named_and_says_what_it_waits_for(make_rig):
    rig, name = bench.fed(None, make_rig)
    assert causes(rig, name)["program"]["text"] == "the program Constant asks for 12.0 mL/h"
    rig.order(Verb.PROGRAM, wait=True)
    rig.run(2)
    assert causes(rig, name)["program"]["text"].endswith("but waits: told to wait")


def test_a_gas_mix_tells_how_much_of_a_station_it_reaches(make_rig):
    rig = make_rig(site=mixed_site())
    rig.devices.update(zip((1, 2, 3, 4), (120.0, 30.0, 0.0, 0.0), strict=True))
    rig.run(3)
    rig.setpoint("V.oxygen", 0.6)
    rig.setpoint("V.total", 400.0)
    rig.stuck = {1}
    rig.devices[1] = 0.0
    rig.run(20)
    assert "is reached by the gas mix" in causes(rig, "V.total")["reached"]["text"]
    assert actual(rig, "V.total")[0] == "tracking"


def test_an_output_that_a_guard_holds_is_not_said_to_be_on_its_way(rig, make_rig):
    rig, name = bench.pulses(rig, make_rig)
    rig.run(30)
    assert rig.scan.outputs.guards.held[0]
    assert {"rate", "pulses", "range"}.isdisjoint(causes(rig, name))
    assert actual(rig, name)[0] == "tracking"
    rig.step(replace(rig.command(Verb.GUARD_RESET, "V.pump"), reason="it is right"))
    assert actual(rig, name)[0] == "auto"
