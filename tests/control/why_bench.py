"""A bench for what is said of loops: every kind of cause, provoked."""

import math
from dataclasses import replace

from controller.commands import Verb
from controller.model.doses import Dose, Guard, Pulse
from controller.model.loops import Loop, LoopTable, OutputTable
from controller.model.tuning import FeedForward, Gap, Schedule
from controller.stages.loop_state import Mode
from drivers.contract import Reason, WriteOutcome, WriteState
from tests.control.feed_bench import started
from tests.control.tables import Tuning, loop, site, straight

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


def jacket(make_rig, inner=HEAT, interlocks=(), **more):
    """A controller over a controller over one output."""
    rows = [
        loop("culture", sp=37.0, pv=0, tuning=Tuning(5.0, 2000.0, low=20.0, high=60.0),
             legs=straight(1, 20.0, 60.0, cascade=True)),
        loop("jacket", sp=30.0, low=10.0, high=80.0, pv=1, tuning=Tuning(4.0, 200.0), legs=straight(0), **more),
    ]  # fmt: skip
    rig = make_rig(site=site(["warm", "wall"], inner, rows, interlocks=interlocks))
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


def slave_without_its_value(rig, make_rig):
    rig = jacket(make_rig)
    rig.bad[1] = Reason.DEVICE
    rig.run(2)
    return rig, "V.culture"


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


def dose_guard(rig, make_rig):
    """A pH probe that shows 6.5 whatever is given, and a base pump that may give 1 mL."""
    ml = 3600.0
    limit = Guard(ml, 24.0 * 3600.0, math.inf, "mL", ml)
    rows = [row._replace(guard=limit) if row.name.endswith("base_flow") else row for row in rig.site.outputs.rows]
    rig = make_rig(site=replace(rig.site, outputs=OutputTable(tuple(rows))))
    rig.set(ph=6.5)
    rig.step()
    rig.mode("ph", "auto")
    while not rig.scan.outputs.guards.held.any():
        rig.step(dt=5.0)
    rig.step()
    return rig, "ph"


def pulses(rig, make_rig):
    """A pump that is set to 12 and pulsed at 50; what it may give is guarded, and it starts slowly."""
    guard = Guard(100.0, 86_400.0, math.inf, "mL", 100.0)
    limits = (0.0, 50.0, 0.0, {"pulse": Pulse(50.0, period=10.0), "guard": guard, "max_rate": 2.0})
    rig = make_rig(site=site([], {"pump": limits}, [loop("feed", "direct", sp=12.0, high=50.0, output=0)]))
    rig.step()
    rig.setpoint("V.feed", 12.0)
    rig.run(7)
    return rig, "V.feed"


def steps(rig, make_rig):
    """A pump that is set to 2 and moves in steps of 0.6."""
    limits = {"pump": (0.0, 50.0, 0.0, {"step": 0.6})}
    rig = make_rig(site=site([], limits, [loop("feed", "direct", sp=0.0, high=50.0, output=0)]))
    rig.step()
    rig.setpoint("V.feed", 2.0)
    return rig, "V.feed"


def foaming(rig, make_rig):
    """A foam probe that has been wet for 3 s."""
    bench = rig.site
    foam = Loop(
        "BR-101", "foam", "Foam", "dose", "mbar", 0, 100.0, 0.0, 200.0, pv=bench.tags.index["BR-101.pressure"],
        output=bench.outputs.index["BR-101.feed_flow"], op_low=0.0, op_high=300.0, op_unit="mL/h", on_bad_pv="safe",
        on_restart="resume", dose=Dose(True, 5.0, 3600.0, 300.0, 30.0, give_up=2),
    )  # fmt: skip
    feed = bench.loops.index["BR-101.feed"]
    rows = tuple(foam if row == feed else one for row, one in enumerate(bench.loops.rows))
    rig = make_rig(site=replace(bench, loops=LoopTable(rows)))
    rig.step()
    rig.mode("foam", "auto")
    rig.set(pressure=150.0)
    rig.run(4)
    return rig, "foam"


def fed(rig, make_rig):
    """A feed that a program leads."""
    rig = started()
    rig.program("constant", rate=12.0)
    rig.run(2)
    return rig, "feed"
