"""Orders: commands to loops and to outputs that are written once. Each is applied or refused with its reason.

A setpoint outside its limits is refused, never clamped; so is a command that was made on an outdated view.
"""

from __future__ import annotations

import math
from typing import NamedTuple

from controller.commands import Command, Event, EventType, Json, Outcome, Verb
from controller.frame import BAD, Frame
from controller.model.loops import Loop, LoopTable
from controller.model.site import Site
from controller.stages.barred import Bar, mode_bar, output_bar, setpoint_bar
from controller.stages.loop_state import LoopState, Mode
from controller.stages.loops import Loops
from drivers.contract import Reason

ACTUATORS = {"direct", "remote"}
"""Loops whose setpoint is written as it is: what they were brought to by hand is their setpoint when they go on."""


class Change(NamedTuple):
    """What an applied command changed, for the record."""

    text: str
    subtype: str
    value: Json = None
    previous: Json = None
    unit: str = ""


class Refusal(Exception):
    """A command that is refused; ``allowed`` are what would be accepted instead."""

    def __init__(self, reason: str, *allowed: str) -> None:
        super().__init__(reason)
        self.allowed = allowed


class Orders:
    """Applies commands between scans' judging and control. ``once`` collects the writes of outputs that are written by
    command only, by tag row, until :meth:`take_once`.
    """

    def __init__(self, site: Site, loops: Loops) -> None:
        self._site = site
        self._loops = loops
        self._once: dict[int, float] = {}
        self._verbs = {Verb.SETPOINT: self._setpoint, Verb.MODE: self._mode, Verb.OUTPUT: self._output}

    def apply(self, command: Command, frame: Frame) -> tuple[Outcome, Event]:
        """Act on one command; the event is for the record, whatever came of it."""
        try:
            change = (
                self._write_once(command, frame) if command.verb == Verb.WRITE_ONCE else self._on_loop(command, frame)
            )
        except Refusal as refusal:
            return refused(command, str(refusal), refusal.allowed)
        return Outcome(command, applied=True), recorded(command, change)

    def take_once(self) -> dict[int, float]:
        """The single writes to send in this scan; they are never given out again."""
        taken, self._once = self._once, {}
        return taken

    def _on_loop(self, command: Command, frame: Frame) -> Change:
        row = self._loops.table.index.get(command.target)
        if row is None:
            raise Refusal(f"there is no loop {command.target}", *self._loops.table.index)
        state = self._loops.states[row]
        if command.expected_revision is not None and command.expected_revision != state.revision:
            raise Refusal(f"{command.target} was changed meanwhile: it is at revision {state.revision} now")
        change = self._verbs[command.verb](row, command, frame)
        state.revision += 1
        holder = "recipe" if command.source == "recipe" else "operator"
        if holder != state.held_by and command.verb != Verb.MODE:
            state.reason = command.reason or f"set by {command.who}"
        state.held_by = holder
        self._loops.touch()
        return change

    def _setpoint(self, row: int, command: Command, frame: Frame) -> Change:
        del frame
        loops, loop, state = self._loops, self._loops.table.rows[row], self._loops.states[row]
        value = within(command, loop.sp_low, loop.sp_high, loop.unit, f"{loop.title} setpoint")
        _unless(setpoint_bar(loops, row))
        previous = float((loops.sp if state.mode is Mode.REMOTE else loops.sp_target)[row])
        loops.sp_target[row] = value
        if state.mode is Mode.REMOTE:
            state.mode, state.reason = Mode.AUTO, f"setpoint by {command.who}"
        state.adopt = state.adopt and state.mode is Mode.MANUAL
        text = f"{loop.title} setpoint {previous:.6g} → {value:.6g} {loop.unit}"
        return Change(text, "Modification", value, previous, loop.unit)

    def _output(self, row: int, command: Command, frame: Frame) -> Change:
        del frame
        loop, state = self._loops.table.rows[row], self._loops.states[row]
        _unless(output_bar(self._loops, row))
        value = within(command, loop.op_low, loop.op_high, loop.op_unit, f"{loop.title} output")
        previous = float(self._loops.manual[row])
        self._loops.manual[row], state.adopt = value, False
        text = f"{loop.title} output {previous:.6g} → {value:.6g} {loop.op_unit}"
        return Change(text, "Modification", value, previous, loop.op_unit)

    def _mode(self, row: int, command: Command, frame: Frame) -> Change:
        loop, state = self._loops.table.rows[row], self._loops.states[row]
        mode = Mode.parse(command.value.get("mode"))
        words = modes(self._loops.table, row, programmed=bool(self._loops.programmed[row]))
        if mode is None or mode.word not in words:
            raise Refusal(f"{loop.title} has no mode {command.value.get('mode')!r}", *words)
        _unless(mode_bar(self._loops, row, mode))
        if mode is Mode.OUT_OF_SERVICE and not command.reason.strip():
            raise Refusal(f"{loop.title} goes out of service only with a reason")
        previous = state.mode
        if mode is not previous or not state.claimed:
            self.enter(row, mode, frame)
        state.reason, state.unasked = command.reason or f"set by {command.who}", False
        self._lead(row, mode, frame)
        text = f"{loop.title} {previous.word} → {mode.word}"
        return Change(text, "Mode Change", mode.word, previous.word)

    def enter(self, row: int, mode: Mode, frame: Frame, *, own: bool = False) -> None:
        """Change one loop's mode so that its output does not move. Whoever was led stays at the setpoint that it was
        given, or goes to its ``own``.
        """
        loops, loop, state = self._loops, self._loops.table.rows[row], self._loops.states[row]
        found = float(loops.op[row])
        if mode is Mode.MANUAL and math.isfinite(found):
            loops.manual[row] = min(max(found, loop.op_low), loop.op_high)
        if state.mode >= Mode.CASCADE and mode is Mode.AUTO and not own:
            rests = float(loops.resting[row]) if state.mode is Mode.REMOTE else math.nan
            loops.setpoints.ask(row, float(loops.sp[row]) if math.isnan(rests) else rests)
        if state.mode is Mode.MANUAL and mode is Mode.AUTO and loop.type in ACTUATORS and math.isfinite(found):
            loops.setpoints.ask(row, found)
        if mode is Mode.CASCADE:
            self._meet(loops.table.master[row])
        if state.mode < Mode.AUTO <= mode:
            self._start_setpoint(row, loop, found, frame)
        if mode < Mode.AUTO:
            state.saved_integral = math.nan
        adopts = state.adopt if mode is Mode.CASCADE else mode is Mode.MANUAL and not math.isfinite(found)
        state.adopt = state.suspended != "" and adopts
        state.mode, state.claimed = mode, True

    def _meet(self, master: int) -> None:
        """A master in manual that moved nothing begins where its slave is."""
        loops, level = self._loops, self._loops.level_of[master]
        if loops.states[master].mode is Mode.MANUAL and loops.detached(master):
            achieved, loop = float(level.bank.achieved[level.place[master]]), loops.table.rows[master]
            loops.manual[master] = min(max(achieved, loop.op_low), loop.op_high)

    def _start_setpoint(self, row: int, loop: Loop, found: float, frame: Frame) -> None:
        """A ramped setpoint starts where the process is: a direct loop's at its output, a controller's at its PV."""
        if loop.type in ACTUATORS:
            start = found
        elif loop.type == "pid" and loop.ramp_from_pv and loop.sp_rate < math.inf:
            start, quality = self._loops.signals.now(loop.pv, frame)
            start = start if quality < BAD else math.nan
        else:
            start = math.nan
        if math.isfinite(start):
            self._loops.setpoints.start(row, start)

    def _lead(self, row: int, mode: Mode, frame: Frame) -> None:
        """A master that starts takes the slaves that are in auto with it; one that is switched off lets go of them: an
        actuator or station goes to its own setpoint, a controller keeps the one that it was given.
        """
        title = self._loops.table.rows[row].title
        for slave in self._loops.followers(row):
            state: LoopState = self._loops.states[slave]
            if mode is Mode.AUTO and state.mode is Mode.AUTO:
                self.enter(slave, Mode.CASCADE, frame)
                state.reason, state.revision = f"follows {title}", state.revision + 1
            elif mode <= Mode.OFF and state.mode is Mode.CASCADE:
                self.enter(slave, Mode.AUTO, frame, own=self._loops.table.rows[slave].type != "pid")
                state.reason, state.revision = f"{title} was switched off", state.revision + 1

    def _write_once(self, command: Command, frame: Frame) -> Change:
        outputs = self._site.outputs
        row = outputs.index.get(command.target)
        names = [output.name for output in outputs.rows if output.once]
        if row is None or not outputs.rows[row].once:
            raise Refusal(f"{command.target} is no output that is written by command", *names)
        output = outputs.rows[row]
        self._reachable(output.tag, frame)
        value = within(command, output.low, output.high, output.unit, output.name)
        self._once[output.tag] = value
        return Change(f"{output.name} = {value:.6g} {output.unit}, once", "Modification", value, None, output.unit)

    def _reachable(self, tag: int, frame: Frame) -> None:
        """What is written once must not be written into the void."""
        connection = str(self._site.tags.tags[tag].connection)
        rows = [row for row, point in self._site.bindings[connection] if point.access != "w"]
        if rows and all(frame.reason[row] in {Reason.LINK, Reason.NOT_READ} for row in rows):
            raise Refusal(f"{connection} cannot be reached")


