"""Orders to programs: begin one, end it, let it wait, connect a bottle. Each is applied or refused with its reason."""

from __future__ import annotations

import math
from collections.abc import Mapping

from controller.commands import Command, Event, Json, Outcome, Verb
from controller.frame import Frame
from controller.model.programs import Parameter, Program
from controller.stages.loop_state import LoopState, Mode
from controller.stages.loops import Loops
from controller.stages.orders import Change, Refusal, recorded, refused
from controller.stages.programs.kind import Missing, Start
from controller.stages.programs.kinds import KINDS
from controller.stages.programs.programs import Programs
from controller.stages.programs.run import Numbers, Points, Run

MOST_POINTS = 500
"""Points that a table may have."""


class ProgramOrders:
    """Applies ``loop.program`` and ``loop.bottle``. What a command does, acts in the same scan."""

    def __init__(self, programs: Programs, loops: Loops) -> None:
        self._programs, self._loops = programs, loops

    def apply(self, command: Command, frame: Frame) -> tuple[Outcome, Event]:
        """Act on one command; the event is for the record, whatever came of it."""
        try:
            change = self._apply(command, frame)
        except Refusal as refusal:
            return refused(command, str(refusal), refusal.allowed)
        return Outcome(command, applied=True), recorded(command, change)

    def _apply(self, command: Command, frame: Frame) -> Change:
        table = self._programs.table
        row = table.index.get(command.target)
        if row is None:
            raise Refusal(f"{command.target} has no programs and no bottle", *table.index)
        state = self._loops.states[table.rows[row].loop]
        if command.expected_revision is not None and command.expected_revision != state.revision:
            raise Refusal(f"{command.target} was changed meanwhile: it is at revision {state.revision} now")
        if command.verb is Verb.BOTTLE:
            return self._bottle(row, command)
        change = self._program(row, command, frame)
        state.revision += 1
        state.held_by = "recipe" if command.source == "recipe" else "operator"
        self._loops.touch()
        return change

    def _program(self, row: int, command: Command, frame: Frame) -> Change:
        state = self._loops.states[self._programs.table.rows[row].loop]
        if state.mode is Mode.OUT_OF_SERVICE:
            raise Refusal(f"{command.target} is out of service ({state.reason}): set it to off first", "off")
        if "wait" in command.value:
            return self._wait(row, waits=command.value["wait"])
        name = command.value.get("program")
        if name is None:
            return self._end(row, command)
        feed, present = self._programs.table.rows[row], self._programs.runs[row]
        program = feed.programs.get(str(name))
        if program is None:
            raise Refusal(f"{feed.title} has no program {name!r}", *feed.programs)
        key = str(command.value.get("run", ""))
        if present is not None and key and (present.key, present.program.name) == (key, name):
            return self._go_on(row, present, command)
        run = make_run(program, command.value.get("parameters"), key)
        self._start(row, run, frame)
        self._enter(row, run, command)
        text = f"{feed.title}: program {name} begins" + _listed(run)
        value: dict[str, Json] = {"program": run.program.name, "parameters": run.shown()}
        return Change(text, "Mode Change", value, present.program.name if present else None)

    def _start(self, row: int, run: Run, frame: Frame) -> None:
        """Let the program take from the values of the moment what it needs. Raises :class:`Refusal`."""
        feed, programs = self._programs.table.rows[row], self._programs
        values, signals = programs.values(frame), run.program.signals
        fresh = bool(programs.samples.fresh(values)[row])
        seen = Numbers(
            {
                name: float(values[one.place]) * one.scale if fresh or not one.sampled else math.nan
                for name, one in signals.items()
            }
        )
        per_litre = 1.0 / (feed.hourly * feed.litres) if feed.is_flow else math.nan
        try:
            run.memory = KINDS[run.program.name].begin(Start(run.parameters, seen, per_litre))
        except Missing as missing:
            raise Refusal(f"program {run.program.name} cannot begin: {missing}") from None

    def _go_on(self, row: int, run: Run, command: Command) -> Change:
        """The same start is asked for again: the program goes on where it is."""
        title = self._programs.table.rows[row].title
        if not run.over:
            self._programs.save()
            run.frozen = False
            self._enter(row, run, command, anew=False)
        what = run.over or f"goes on at {self._programs.hours[row]:.4g} h"
        return Change(f"{title}: program {run.program.name} {what}", "Mode Change", {"program": run.program.name})

    def _enter(self, row: int, run: Run, command: Command, *, anew: bool = True) -> None:
        """Put the loop into mode remote, led by the program, from where its output is."""
        place = self._programs.table.rows[row].loop
        state: LoopState = self._loops.states[place]
        if state.mode < Mode.AUTO and math.isfinite(self._loops.op[place]):
            self._loops.setpoints.start(place, float(self._loops.op[place]))
        state.mode, state.claimed, state.adopt, state.saved_integral = Mode.REMOTE, True, False, math.nan
        state.reason = command.reason or f"program {run.program.name}, by {command.who}"
        if anew:
            self._programs.begin(row, run)
        else:
            self._programs.touch(row)

    def _end(self, row: int, command: Command) -> Change:
        """No program any more: the loop goes to automatic at the setpoint it has; one of pulses leaves nothing."""
        programs, place = self._programs, self._programs.table.rows[row].loop
        feed, run = programs.table.rows[row], programs.runs[row]
        if run is None:
            return Change(f"{feed.title}: there is no program to end", "Mode Change")
        keeps = float(self._loops.sp[place]) if KINDS[run.program.name].steady else 0.0
        programs.let_go(row, keeps, command.reason or f"program ended by {command.who}")
        return Change(f"{feed.title}: program {run.program.name} ends", "Mode Change", None, run.program.name)

    def _wait(self, row: int, *, waits: Json) -> Change:
        """Let the program's time stand still at the rate it has, or go on."""
        programs = self._programs
        title, run = programs.table.rows[row].title, programs.runs[row]
        if run is None or run.over:
            raise Refusal(f"{title} has no program that could wait")
        if not isinstance(waits, bool):
            raise Refusal("wait is true or false", "true", "false")
        programs.save()
        run.frozen = waits
        programs.touch(row)
        what = "waits at the rate it has" if waits else "goes on"
        return Change(f"{title}: program {run.program.name} {what}", "Mode Change", waits)

    def _bottle(self, row: int, command: Command) -> Change:
        """A new bottle is connected, full unless its volume is told."""
        feed = self._programs.table.rows[row]
        if feed.bottle is None:
            raise Refusal(f"{feed.title} has no bottle")
        given = command.value.get("volume")
        volume = feed.bottle.volume if given is None else finite(given, "volume")
        if not 0.0 < volume <= feed.bottle.volume:
            raise Refusal(f"volume must be within 0 .. {feed.bottle.volume:.6g} {feed.amount}, not {volume:.6g}")
        previous = float(self._programs.deliveries.bottles.left[row])
        self._programs.deliveries.fill(row, volume)
        text = f"{feed.title}: a bottle with {volume:.6g} {feed.amount} is connected"
        return Change(text, "Modification", volume, previous, feed.amount)


