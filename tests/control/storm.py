"""A vessel with every kind of loop, and an operator who does anything at any time while instruments fail."""

import numpy as np

from controller.commands import Verb
from controller.model.guards import Interlock
from controller.model.tuning import FeedForward, Gap, Schedule
from controller.stages.loop_state import Mode
from drivers.contract import Reason
from tests.control.tables import Leg, Tuning, loop, signal, site

PVS = ["temperature", "jacket", "ph", "do", "air_measured", "load", "kla", "pressure"]
OUTPUTS = {
    "heater": (0.0, 100.0, 0.0),
    "cooling": (0.0, 100.0, 0.0),
    "acid": (0.0, 50.0, 0.0),
    "base": (0.0, 60.0, 0.0, {"max_rate": 5.0}),
    "n2": (0.0, 500.0, 0.0),
    "stirrer": (0.0, 300.0, 60.0, {"max_rate": 20.0}),
    "o2": (0.0, 500.0, 0.0),
    "air": (0.0, 500.0, 50.0),
    "co2": (0.0, 200.0, 0.0),
}
OUT = {name: row for row, name in enumerate(OUTPUTS)}
LOOPS = ["temperature", "jacket", "ph", "do", "stirring", "air", "co2_share", "middle"]
AT = {name: row for row, name in enumerate(LOOPS)}
MODES = ["off", "manual", "auto", "cascade", "out_of_service"]
ACTUATORS = {"stirring", "air"}
TUNABLE = ["temperature", "jacket", "ph", "middle"]
BUMPLESS = {"manual", "auto", "cascade"}
TICK = 1e-13
TRAVEL = {"temperature": (30.0, 45.0), "jacket": (10.0, 70.0), "ph": (6.0, 8.5), "do": (0.0, 150.0), "kla": (1.0, 60.0)}


def rows():
    of_do = signal(PVS, OUTPUTS, LOOPS, "do.op")
    kla = Schedule(PVS.index("kla"), (3.0, 12.0, 48.0), (2.0, 1.0, 0.3), (600.0, 300.0, 150.0), (0.0, 0.0, 0.0))
    return [
        loop("temperature", sp=37.0, low=4.0, high=40.0, pv=0, sp_rate=0.05, on_bad_pv="hold", sp_filter=20.0,
             tuning=Tuning(8.0, 900.0, 60.0, setpoint_weight=0.4, low=10.0, high=60.0),
             legs=(Leg(AT["jacket"], 10.0, 60.0, 10.0, 60.0, cascade=True),)),
        loop("jacket", sp=30.0, low=5.0, high=65.0, pv=1, on_bad_pv="safe",
             tuning=Tuning(4.0, 120.0, 5.0, low=-100.0, high=100.0, derivative_weight=0.3),
             legs=(Leg(OUT["cooling"], -100.0, 0.0, 100.0, 0.0), Leg(OUT["heater"], 0.0, 100.0, 0.0, 100.0))),
        loop("ph", sp=7.2, low=6.0, high=8.0, pv=2, on_bad_pv="manual", fallback=0.0,
             tuning=Tuning(250.0, 1800.0, gap=Gap(0.02, 0.02, 0.1, 0.01), low=-100.0, high=100.0),
             feed_forward=(FeedForward(PVS.index("load"), 2.0, washout=60.0),),
             legs=(Leg(OUT["acid"], -100.0, 0.0, 50.0, 0.0), Leg(OUT["base"], 0.0, 100.0, 0.0, 60.0))),
        loop("do", sp=50.0, low=0.0, high=150.0, pv=3, on_bad_pv="hold", fallback=40.0, schedule=kla,
             tuning=Tuning(1.0, 300.0, tracking_time=30.0),
             legs=(Leg(OUT["n2"], 0.0, 25.0, 200.0, 0.0), Leg(AT["stirring"], 25.0, 60.0, 60.0, 180.0, cascade=True),
                   Leg(OUT["o2"], 60.0, 100.0, 0.0, 200.0))),
        loop("stirring", "direct", sp=60.0, low=0.0, high=200.0, sp_rate=20.0, output=OUT["stirrer"], op_high=300.0),
        loop("air", "direct", sp=50.0, low=0.0, high=500.0, output=OUT["air"], op_high=500.0),
        loop("co2_share", "ratio", sp=0.1, low=0.0, high=0.4, of=4, output=OUT["co2"], op_high=200.0),
        loop("middle", sp=50.0, low=0.0, high=100.0, pv=of_do, tuning=Tuning(-0.1, 500.0, low=0.0, high=500.0),
             legs=(Leg(AT["air"], 0.0, 500.0, 0.0, 500.0, cascade=True),)),
    ]  # fmt: skip


