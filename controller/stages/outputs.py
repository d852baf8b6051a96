"""Outputs: clamp, rate limit, decide what is written, and compare what is read back with what was written.

Nothing is written to an output before it has been read from its device; what it reads then is where control starts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from controller.commands import Event, Json
from controller.frame import BAD, F8, U1, Frame
from controller.model.loops import OutputTable
from controller.model.tags import TagTable
from controller.stages.claims import Claims
from controller.stages.dose_guard import DoseGuards
from controller.stages.flags import Flags, any_of, rows_where
from controller.stages.output_news import OutputNews
from controller.stages.pulses import Pulses
from controller.stages.recent import Recent
from controller.stages.rivals import Rivals
from controller.stages.steps import Steps
from controller.stages.stored import by_name
from drivers.contract import Reason, WriteOutcome, WriteState

REFRESH_S = 10.0
"""Process time after which an unchanged output is written again, so that a device that lost it gets it back; longer on
a scaled clock, where wires stay as slow as they are.
"""
RESOLUTION = 1e-4
"""Share of its span by which an output must move to be written before its refresh."""
TOLERANCE = 5e-3
"""Share of its span by which a read-back may differ: instruments round."""
PATIENCE = 3
"""Scans that a read-back may differ for: writes take their time."""
EARLY = 0.999
"""Share of the time until a refresh from which it is looked at whose time it is: the sum that gives the moment is
rounded otherwise than the difference that decides.
"""


class Outputs:
    """State of all outputs, arrays of shape ``(outputs,)``.

    ``target`` is what control asks for, NaN where nobody does: such an output is left alone. ``actual`` is the best
    knowledge of where the actuator is: what it was commanded, or what it reads back while nobody commands it or it
    does not obey; of an output that is pulsed or has steps, the mean that was asked for. ``ready`` are those that were
    read and can be reached; ``astray`` gives for those that do not obey what was read and what was asked when that was
    told, ``refused`` what a device said that refuses its writes; they are replaced as a whole, and ``changes`` counts
    that.
    ``stopped`` are those whose loop is off or at its safe value: they are there at once, a pulse under way is cut. A
    read-back that differs is told after :data:`PATIENCE` scans and ``patience_s`` seconds; pulses are not made up for
    after ``longest_dt`` seconds between scans.
    """

    def __init__(self, table: OutputTable, tags: TagTable, patience_s: float = 0.0, longest_dt: float = 60.0) -> None:
        n = len(table.rows)
        self.table = table
        self._news = OutputNews(table, tags)
        span = table.high - table.low
        self._resolution, self._tolerance = span * RESOLUTION, span * TOLERANCE
        self.steps = Steps(table, longest_dt)
        self._resolution[self.steps.rows] = 0.5 * self.steps.size
        self._blind = np.array([getattr(tags.tags[row].point, "access", "r") == "w" for row in table.tag], np.bool_)
        self.target, self.actual = np.full((2, n), np.nan)
        self._kept = ~table.once
        self.ready = self._blind & self._kept
        self.returned, self.stopped = np.zeros((2, n), np.bool_)
        self._readable, self._findable, self._seen = *np.zeros((2, n), np.bool_), b""
        self.pulses, self.guards, self._rivals = Pulses(table, longest_dt), DoseGuards(table), Rivals(table)
        self._most = np.array([output.most for output in table.rows], np.float64)
        self._sent, self._written = np.zeros(n), np.full(n, np.nan)
        self._written_at, self._refresh_at = np.full(n, -np.inf), -np.inf
        self._patience_s, self._refresh_s = patience_s, max(REFRESH_S, 10.0 * patience_s)
        self._recent, self._claims = Recent(self._tolerance), Claims(table.safe)
        self._step, self._step_dt = np.full(n, np.inf), np.nan
        self._differing, self._differing_s = np.zeros((2, n))
        self._watching, self._told = False, np.zeros(n, np.bool_)
        self.astray: Mapping[int, tuple[float, float]] = {}
        self.refused: Mapping[int, str] = {}
        self._untold = self._news.untold(self.refused)
        self.changes = 0

    def observe(self, frame: Frame, dt: float) -> list[Event]:
        """Compare what is read back with what was written, before control. Sets ``ready``, and ``returned`` where an
        output can be reached again since this scan.
        """
        tag = self.table.tag
        value, quality, reason = frame.value[tag], frame.quality[tag], frame.reason[tag]
        seen = quality.tobytes() + reason.tobytes()
        if seen != self._seen or any_of(self.returned):
            self._seen = seen
            self._reach(quality, reason)
        events = self._compare(value, self._readable, dt)
        if len(self.guards):
            events += self.guards.count(self._sent, value, self._readable, dt)
        self._find(value, self._findable)
        return events

    def _reach(self, quality: U1, reason: U1) -> None:
        """Find out which outputs can be reached. As long as qualities and reasons stay the same, so does that."""
        usable = quality < BAD
        ready = usable | (self.ready & (reason != Reason.LINK) & (reason != Reason.NOT_READ))
        ready = (ready | self._blind) & self._kept
        self.returned = ready & ~self.ready
        self.ready = ready
        self._findable = usable & ~self._blind
        self._readable = self._findable & ready
        if any_of(self.returned):
            self._written[self.returned] = np.nan
            self._recent.forget(self.returned)

    def _find(self, value: F8, readable: Flags) -> None:
        """Where no command of ours stands, an output is what it reads. What a pulsed one happens to read when it comes
        back says nothing of the mean, unless it is more than a pulse: that is what it was, or its safe value.
        """
        astray = readable & (np.isnan(self.target) | self._told)
        if any_of(self.returned):
            rows = self.pulses.rows
            astray |= readable & self.returned
            silent = self.returned[rows] & ~(value[rows] > self.pulses.on)
            astray[rows] &= ~silent
            unknown = rows[silent & np.isnan(self.actual[rows])]
            self.actual[unknown] = self.table.safe[unknown]
        if any_of(astray):
            np.copyto(self.actual, value, where=astray)

    def _compare(self, value: F8, readable: Flags, dt: float) -> list[Event]:
        """Time how long a read-back is none of the last commands; tell when that is too long, and when it ends."""
        newest = self._recent.newest
        far = readable & (np.abs(value - newest) > self._tolerance)
        if not self._watching and not any_of(far):
            return []
        differs = far & self._recent.outside(value)
        agrees = readable & ~differs
        self._differing[agrees] = self._differing_s[agrees] = 0.0
        self._differing += differs
        self._differing_s += differs * max(dt, 0.0)
        astray = (self._differing > PATIENCE) & (self._differing_s > self._patience_s)
        changed = np.flatnonzero(astray != self._told)
        if len(changed):
            told, rows = self.astray, np.flatnonzero(astray).tolist()
            self.astray = {row: told.get(row, (float(value[row]), float(newest[row]))) for row in rows}
            self.changes += 1
        self._told = astray
        self._watching = bool(self._differing.any())
        self._written[changed] = np.nan
        return [
            self._news.read_back(row, float(value[row]), float(newest[row]), astray=bool(astray[row]))
            for row in changed.tolist()
        ]

    def command(self, forced: F8, dt: float, now_s: float) -> dict[int, float]:
        """The writes of this scan, by tag row, from ``target`` and what interlocks ``forced`` (NaN where nothing); dose
        guards come after them. ``actual`` is then what control achieved.
        """
        claims = self._claims
        if claims.find(self.ready, self.target, forced, self.guards.held):
            self._refresh_at = -np.inf
        claimed, left = claims.claimed, claims.left
        if not (len(left) < len(claimed) or len(self.pulses) or len(self.steps)):
            return {}
        asked, at_once = self.target, self.stopped
        if claims.holds:
            asked, at_once = np.where(claims.held, claims.forced, self.target), self.stopped | claims.held
        rushed = any_of(at_once)
        wanted = self._approached(asked, at_once if rushed else None, dt)
        written = self._pulsed(wanted, asked, at_once if rushed else None, claimed, dt) if len(self.pulses) else wanted
        if len(self._rivals):
            self._wait(asked, claims.held, wanted, written)
        if len(self.steps):
            written = self.steps.step(written, claimed & ~at_once if rushed else claimed, dt)
        np.copyto(self.actual, wanted, where=claimed & ~self._told if self.astray else claimed)
        commands = written
        if len(left):
            commands = written.copy()
            commands[left] = np.nan
        self._recent.take(commands, claimed)
        return self._changed(claimed, written, now_s)

    def _approached(self, asked: F8, at_once: Flags | None, dt: float) -> F8:
        """How far the outputs get to what is ``asked`` of them, within their limits: by their rates, or ``at_once``."""
        if dt != self._step_dt:
            self._step, self._step_dt = self.table.max_rate * max(dt, 1e-3), dt
        known = self.actual
        lost = np.isnan(known) & self._kept
        if any_of(lost):
            known = np.where(lost, asked, known)
        wanted: F8 = np.minimum(np.maximum(asked, known - self._step), known + self._step)
        if at_once is not None:
            np.copyto(wanted, asked, where=at_once)
        return np.minimum(np.maximum(wanted, self.table.low), self._most)

    def _pulsed(self, wanted: F8, asked: F8, at_once: Flags | None, claimed: Flags, dt: float) -> F8:
        """What is written for what is ``wanted``. A pulsed output that is overruled is there ``at_once`` and steadily,
        also beyond what its pulses give.
        """
        rows, table, written = self.pulses.rows, self.table, wanted.copy()
        if at_once is None:
            written[rows] = self.pulses.step(wanted[rows], claimed[rows], None, dt)
            return written
        overruled = at_once[rows] & ~np.isnan(asked[rows])
        written[rows] = self.pulses.step(wanted[rows], claimed[rows] & ~overruled, overruled, dt)
        there = rows[overruled]
        wanted[there] = written[there] = np.clip(asked[there], table.low[there], table.high[there])
        return written

    def _wait(self, asked: F8, held: Flags, wanted: F8, written: F8) -> None:
        """Keep at rest what would be on with its rival, but what is ``held`` on. A pulse is owed meanwhile, all else is
        not achieved.
        """
        late = self._rivals.late(asked, held, written)
        if len(late):
            written[late] = self.table.low[late]
            steady = np.setdiff1d(late, self.pulses.take_back(late))
            wanted[steady] = self.table.low[steady]

    def _changed(self, claimed: Flags, wanted: F8, now_s: float) -> dict[int, float]:
        """What moved by more than the resolution, came to rest at an end, or is due for its refresh."""
        table, written = self.table, self._written
        moves = claimed & (wanted != written)
        waits = now_s >= self._refresh_at
        if not (waits or any_of(moves)):
            return {}
        due = claimed & ~(np.abs(wanted - written) <= self._resolution)
        if moves.tobytes() != due.tobytes():
            due |= moves & ((wanted == table.low) | (wanted == table.high) | (wanted == table.safe))
        if waits:
            due |= claimed & (now_s - self._written_at >= self._refresh_s)
        rows = rows_where(due)
        values = wanted[rows]
        written[rows] = self._sent[rows] = values
        self._written_at[rows] = now_s
        if waits:
            self._refresh_at = self._written_at[claimed].min(initial=np.inf) + EARLY * self._refresh_s
        return dict(zip(table.tag[rows].tolist(), values.tolist(), strict=True))

    def settle(self, outcomes: Sequence[WriteOutcome], index: Mapping[str, int]) -> list[Event]:
        """Tell what became of writes: refusals when they begin and end, and everything about outputs written once."""
        events: list[Event] = []
        applied, untold = WriteState.APPLIED, self._untold
        if not [1 for one in outcomes if one.state is not applied or one.point.key not in untold]:
            return events
        for outcome in outcomes:
            if (row := self.table.row_of_tag.get(index.get(outcome.point.key, -1))) is None:
                continue
            refused = outcome.state is WriteState.REFUSED
            if self.table.once[row] or refused != (row in self.refused):
                events.append(self._news.outcome(row, outcome))
                others = {other: said for other, said in self.refused.items() if other != row}
                self.refused, self.changes = others | ({row: outcome.detail} if refused else {}), self.changes + 1
                self._untold = self._news.untold(self.refused)
            if outcome.state is not WriteState.APPLIED and row in self.pulses.rows:
                # Nobody knows whether the pump runs: that it is to stand, or to run, is said again in this scan.
                self._written[row] = np.nan
        return events

    def safe_writes(self) -> dict[int, float]:
        """Every output that has a safe value, at it, by tag row."""
        table = self.table
        return {output.tag: output.safe for output in table.rows if not (output.once or np.isnan(output.safe))}

    def state(self) -> dict[str, Json]:
        """Where the outputs are, by name; ``None`` where that is not known."""
        return {
            output.name: None if np.isnan(value) else value
            for output, value in zip(self.table.rows, self.actual.tolist(), strict=True)
            if not output.once
        }

    def doses(self) -> dict[str, Json]:
        """What pulses and guards remember over a restart."""
        actual = self.actual[self.pulses.rows]
        return {
            "pulses": self.pulses.state(),
            "demands": np.where(np.isnan(actual), 0.0, actual).tolist(),
            "guards": self.guards.state(self._sent),
        }

    def restore_doses(self, state: Mapping[str, Json], outage_s: float) -> None:
        """Take over what :meth:`doses` gave, ``outage_s`` seconds later, before anything is read."""
        pulses, guards = state.get("pulses"), state.get("guards")
        if isinstance(pulses, dict):
            self.pulses.restore(pulses)
            demands = {"names": pulses.get("names"), "demands": state.get("demands")}
            for place, (demand,) in by_name(demands, ("demands",), self.pulses.names).items():
                self.actual[self.pulses.rows[place]] = demand
        if isinstance(guards, dict):
            self.guards.restore(guards, outage_s, self._sent)
