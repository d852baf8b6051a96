"""Dose guards: the most that an output may give in a time and in a batch, whoever asks for it.

They are the last thing between a pH probe that fails and a culture drowned in base. So everything unknown counts as
given: twice is counted, by what was commanded and by what the output reads back, and the larger counts. What was
commanded counts whether or not the write was confirmed; an output that cannot be read goes on at what it read last;
time in which this program did not run counts at what the output is found at afterwards.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from controller.commands import Event, EventType, Json
from controller.frame import F8
from controller.model.doses import Guard
from controller.model.loops import OutputTable
from controller.stages.flags import any_number, any_of
from controller.stages.stored import by_name, numbers

Flags = NDArray[np.bool_]
PARTS = 24
"""Parts into which a guard's time is divided: what was given is forgotten part by part, the whole of a part late."""
FREE_AT = 0.9
"""Share of the most below which an output is free again, so that a guard does not hold and let go every minute."""
NEAR = 1e-9
"""Share of the most by which what was given is looked at closely before it is reached."""
WATCHDOG_S = 5.0
"""How long an instrument may go on with its last command before it notices that this program is gone."""


class DoseGuards:
    """All guards; arrays have shape ``(guards,)``, ``rows`` are places in the output table.

    ``held``, of shape ``(outputs,)``, are the outputs to be held at their safe value. ``changes`` counts what is shown.
    """

    def __init__(self, table: OutputTable) -> None:
        guarded = [(row, output.guard) for row, output in enumerate(table.rows) if output.guard]
        n = len(guarded)
        self._table = table
        self._guards = tuple(guard for _, guard in guarded)
        self.rows = np.array([row for row, _ in guarded], np.intp)
        self.names: list[Json] = [table.rows[row].name for row in self.rows]
        self.held = np.zeros(len(table.rows), np.bool_)
        self.changes = 0
        self._most = np.array([guard.most for guard in self._guards], np.float64)
        self._batch_most = np.array([guard.most_per_batch for guard in self._guards], np.float64)
        self._part_s = np.array([guard.within / PARTS for guard in self._guards], np.float64)
        self._high = table.high[self.rows]
        self._parts = np.zeros((n, PARTS))
        self._closed = np.zeros(n)
        self._counted, self._watched = np.zeros((2, 2, 2, n))
        self._now, self._batch = self._counted
        self._flows, self._found, self._seen = np.zeros((2, n)), np.zeros(n), b""
        self._part_left = self._part_s.copy()
        self._read = np.full(n, np.nan)
        self._away = np.zeros(n)
        self._lists: list[Json] = []
        self._sum_up()

    def __len__(self) -> int:
        return len(self.rows)

    def count(self, sent: F8, value: F8, readable: Flags, dt: float) -> list[Event]:
        """Count what was given in the ``dt`` seconds since the last scan, while ``sent`` stood and ``value`` is read
        back where ``readable``, arrays over all outputs. Tells which guards begin or cease to hold.
        """
        sent, value, readable = sent[self.rows], value[self.rows], readable[self.rows]
        seen = sent.tobytes() + value.tobytes() + readable.tobytes()
        if seen != self._seen:
            self._seen = seen
            self._find_flows(sent, value, readable)
        given = self._flows * max(dt, 0.0)
        if any_number(self._away):
            given += self._while_away(sent, self._found, readable)
        self._part_left -= max(dt, 0.0)
        if any_of(self._part_left <= 0.0):
            self._close_parts()
        self._counted += given
        if any_of(self._counted >= self._watched):
            return self._judge()
        return []

    def _find_flows(self, sent: F8, value: F8, readable: Flags) -> None:
        """What flows, by what was sent and by what is read; what cannot be read goes on at what it read last."""
        self._found = flow = np.minimum(np.maximum(value, 0.0), self._high)
        np.copyto(self._read, flow, where=readable)
        self._flows[0], self._flows[1] = sent, np.where(readable, flow, np.fmax(self._read, sent))
        np.maximum(self._flows, 0.0, out=self._flows)

    def _while_away(self, sent: F8, flow: F8, readable: Flags) -> F8:
        """What was given while this program did not run, once the outputs are read again."""
        least = sent * np.minimum(self._away, WATCHDOG_S)
        given = np.where(readable, np.maximum(flow * self._away, least), 0.0)
        self._away[readable] = 0.0
        return given

    def _close_parts(self) -> None:
        """Begin the next part of each guard whose part is over, and forget the parts that are too old."""
        for place in np.flatnonzero(self._part_left <= 0.0).tolist():
            over = 1 + int(min(-self._part_left[place] // self._part_s[place], PARTS))
            ended = float(self._now[:, place].max())
            self._parts[place] = np.concatenate((self._parts[place, over:], [ended], np.zeros(over - 1)))[-PARTS:]
            self._now[:, place] = 0.0
            self._part_left[place] = self._part_s[place] - (-self._part_left[place] % self._part_s[place])
        self._sum_up()

    def _sum_up(self) -> None:
        """Fold the parts into one number; the lists for the record are made anew, never changed."""
        self._closed = self._parts.sum(axis=1)
        self._lists = [[*row] for row in self._parts.tolist()]
        self._look_out()

    def _look_out(self) -> None:
        """From which counts on a guard is looked at closely, a little less than its most; one that holds always is."""
        held = self.held[self.rows]
        self._watched[0] = np.where(held, -np.inf, (1.0 - NEAR) * self._most - self._closed)
        self._watched[1] = np.where(held, -np.inf, (1.0 - NEAR) * self._batch_most)

    def used(self) -> F8:
        """What was given within each guard's time, in output units times seconds."""
        return np.asarray(self._closed + np.maximum(self._now[0], self._now[1]))

    def _judge(self) -> list[Event]:
        used, batch, held = self.used(), np.maximum(self._batch[0], self._batch[1]), self.held[self.rows]
        over = (used >= self._most) | (batch >= self._batch_most)
        freed = (used <= FREE_AT * self._most) & (batch < self._batch_most)
        now = over | (held & ~freed)
        if now.tobytes() == held.tobytes():
            return []
        changed = np.flatnonzero(now != held).tolist()
        self.held[self.rows] = now
        self._look_out()
        self.changes += 1
        return [self._event(place, float(used[place]), float(batch[place])) for place in changed]

    def _event(self, place: int, used: float, batch: float) -> Event:
        output, guard = self._table.rows[self.rows[place]], self._guards[place]
        held = bool(self.held[self.rows[place]])
        if held:
            text = f"dose guard: held at {output.safe:.6g} {output.unit}, because {self._why(guard, used, batch)}"
        else:
            text = "dose guard: free again"
        return Event(
            EventType.EQUIPMENT,
            "State Change",
            output.name,
            f"{output.name} {text}",
            output.name.partition(".")[0],
            value="held" if held else "free",
            reason="dose guard",
        )

    @staticmethod
    def _why(guard: Guard, used: float, batch: float) -> str:
        if used >= guard.most or batch < guard.most_per_batch:
            given, most, when = used, guard.most, f"within {guard.within / 3600.0:.4g} h"
        else:
            given, most, when = batch, guard.most_per_batch, "in this batch"
        return f"{given / guard.factor:.4g} {guard.unit} were given {when}, of {most / guard.factor:.4g} allowed"

    def holds(self) -> dict[int, str]:
        """Why which row of the output table is held now."""
        used, batch = self.used(), self._batch.max(axis=0)
        places = [place for place, row in enumerate(self.rows.tolist()) if self.held[row]]
        return {
            int(self.rows[place]): self._why(self._guards[place], float(used[place]), float(batch[place]))
            for place in places
        }

    def rebase(self, vessel: str) -> None:
        """A batch begins on ``vessel``: what is allowed in a batch is allowed again. The guards' times go on."""
        for place, name in enumerate(self.names):
            if str(name).partition(".")[0] == vessel:
                self._batch[:, place] = 0.0

    def reset(self, place: int) -> float:
        """Count anew from zero, because somebody decided so; gives what was counted, in the guard's unit."""
        counted = max(float(self.used()[place]), float(self._batch[:, place].max()))
        self._parts[place] = 0.0
        self._now[:, place] = self._batch[:, place] = 0.0
        self.held[self.rows[place]] = False
        self._sum_up()
        self.changes += 1
        return counted / self._guards[place].factor

    def unit(self, place: int) -> str:
        """The unit in which people see a guard's amounts."""
        return self._guards[place].unit

    def state(self, sent: F8) -> dict[str, Json]:
        """Everything counted, and what stands commanded, by output."""
        return {
            "names": self.names,
            "sent": sent[self.rows].tolist(),
            "read": np.where(np.isnan(self._read), sent[self.rows], self._read).tolist(),
            "now": self._now.max(axis=0).tolist(),
            "batch": self._batch.max(axis=0).tolist(),
            "part_left": self._part_left.tolist(),
            "away": self._away.tolist(),
            "held": self.held[self.rows].astype(np.float64).tolist(),
            "parts": self._lists,
        }

    def restore(self, state: Mapping[str, Json], outage_s: float, sent: F8) -> None:
        """Take over what :meth:`state` gave, ``outage_s`` seconds later; ``sent``, over all outputs, is filled in."""
        parts = dict(zip(_list(state.get("names")), _list(state.get("parts")), strict=False))
        columns = ("sent", "read", "now", "batch", "part_left", "held", "away")
        for place, values in by_name(state, columns, self.names).items():
            sent[self.rows[place]], self._read[place], now, batch, self._part_left[place], held, before = values
            self._now[:, place], self._batch[:, place] = now, batch
            self.held[self.rows[place]] = held > 0.0
            stored = numbers(parts.get(self.names[place]))
            if len(stored) == PARTS:
                self._parts[place] = stored
            away = max(outage_s, 0.0) if math.isfinite(outage_s) else 0.0
            self._away[place] = before + away
            self._part_left[place] -= away
        self._part_left, self._seen = np.minimum(self._part_left, self._part_s), b""
        self._close_parts()
        self.changes += 1


def _list(value: Json) -> list[Json]:
    return value if isinstance(value, list) else []
