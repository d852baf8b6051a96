"""Orders about tuning: start and stop an experiment, bring a tuning set into force, put the one before back."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

from controller.commands import Command, Event, Json, Outcome, Verb
from controller.frame import BAD, Frame
from controller.model.loops import Loop
from controller.model.site import Site
from controller.model.tuning import Tuning
from controller.stages.experiment import Experiment, Guards
from controller.stages.loop_state import Mode
from controller.stages.loops import Loops
from controller.stages.orders import Change, Refusal, recorded, refused
from controller.stages.relay import Relay
from controller.stages.step_test import StepTest
from controller.stages.tuner import Tuner
from controller.stages.tuning_sets import FIELDS, TuningSets, shown, summary, with_numbers

METHODS = ("relay", "step")
AMPLITUDE = 0.1
"""A share of the output's range."""
ASYMMETRY = 1.5
CYCLES = 4
LONGEST_S = 6.0 * 3600.0
NEAR_BAND = 0.8
"""A step test has gone far enough at this share of the way to the nearest end of the PV's band."""
OPTIONS: Mapping[str, tuple[float, float]] = {
    "amplitude": (1e-6, 1e9),
    "asymmetry": (1.0, 5.0),
    "cycles": (2.0, 20.0),
    "longest_s": (60.0, 48.0 * 3600.0),
    "pv_low": (-1e9, 1e9),
    "pv_high": (-1e9, 1e9),
}
"""The numbers that may come with an order to tune, and their limits."""
LIMITS: Mapping[str, tuple[float, float]] = {
    "gain": (-1e9, 1e9),
    "integral_time": (1e-3, 1e9),
    "derivative_time": (0.0, 1e9),
    "derivative_filter": (2.0, 20.0),
    "setpoint_weight": (0.0, 1.0),
    "derivative_weight": (0.0, 1.0),
    "tracking_time": (0.0, 1e9),
}
TUNABLE = {Mode.MANUAL, Mode.AUTO, Mode.REMOTE}