INTERLOCKS = (
    Interlock("V", "hot", "Too warm", "temperature > 38.5", "temperature < 38", ((OUT["heater"], 0.0),)),
    Interlock("V", "blocked", "Blocked", "pressure > 200", None, ((OUT["o2"], 0.0), (OUT["air"], 0.0)), "keep"),
)


class Storm:
    """One vessel's life under random actions; every scan is checked. Raises ``AssertionError`` with the case."""

    def __init__(self, make_rig, seed):
        self.rng = np.random.default_rng(seed)
        self.rig = make_rig(site=site(PVS, OUTPUTS, rows(), interlocks=INTERLOCKS))
        self.start = {"temperature": 36.5, "jacket": 37.0, "ph": 7.25, "do": 48.0, "air_measured": 50.0, "kla": 12.0}
        self.rig.values.update({PVS.index(name): self.start.get(name, 0.0) for name in PVS})
        self.rig.step()
        self.before = self.rig.scan.outputs.actual.copy()
        self.switches = self.retunings = 0

    def live(self, cases):
        """So many actions, a scan after each."""
        for _ in range(cases):
            kind = self.rng.choice(6, p=[0.25, 0.2, 0.1, 0.35, 0.05, 0.05])
            (self.switch, self.ask, self.put, self.move, self.fail, self.retune)[kind]()

    def name(self):
        return LOOPS[self.rng.integers(len(LOOPS))]

    def switch(self):
        """Change a mode while nothing else moves: the output must not step where the mode keeps it."""
        name, mode = self.name(), MODES[self.rng.choice(5, p=[0.08, 0.4, 0.4, 0.1, 0.02])]
        row = AT[name]
        loops, before = self.rig.scan.loops, self.rig.op(f"V.{name}")
        state, table = loops.states[row], loops.table.rows[row]
        was, suspended, sp = state.mode.word, state.suspended, float(loops.sp[row])
        forced = self.rig.scan.interlocks.forced.copy()
        outcome = self.scan(self.rig.command(Verb.MODE, f"V.{name}", mode=mode), dt=TICK).outcomes[0]
        kept = outcome.applied and not suspended and not state.suspended and state.mode.word == mode != was
        kept = kept and np.array_equal(forced, self.rig.scan.interlocks.forced, equal_nan=True)
        if name in ACTUATORS and mode != "manual":  # beyond its setpoint limits it has to come back
            least = table.sp_low if mode == "auto" else loops.sp_target[row]
            kept = kept and least <= before <= table.sp_high
        if name == "jacket" and mode == "cascade":  # its master asks for what it can ask for
            kept = kept and 10.0 <= sp <= 60.0
        if kept and {was, mode} <= BUMPLESS and name != "co2_share":
            self.switches += 1
            step = abs(self.rig.op(f"V.{name}") - before)
            ramp = 1.1e-9 * table.sp_rate if name == "stirring" else 0.0
            assert step <= 1e-9 + ramp, (name, was, mode, before, self.rig.op(f"V.{name}"))

    def retune(self):
        """Another tuning, or the one before, while nothing else moves: no output moves by it."""
        name = TUNABLE[self.rng.integers(len(TUNABLE))]
        draw, gain = self.rng.uniform, self.rig.site.loops.rows[AT[name]].tuning.gain
        value = {"gain": gain * 10.0 ** draw(-1.0, 1.0), "integral_time": 10.0 ** draw(1.0, 4.0),
                 "derivative_time": draw(0.0, 60.0), "setpoint_weight": draw(0.0, 1.0)}  # fmt: skip
        before, state = self.rig.op(f"V.{name}"), self.rig.scan.loops.states[AT[name]]
        acts = state.mode > Mode.MANUAL and not state.suspended
        forced = self.rig.scan.interlocks.forced.copy()
        order = {"undo": True} if self.rng.random() < 0.3 else value
        outcome = self.scan(self.rig.command(Verb.TUNING, f"V.{name}", **order), dt=TICK).outcomes[0]
        same = np.array_equal(forced, self.rig.scan.interlocks.forced, equal_nan=True)
        if outcome.applied and acts and not state.suspended and same:
            self.retunings += 1
            assert abs(self.rig.op(f"V.{name}") - before) <= 1e-9, (name, order, before, self.rig.op(f"V.{name}"))

    def ask(self):
        name = self.name()
        table = self.rig.site.loops.rows[AT[name]]
        wide = self.rng.uniform(-0.2, 1.2)
        value = table.sp_low + wide * (table.sp_high - table.sp_low)
        self.scan(self.rig.command(Verb.SETPOINT, f"V.{name}", value=float(value)))

    def put(self):
        name = self.name()
        table = self.rig.site.loops.rows[AT[name]]
        value = self.rng.choice([self.rng.uniform(table.op_low - 10, table.op_high + 10), np.nan, 1e300])
        self.scan(self.rig.command(Verb.OUTPUT, f"V.{name}", value=float(value)))

    def move(self):
        name = list(TRAVEL)[self.rng.integers(len(TRAVEL))]
        low, high = TRAVEL[name]
        at = PVS.index(name)
        step = self.rng.normal() * (high - low) * self.rng.choice([0.01, 0.3])
        self.rig.values[at] = float(np.clip(self.rig.values[at] + step, low, high))
        self.rig.values[PVS.index("load")] = float(self.rng.uniform(0, 20))
        self.rig.values[PVS.index("pressure")] = float(self.rng.choice([0.0, 300.0], p=[0.95, 0.05]))
        self.scan(dt=float(self.rng.choice([0.1, 1.0, 7.0, 700.0], p=[0.2, 0.7, 0.08, 0.02])))

    def fail(self):
        at = int(self.rng.integers(len(PVS)))
        what = self.rng.choice(4)
        if what == 0:
            self.rig.bad[at] = Reason.DEVICE
        elif what == 1:
            self.rig.values[at] = float(self.rng.choice([np.nan, np.inf, -np.inf, 1e300]))
        elif what == 2:
            self.rig.lost.add("plc")
        self.scan()
        if what:
            self.rig.lost.clear()
            self.rig.bad.clear()
            self.rig.values[at] = self.start.get(PVS[at], 0.0)
            self.scan()

    def scan(self, *commands, dt=1.0):
        """One scan, and what must always hold."""
        result = self.rig.step(*commands, dt=dt)
        outputs = self.rig.scan.outputs
        table, actual = outputs.table, outputs.actual
        for tag, value in result.writes.items():
            row = table.row_of_tag[tag]
            assert table.low[row] <= value <= table.high[row]
        assert np.isfinite(actual).all()
        acid, base = actual[OUT["acid"]], actual[OUT["base"]]
        target = outputs.target
        assert not (target[OUT["acid"]] > 0.0 and target[OUT["base"]] > 0.0), (acid, base)
        assert not (target[OUT["heater"]] > 0.0 and target[OUT["cooling"]] > 0.0)
        moved = np.abs(actual - self.before)
        at_once = outputs.stopped | ~np.isnan(self.rig.scan.interlocks.forced)
        limited = np.isfinite(table.max_rate) & outputs.ready & ~outputs.returned & ~at_once
        assert (moved[limited] <= table.max_rate[limited] * max(dt, 1e-3) + 1e-9).all()
        self.before = actual.copy()
        assert np.isfinite(self.rig.scan.loops.op).all()
        return result
