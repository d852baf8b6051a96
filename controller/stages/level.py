"""One level of the cascades: controllers that are computed together, their legs, and the plain loops beside them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from controller.frame import F8
from controller.model.loops import LoopTable
from controller.stages.feed_forward import FeedForwards
from controller.stages.flags import any_number, any_of
from controller.stages.legs import Legs
from controller.stages.pid import Flags, PidBank
from controller.stages.plain import Plain
from controller.stages.schedule import Schedules
from controller.stages.signals import Signals

LIMITED = 1e-6
"""In output units: a controller that wants more than this beyond its limit is called limited."""


class Level:
    """Controllers of ``rows`` (places in the loop table) and the ``plain`` loops of one level. ``live`` and ``lost``
    say how each controller is, shape ``(rows,)``; ``cascaded`` and ``remote`` are the places of all loops of
    the level that follow a master or a program now; ``leads``: it has masters of controllers; ``ends`` and ``held`` are
    what :meth:`turned` and :meth:`stuck` found last.
    """

    def __init__(self, table: LoopTable, rows: Sequence[int], longest_dt: float) -> None:
        loops = table.rows
        self.every = np.array(rows, np.intp)
        self.rows = np.array([row for row in rows if loops[row].type == "pid"], np.intp)
        self.plain = Plain(loops, [row for row in rows if loops[row].type not in {"pid", "dose"}])
        self.place = {row: place for place, row in enumerate(self.rows.tolist())}
        mine = [loops[row] for row in self.rows]
        self.pv = np.array([loop.pv for loop in mine], np.intp)
        self.legs = Legs([loop.legs for loop in mine], [loop.together for loop in mine])
        self.bank = PidBank([loop.tuning for loop in mine if loop.tuning], longest_dt)
        self.schedules, self.forwards = Schedules(mine), FeedForwards(mine)
        self._moves_loop = np.flatnonzero(self.legs.cascade)
        self._moves_output = np.flatnonzero(~self.legs.cascade) if len(self._moves_loop) else slice(None)
        self.outputs = self.legs.target[self._moves_output]
        self.slaves = self.legs.target[self._moves_loop]
        self._masters = self.legs.loop[self._moves_loop]
        direct = np.array([loops[row].type == "direct" for row in self.slaves], np.bool_)
        self._floored = self._moves_loop[direct & (self.legs.travel[self._moves_loop] > 0.0)]
        gains = [tuning.gain if (tuning := loops[row].tuning) else 0.0 for row in self.slaves]
        self._sense = np.sign(gains) * np.sign(self.legs.travel[self._moves_loop])
        self.leads = bool(self._sense.any())
        self._waiting, self._waits = np.zeros(len(self.slaves), np.bool_), False
        self.live, self._manual = np.zeros((2, len(self.rows)), np.bool_)
        self.lost, self._by_hand = np.ones(len(self.rows), np.bool_), False
        self.cascaded, self.remote = np.zeros(0, np.intp), np.zeros(0, np.intp)
        self._unlimited = self.ends = self.held = np.zeros(len(self.rows))
        self._fallen, self._fallback = np.zeros(0, np.intp), np.zeros(0)

    def take_modes(self, live: Flags, by_hand: Flags, lost: Flags) -> None:
        """Which loops may act, which are in manual, and which have no actuators that are known; over all loops."""
        self.live, self._manual, self.lost = live[self.rows], by_hand[self.rows], lost[self.rows]
        self._by_hand = any_of(self._manual)
        self.plain.take_by_hand(by_hand)

    def fall_back(self, fallen: Flags, fallback: F8) -> None:
        """Controllers without a valid value that put out ``fallback`` meanwhile, shape ``(rows,)``."""
        self._fallen = np.flatnonzero(fallen)
        self._fallback = fallback[self._fallen]

    def control(self, signals: Signals, sp: F8, manual: F8, stuck: F8, dt: float, targets: F8, requests: F8) -> None:
        """Compute the controllers and spread their outputs; fills in ``targets`` of outputs and ``requests`` to slaves.

        ``sp``, ``manual``, ``stuck`` and ``requests`` are over all loops.
        """
        bank = self.bank
        if self._by_hand:
            np.copyto(bank.achieved, manual[self.rows], where=self._manual)
        if len(self._fallen):
            bank.achieved[self._fallen] = self._fallback
        if len(self.schedules.rows):
            self.schedules.apply(signals, bank)
        extra = self.forwards.step(signals, dt) if len(self.forwards) else None
        up, down = self._blocked(stuck) if self.leads else (None, None)
        output = bank.step(signals.value[self.pv], sp[self.rows], self.live, dt, up, down, extra)
        values = self.legs.spread(output)
        targets[self.outputs] = values[self._moves_output]
        if len(self.slaves):
            requests[self.slaves] = values[self._moves_loop]

    def wait_for(self, waiting: Flags) -> None:
        """Which loops follow a master but do not act, over all loops: no master's integral goes on against them."""
        self._waiting = waiting[self.slaves] & (self._sense != 0.0)
        self._waits = any_of(self._waiting)

    def _blocked(self, stuck: F8) -> tuple[Flags, Flags] | tuple[None, None]:
        """Masters whose slave controller cannot follow further up, or down, where no further leg can take over."""
        ends = stuck[self.slaves]
        if not (self._waits or any_number(ends)):
            return None, None
        ends *= self._sense
        last, first = (part[self._moves_loop] for part in self.legs.ends(self.bank.output))
        up, down = np.zeros((2, len(self.rows)), np.bool_)
        up[self._masters[last & ((ends > 0.0) | self._waiting)]] = True
        down[self._masters[first & ((ends < 0.0) | self._waiting)]] = True
        return up, down

    def track(self, actual: F8, positions: F8, chosen: F8) -> F8:
        """Tell the controllers what they achieved: ``actual`` of the outputs, ``positions`` of all loops (what a slave
        works to). Returns it. Controllers that ``lost`` their actuators start from where these are, ``chosen`` being
        the setpoints that people or recipes gave to all loops.
        """
        achieved = self._achieved(actual, positions, chosen)
        self.bank.achieved[...] = achieved
        return achieved

    def find(self, place: int, actual: F8, positions: F8, chosen: F8) -> None:
        """A controller comes back, and starts from where its actuators are; the others go on as they are."""
        self.lost[place] = True
        self.bank.achieved[place] = self._achieved(actual, positions, chosen)[place]

    def _achieved(self, actual: F8, positions: F8, chosen: F8) -> F8:
        values = np.empty(len(self.legs.target))
        values[self._moves_output] = actual[self.outputs]
        if len(self.slaves):
            values[self._moves_loop] = positions[self.slaves]
        achieved = self.legs.achieved(self.bank.output, values)
        if any_of(self.lost):
            self._take_floors_off(values, positions, chosen)
            np.copyto(achieved, self.legs.seed(values), where=self.lost)
        return achieved

    def _take_floors_off(self, values: F8, positions: F8, chosen: F8) -> None:
        """An actuator that stands where somebody chose its least, while the leg before it has not come to its end, says
        nothing of what its master asked for.
        """
        slaves = self.legs.target[self._floored]
        resting = (positions[slaves] <= chosen[slaves]) & self.legs.early(values)[self._floored]
        places = self._floored[resting]
        values[places] = self.legs.start[places]

    def turned(self) -> bool:
        """Look at the ``ends`` of this scan, +1 where a running controller wants more than its limit, -1 where less,
        else 0; gives whether they are others than before.
        """
        before, self.ends = self.ends, self._limited()
        return self.ends is not before and self.ends.tobytes() != before.tobytes()

    def _limited(self) -> F8:
        beyond = self.bank.wanted - self.bank.output
        if beyond.dot(beyond) < LIMITED * LIMITED:
            return self._unlimited
        ends: F8 = np.sign(beyond)
        ends[(np.abs(beyond) <= LIMITED) | ~self.live] = 0.0
        return ends

    def stuck(self) -> F8:
        """+1 where a running controller gets less than it wants, from its limit or from what holds its actuators, -1
        where more, else 0; the same array as long as that is so for none.
        """
        missing = self.bank.wanted - self.bank.achieved
        if missing.dot(missing) < LIMITED * LIMITED:
            return self._unlimited
        ends: F8 = np.sign(missing)
        ends[(np.abs(missing) <= LIMITED) | ~self.live] = 0.0
        return ends