def make_run(program: Program, given: Json, key: str = "") -> Run:
    """A program with its parameters: all known, finite, within their limits. Raises :class:`Refusal` with what is
    allowed instead.
    """
    if given is not None and not isinstance(given, dict):
        raise Refusal("parameters are numbers by name", *map(_allowed, program.parameters))
    values: Mapping[str, Json] = given or {}
    known = {one.name: one for one in program.parameters}
    for name in values:
        if name not in known:
            raise Refusal(f"program {program.name} has no parameter {name!r}", *map(_allowed, program.parameters))
    numbers = Numbers()
    points: Points = ()
    for name, one in known.items():
        value = values.get(name)
        if one.points:
            points = _points(one, value)
        else:
            numbers[name] = _choice(one, value) if one.choices else _number(one, value)
    if points and one_word(program, numbers, "at_end") == "stop":
        numbers["end_after"] = min(
            points[-1][0], float("inf") if math.isnan(numbers["end_after"]) else numbers["end_after"]
        )
    return Run(program, numbers, points, key)


def one_word(program: Program, numbers: Numbers, name: str) -> str:
    """A word among the parameters, "" when there is no such choice."""
    return Run(program, numbers).word(name)


def finite(value: Json, what: str) -> float:
    """A finite number. Raises :class:`Refusal`."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise Refusal(f"{what} must be a number, not {value!r}")
    return float(value)


def _number(one: Parameter, value: Json) -> float:
    if value is None:
        if one.needed:
            raise Refusal(f"{one.name} is missing", _allowed(one))
        return math.nan if one.default is None else one.default
    return _within(one, finite(value, one.name))


def _within(one: Parameter, number: float) -> float:
    if not one.low <= number <= one.high:
        limits = f"{one.low:.6g} .. {one.high:.6g} {one.unit}"
        raise Refusal(f"{one.name} must be within {limits}, not {number:.6g}", _allowed(one))
    return number


def _choice(one: Parameter, value: Json) -> float:
    if value is None:
        return 0.0
    if value not in one.choices:
        raise Refusal(f"{one.name} has no {value!r}", *one.choices)
    return float(one.choices.index(str(value)))


def _points(one: Parameter, value: Json) -> Points:
    """The points of a table: hours from 0 on, in order, and their rates."""
    if not isinstance(value, list) or not 0 < len(value) <= MOST_POINTS:
        raise Refusal(f"{one.name} must be 1 to {MOST_POINTS} pairs of an hour and a rate", _allowed(one))
    points: list[tuple[float, float]] = []
    for pair in value:
        if not isinstance(pair, list) or len(pair) != 2:
            raise Refusal(f"{one.name} must be pairs of an hour and a rate", _allowed(one))
        hour, rate = finite(pair[0], "an hour"), _within(one, finite(pair[1], "a rate"))
        if hour < 0.0 or (points and hour <= points[-1][0]):
            raise Refusal(
                f"{one.name} must be in the order of their hours, from 0 on; {hour:.6g} h is not", _allowed(one)
            )
        points.append((hour, rate))
    return tuple(points)


def _allowed(one: Parameter) -> str:
    """A parameter as a refusal names it: ``growth_rate: 0.02 .. 0.3 h-1``."""
    if one.choices:
        return f"{one.name}: {' or '.join(one.choices)}"
    high = f".. {one.high:.6g} " if math.isfinite(one.high) else "or more "
    return f"{one.name}: {one.low:.6g} {high}{one.unit}" + (" at each hour" if one.points else "")


def _listed(run: Run) -> str:
    """The parameters for the record."""
    units = {one.name: one.unit for one in run.program.parameters if not one.choices}
    shown = [
        f"{name} {value:.6g} {units.get(name, '')}".rstrip()
        for name, value in run.shown().items()
        if isinstance(value, int | float)
    ]
    return f" ({', '.join(shown)})" if shown else ""
