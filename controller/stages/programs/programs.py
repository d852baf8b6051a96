"""Programs: leads the setpoints of loops in mode remote, once per scan, and keeps account of what feeds deliver.

A rate is a pure function of the values of the scan, the program's parameters, its own time and what it remembers. It is
never negative, not a number, or above its limit: what cannot be decided keeps the rate it has for the program's
``patience``, and is then nothing.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from controller.commands import Event, EventType
from controller.frame import BAD, F8, Frame
from controller.model.programs import FeedTable
from controller.stages.flags import rows_where
from controller.stages.loop_state import Mode
from controller.stages.loops import Loops
from controller.stages.outputs import Outputs
from controller.stages.programs.bank import Bank
from controller.stages.programs.deliveries import SECONDS_PER_HOUR, WAITING, Deliveries, Told
from controller.stages.programs.disturbances import Disturbances
from controller.stages.programs.kinds import KINDS
from controller.stages.programs.run import Run
from controller.stages.programs.samples import Samples

MINUTES_PER_HOUR = 60.0
NOTHING, NO_SAMPLES = np.zeros(0), np.zeros(0, np.bool_)
Flags = NDArray[np.bool_]
NEW_BATCH = "ended: a batch begins"
BOTTLE_EMPTY = "the bottle is empty: connect a new one and tell it"


class Programs:
    """All programs and feeds of the site; arrays have shape ``(feeds,)``.

    ``rate`` is what each program asks for, or asked for last; ``hours`` its own time, ``delivered`` the amount since it
    began; ``has_program`` are those with one, running or not.
    """

    def __init__(self, table: FeedTable, loops: Loops) -> None:
        n = len(table)
        self.table, self.loops = table, loops
        self.runs: list[Run | None] = [None] * n
        self.deliveries, self.samples = Deliveries(table), Samples(table)
        self.rate, self.hours, self.delivered, self._lost_h = np.zeros((4, n))
        self._changes = 0
        self._disturbances = Disturbances(table, loops)
        self._banks: list[Bank] = []
        self._watching: list[Bank] = []
        self.has_program = np.zeros(n, np.bool_)
        self._running, self._ages, self._leads, self._pulses = np.zeros((4, n), np.bool_)
        self._led = False
        self._seen = (-1, -1, -1)

    @property
    def changes(self) -> int:
        """Counts everything that is shown of programs and bottles besides numbers."""
        return self._changes + self.deliveries.changes

    @property
    def flags(self) -> Flags:
        """What feeds complain of, the flags of each feed in a row: :data:`controller.model.feed_alarms.FLAGS`."""
        return self.deliveries.flags.reshape(-1)

    @property
    def wanted(self) -> F8:
        """The rates that are asked for now, NaN where no program leads."""
        return np.where(self._leads, self.rate, np.nan)

    def step(self, frame: Frame, dt: float) -> list[Event]:
        """Lead every loop that has a program, in ``loops.remote``; ``dt`` s since the last scan. Tells what began to
        wait, went on, ended, and what became of bottles.
        """
        if not len(self.table):
            return []
        dt, output = max(dt, 0.0), self.loops.op[self.table.loop]
        dt_h = dt / SECONDS_PER_HOUR
        told = self.deliveries.step(frame, output, ~self.loops.blind[self.table.loop], dt)
        if self._led:
            self._advance(output, dt_h)
        changed = (self._changes, self.loops.touches, self.deliveries.changes) != self._seen
        if changed:
            self._fold()
        reading = self.samples.waiting or any(bank.reads for bank in (*self._banks, *self._watching))
        values = self.values(frame) if reading else NOTHING
        fresh = self.samples.fresh(values) if reading else NO_SAMPLES
        pulsing = any(not bank.kind.steady for bank in self._banks)
        disturbed = self._disturbances.step() if pulsing else None
        for bank in self._banks:
            told += self._lead(bank, values, fresh, dt_h, disturbed)
        for bank in self._watching:
            self._rates(bank, values, fresh, dt_h, disturbed)
        if self._led or changed:
            self._put()
        return [self._event(row, text) for row, text in told]

    def guard(self, outputs: Outputs) -> None:
        """After control: a pump whose bottle is empty does not run, but by hand, to fill the line of a new one. A pulse
        of it that is under way is cut.
        """
        for row in rows_where(self.deliveries.bottles.stopped).tolist():
            if self.loops.states[self.table.rows[row].loop].mode >= Mode.AUTO:
                place = self.table.output[row]
                outputs.target[place] = np.nan_to_num(outputs.table.safe[place])
                outputs.stopped[place] = True

    def values(self, frame: Frame) -> F8:
        """The values of all signals: tags, setpoints, outputs; NaN where not valid, and one NaN at the end."""
        tags = np.where(frame.quality < BAD, frame.value, np.nan)
        values = np.concatenate((tags, self.loops.sp, self.loops.op, [np.nan]))
        values[~np.isfinite(values)] = np.nan
        return values

    def begin(self, row: int, run: Run) -> None:
        """Let a program lead a feed's loop, from its own time and memory on."""
        self.save()
        self.runs[row], self._led = run, True
        self.hours[row], self.delivered[row], self.rate[row] = run.hours, run.delivered, run.rate
        self.touch(row)

    def let_go(self, row: int, keeps: float, why: str) -> None:
        """No program leads this feed's loop any more: it is in automatic at ``keeps``, if it was led."""
        feed = self.table.rows[row]
        state = self.loops.states[feed.loop]
        if state.mode is Mode.REMOTE:
            self.loops.setpoints.ask(feed.loop, keeps)
            state.mode, state.reason = Mode.AUTO, why
            self.loops.touch()
        self.save()
        self.runs[row], self.rate[row] = None, 0.0
        self.touch(row)

    def touch(self, row: int) -> None:
        """Something about a feed's program was changed: it is looked at anew before the next rate."""
        self._running[row], self._lost_h[row] = False, 0.0
        self.deliveries.flags[row, WAITING] = False
        run = self.runs[row]
        if run is not None:
            run.lacks = ""
        self._changes += 1

    def rebase(self, vessel: str) -> list[Event]:
        """A batch begins on ``vessel``: every program there is over, whoever began it. Tells which."""
        self.deliveries.rebase(vessel)
        self.samples.rebase(vessel)
        events: list[Event] = []
        for row, run in enumerate(self.runs):
            if run is not None and self.table.rows[row].vessel == vessel:
                events.append(self._event(row, self._said(row, NEW_BATCH)))
                self.let_go(row, 0.0, f"the program {NEW_BATCH}")
        return events

    def save(self) -> None:
        """Write what running programs know back to each of them."""
        for bank in (*self._banks, *self._watching):
            bank.save()
        for row, run in enumerate(self.runs):
            if run is not None:
                run.hours, run.delivered, run.rate = (
                    float(one[row]) for one in (self.hours, self.delivered, self.rate)
                )

    def _advance(self, output: F8, dt_h: float) -> None:
        """Let the programs' time go on: while they feed, or always where their clock is the culture's.

        What wants to feed and is held at nothing, by an interlock or an empty bottle, does not feed.
        """
        held = (self.rate > 0.0) & ~(output > 0.0)
        self.hours += np.where((self._running & ~held) | self._ages, dt_h, 0.0)
        self.delivered = np.maximum(self.delivered + self.deliveries.booked, 0.0)

    def _fold(self) -> None:
        """Find out which programs run now, and put those of a kind together."""
        self.save()
        self._running[:] = self._ages[:] = self._leads[:] = self._pulses[:] = False
        by_kind: dict[str, list[int]] = {}
        watched: dict[str, list[int]] = {}
        for row, run in enumerate(self.runs):
            if run is not None and self._place(row, run):
                by_kind.setdefault(run.program.name, []).append(row)
            elif run is not None and not run.over and KINDS[run.program.name].watches:
                watched.setdefault(run.program.name, []).append(row)
        self._banks, self._watching = self._banked(by_kind), self._banked(watched)
        self.loops.programmed[self.table.loop] = [run is not None and not run.over for run in self.runs]
        self.has_program[:] = [run is not None for run in self.runs]
        self._led = bool(self.has_program.any())
        self._seen = (self._changes, self.loops.touches, self.deliveries.changes)

    def _banked(self, by_kind: dict[str, list[int]]) -> list[Bank]:
        """The programs of each kind together, by their rows."""
        return [
            Bank(KINDS[name], rows, [run for row in rows if (run := self.runs[row])], self.table, self._lost_h)
            for name, rows in by_kind.items()
        ]

    def _place(self, row: int, run: Run) -> bool:
        """Whether a program runs now; one that feeds in pulses gives nothing while it does not."""
        kind, stands = KINDS[run.program.name], self._stands(row, run)
        if stands != run.stands:
            run.stands = stands
            self._changes += 1
        if stands and not kind.steady:
            kind.interrupt(run.memory)
            self.rate[row] = 0.0
        self._leads[row] = self.loops.states[self.table.rows[row].loop].mode is Mode.REMOTE
        self._pulses[row] = not kind.steady
        self._ages[row] = not run.over and run.word("clock") == "culture"
        self._running[row] = not stands
        return not stands

    def _stands(self, row: int, run: Run) -> str:
        """Why a program does not run; "" when it does."""
        state = self.loops.states[self.table.rows[row].loop]
        if run.over:
            return run.over
        if state.mode is not Mode.REMOTE:
            return f"the loop is in {state.mode.word}"
        if self.deliveries.bottles.stopped[row]:
            return BOTTLE_EMPTY
        if state.suspended:
            return state.suspended
        return "told to wait" if run.frozen else ""

    def _lead(self, bank: Bank, values: F8, fresh: Flags, dt_h: float, disturbed: tuple[F8, F8] | None) -> Told:
        """The rates of one kind's programs, within their limits."""
        rows = bank.rows
        own, delivered = fresh[rows] if bank.sampled else fresh, self.delivered[rows]
        rate, texts = self._rates(bank, values, fresh, dt_h, disturbed)
        told = [(int(rows[place]), self._said(int(rows[place]), text)) for place, text in texts]
        known = np.isfinite(rate)
        if bank.lost or not known.all():
            rate = self._without(bank, rate, known, dt_h)
            told += self._stand_still(bank, values, own)
        self.rate[rows] = bank.limits.limited(rate, delivered, dt_h)
        for place, why, by_time in bank.limits.ended(self.hours[rows], delivered, bank.volume):
            told.append(self._end(int(rows[place]), why, holds=by_time and bool(bank.holds[place])))
        return told

    def _rates(
        self, bank: Bank, values: F8, fresh: Flags, dt_h: float, disturbed: tuple[F8, F8] | None
    ) -> tuple[F8, Told]:
        """What the programs of a bank make of this scan, before any limit."""
        rows = bank.rows
        own = fresh[rows] if bank.sampled else fresh
        return bank.rate(values, own, self.hours[rows], dt_h, self.deliveries.given[rows], disturbed)

    def _without(self, bank: Bank, rate: F8, known: Flags, dt_h: float) -> F8:
        """Where a value is missing the rate stays, for the program's patience, and is then nothing; pulses stop."""
        self._lost_h[bank.rows] = lost_h = np.where(known, 0.0, self._lost_h[bank.rows] + dt_h)
        bank.lost = not known.all()
        bank.late = ~known & (lost_h > bank.parameters["patience"] / MINUTES_PER_HOUR)
        stays = ~bank.late if bank.kind.steady else np.zeros(len(rate), np.bool_)
        return np.where(known, rate, np.where(stays, self.rate[bank.rows], 0.0))

    def _stand_still(self, bank: Bank, values: F8, fresh: Flags) -> Told:
        """Tell which programs have waited too long for a value, and which of them go on."""
        told: Told = []
        changed = np.flatnonzero(bank.late != self.deliveries.flags[bank.rows, WAITING]).tolist()
        if changed:
            bank.save()
        for place in changed:
            row, run = int(bank.rows[place]), bank.runs[place]
            late = bool(bank.late[place])
            self.deliveries.flags[row, WAITING] = late
            missing = ", ".join(bank.missing(place, values, fresh))
            why = bank.kind.waits(run.memory) or f"waits for a valid value of {missing}"
            run.lacks = f"{why}; nothing is fed" if late else ""
            self._changes += 1
            told.append((row, self._said(row, run.lacks or "goes on")))
        return told

    def _end(self, row: int, why: str, *, holds: bool) -> tuple[int, str]:
        run = self.runs[row]
        assert run is not None, "only what runs ends"
        run.over = f"ended: {why}; the rate is held" if holds else f"ended: {why}"
        if not holds:
            self.rate[row] = 0.0
        self.touch(row)
        return row, self._said(row, run.over)

    def _said(self, row: int, text: str) -> str:
        run = self.runs[row]
        return f"{self.table.rows[row].title}: program {run.program.name if run else ''}: {text}"

    def _put(self) -> None:
        """Tell the loops what they work to: the rates, as the pumps have to be told for them."""
        told = np.minimum(self.rate / self.deliveries.balances.factor, self.table.most)
        told[self.deliveries.bottles.stopped] = 0.0
        self.loops.remote[self.table.loop] = np.where(self._leads, told, np.nan)
        self.loops.resting[self.table.loop] = np.where(self._pulses, 0.0, np.nan)

    def _event(self, row: int, text: str) -> Event:
        feed = self.table.rows[row]
        return Event(EventType.EQUIPMENT, "Status Change", feed.full_name, text, feed.vessel, value=text)