class TuningOrders:
    """Applies ``loop.tune``, ``loop.tune.stop`` and ``loop.tuning``; each is refused with its reason or takes effect in
    this scan. ``operation`` gives the operation that is active on a vessel.
    """

    def __init__(
        self, site: Site, loops: Loops, tuner: Tuner, sets: TuningSets, operation: Callable[[str], str]
    ) -> None:
        self._site, self._loops, self._tuner, self._sets, self._operation = site, loops, tuner, sets, operation
        self._verbs = {Verb.TUNE_START: self._start, Verb.TUNE_STOP: self._stop, Verb.TUNING: self._tuning}

    def apply(self, command: Command, frame: Frame) -> tuple[Outcome, Event]:
        """Act on one command; the event is for the record, whatever came of it."""
        try:
            row = self._row(command)
            change = self._verbs[command.verb](row, command, frame)
        except Refusal as refusal:
            return refused(command, str(refusal), refusal.allowed)
        self._loops.states[row].revision += 1
        self._loops.touch()
        return Outcome(command, applied=True), recorded(command, change)

    def _row(self, command: Command) -> int:
        row = self._loops.table.index.get(command.target)
        if row is None:
            raise Refusal(f"there is no loop {command.target}", *self._loops.table.index)
        loop, revision = self._loops.table.rows[row], self._loops.states[row].revision
        if loop.tuning is None:
            raise Refusal(f"{loop.title} is a {loop.type} loop: it has no controller to tune")
        if command.expected_revision not in {None, revision}:
            raise Refusal(f"{command.target} was changed meanwhile: it is at revision {revision} now")
        return row

    def _start(self, row: int, command: Command, frame: Frame) -> Change:
        loop = self._loops.table.rows[row]
        self._check_ready(row, loop)
        options = {name: number for name in OPTIONS if (number := _option(command, name)) is not None}
        method = command.value.get("method", METHODS[0])
        if method not in METHODS:
            raise Refusal(f"there is no method {method!r}", *METHODS)
        pv = self._pv(loop, frame)
        experiment = self._experiment(str(method), row, pv, options)
        if experiment.stage.over:
            raise Refusal(f"{loop.title}: {experiment.reason}")
        self._tuner.start(row, experiment, command.who)
        guards = experiment.guards
        band = f"the PV stays within {guards.pv_low:.5g} .. {guards.pv_high:.5g} {loop.unit}"
        text = f"{loop.title} auto-tune started ({method}) from {experiment.base:.5g} {loop.op_unit}; {band}"
        return Change(text, "Status Change", {"method": str(method), **options})

    def _check_ready(self, row: int, loop: Loop) -> None:
        """What is not at rest, not its own master or forbidden by the recipe is not tuned."""
        state, beside = self._loops.states[row], self._tuner.beside(row)
        reasons = (
            (self._tuner.running(row), "an auto-tune runs on it already"),
            (beside, f"{beside} of the same vessel is being tuned, and each would disturb the other"),
            (state.mode is Mode.CASCADE, "it follows another loop: tune it in auto, its master in manual"),
            (state.mode not in TUNABLE, f"it is in {state.mode.word}: bring it to rest in auto or manual first"),
            (state.suspended, state.suspended),
            (self._loops.limited[row] != 0.0, "its output is at a limit"),
            (not math.isfinite(self._loops.op[row]), "its output is not known"),
            (self._loops.detached(row), "none of the loops that it moves follows it"),
        )
        for broken, reason in reasons:
            if broken:
                raise Refusal(f"{loop.title} cannot be tuned now: {reason}")
        if forbidden := self._tuner.forbidden(loop.vessel, loop.name):
            raise Refusal(f"{loop.title} cannot be tuned now: {forbidden}")

    def _pv(self, loop: Loop, frame: Frame) -> float:
        pv, quality = self._loops.signals.now(loop.pv, frame)
        if quality >= BAD:
            raise Refusal(f"{loop.title} cannot be tuned now: its PV is Bad")
        return pv

    def _guards(self, row: int, pv: float, options: Mapping[str, float]) -> Guards:
        """Output within the leg that it is on, PV inside every alarm that counts now and inside what may be asked of
        the loop.
        """
        loop = self._loops.table.rows[row]
        operation = self._operation(loop.vessel)
        alarms = [
            one for one in self._site.alarms if one.tag == loop.pv and (not one.during or operation in one.during)
        ]
        limits = [(alarm.side, alarm.limit) for alarm in alarms]
        above = [limit for side, limit in limits if side == "above"]
        below = [limit for side, limit in limits if side == "below"]
        high = min(*above, loop.sp_high, options.get("pv_high", math.inf))
        low = max(*below, loop.sp_low, options.get("pv_low", -math.inf))
        if not low < pv < high:
            raise Refusal(f"{loop.title}: the PV ({pv:.6g}) is not inside {low:.6g} .. {high:.6g} {loop.unit}")
        op_low, op_high = _leg(loop, float(self._loops.op[row]))
        return Guards(op_low, op_high, low, high, options.get("longest_s", LONGEST_S), 10.0**-loop.decimals)

    def _experiment(self, method: str, row: int, pv: float, options: Mapping[str, float]) -> Experiment:
        loop, base = self._loops.table.rows[row], float(self._loops.op[row])
        guards = self._guards(row, pv, options)
        sense = self._sets.current[row].tuning.gain
        amplitude = options.get("amplitude", AMPLITUDE * (loop.op_high - loop.op_low))
        if method == "step":
            up = min(amplitude, guards.high - base) >= min(amplitude, base - guards.low)
            room = min(guards.pv_high - pv, pv - guards.pv_low)
            return StepTest(base, sense, guards, amplitude if up else -amplitude, NEAR_BAND * room)
        asymmetry, cycles = options.get("asymmetry", ASYMMETRY), int(options.get("cycles", CYCLES))
        return Relay(base, sense, guards, amplitude, asymmetry, cycles)

    def _stop(self, row: int, command: Command, frame: Frame) -> Change:
        del frame
        loop = self._loops.table.rows[row]
        if not self._tuner.running(row):
            raise Refusal(f"{loop.title} is not being tuned")
        self._tuner.stop(row, f"stopped by {command.who}")
        return Change(f"{loop.title} auto-tune stopped", "Status Change")

    def _tuning(self, row: int, command: Command, frame: Frame) -> Change:
        del frame
        loop, before = self._loops.table.rows[row], self._sets.current[row]
        if loop.schedule is not None:
            raise Refusal(f"{loop.title} is tuned by a schedule: change it in the vessel class")
        if command.value.get("undo") is True and len(command.value) == 1:
            tuning = self._replaced(row, loop)
        else:
            tuning = _changed(command, before.tuning, loop)
        now = self._sets.put(row, tuning, command.who, command.reason)
        text = f"{loop.title} tuning version {before.version} → {now.version}: "
        text += f"{summary(before.tuning, loop)} → {summary(tuning, loop)}"
        return Change(text, "Modification", shown(now), shown(before))

    def _replaced(self, row: int, loop: Loop) -> Tuning:
        replaced = self._sets.replaced.get(row)
        if replaced is None:
            raise Refusal(f"{loop.title} has had no other tuning: there is nothing to put back")
        return replaced.tuning


def _leg(loop: Loop, base: float) -> tuple[float, float]:
    """The part of the output's range in which ``base`` moves the same actuators."""
    if loop.together:
        return loop.op_low, loop.op_high
    inside = [leg for leg in loop.legs if leg.low <= base <= leg.high]
    return (inside[0].low, inside[0].high) if inside else (loop.op_low, loop.op_high)


def _option(command: Command, name: str) -> float | None:
    """A number that came with an order to tune; ``None`` when it did not."""
    if command.value.get(name) is None:
        return None
    return _number(name, command.value[name], OPTIONS[name])


def _changed(command: Command, before: Tuning, loop: Loop) -> Tuning:
    """The set that is asked for: what is not given stays."""
    unknown = [name for name in command.value if name not in FIELDS]
    if unknown or not command.value:
        raise Refusal(f"a tuning has no {unknown[0]!r}" if unknown else "a tuning needs its parameters", *FIELDS)
    given = {
        name: math.inf if name == "integral_time" and value is None else _number(name, value, LIMITS[name])
        for name, value in command.value.items()
    }
    tuning = with_numbers(before, given)
    if tuning.gain * before.gain <= 0.0:
        raise Refusal(
            f"{loop.title}: a gain of {tuning.gain:.6g} acts the other way round than the {before.gain:.6g} in force: "
            "the loop would run away"
        )
    return tuning


def _number(name: str, value: Json, limits: tuple[float, float]) -> float:
    """A finite number within its limits. Raises :class:`Refusal`."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise Refusal(f"{name} must be a number, not {value!r}")
    if not limits[0] <= value <= limits[1]:
        raise Refusal(f"{name} must be within {limits[0]:g} .. {limits[1]:g}, not {value:.6g}")
    return float(value)