def _unless(bar: Bar | None) -> None:
    """Refuse what is barred."""
    if bar is not None:
        raise Refusal(bar.reason, *bar.allowed)


def modes(table: LoopTable, row: int, *, programmed: bool = False) -> list[str]:
    """The modes that a loop has, the one for people who work on it last; remote only where it is ``programmed``. A
    station has no output to be set by hand.
    """
    usual = [Mode.OFF, Mode.AUTO] if table.rows[row].type == "station" else [Mode.OFF, Mode.MANUAL, Mode.AUTO]
    led = [Mode.CASCADE] * (table.master[row] >= 0) + [Mode.REMOTE] * programmed
    return [mode.word for mode in (*usual, *led, Mode.OUT_OF_SERVICE)]


def within(command: Command, low: float, high: float, unit: str, what: str) -> float:
    """The number that a command carries. Raises :class:`Refusal` unless it is finite and within its limits."""
    value = command.value.get("value")
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise Refusal(f"{what} must be a number, not {value!r}")
    if not low <= value <= high:
        raise Refusal(f"{what} must be within {low:.6g} .. {high:.6g} {unit}, not {value:.6g}")
    return float(value)


def refused(command: Command, reason: str, allowed: tuple[str, ...] = ()) -> tuple[Outcome, Event]:
    """The outcome of a command that is not carried out, and its line in the record."""
    change = Change(f"refused {command.verb}: {reason}", "Command Refused")
    return Outcome(command, applied=False, reason=reason, allowed=allowed), recorded(command, change)


def recorded(command: Command, change: Change) -> Event:
    """The line of the record that answers a command."""
    kind = EventType.CONTROL_RECIPE if command.source == "recipe" else EventType.OPERATOR
    vessel, dot, _ = command.target.partition(".")
    return Event(
        kind, change.subtype, command.target, change.text, vessel if dot else "", value=change.value,
        previous=change.previous, unit=change.unit, who=command.who, reason=command.reason, command=command.journal,
    )  # fmt: skip
