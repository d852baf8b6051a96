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
    """Controllers of ``rows`` (places in the loop table) and the ``plain`` loops of one level. ``live``, ``manual`` and
    ``lost`` say how each controller is, shape ``(rows,)``; ``cascaded`` and ``remote`` are the places of all loops of
    the level that follow a master or a program now.
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
        self._moves_output = np.flatnonzero(~self.legs.cascade)
        self._moves_loop = np.flatnonzero(self.legs.cascade)
        self.outputs = self.legs.target[self._moves_output]
        self.slaves = self.legs.target[self._moves_loop]
        self._masters = self.legs.loop[self._moves_loop]
        gains = [tuning.gain if (tuning := loops[row].tuning) else 0.0 for row in self.slaves]
        self._sense = np.sign(gains) * np.sign(self.legs.travel[self._moves_loop])
        self._blocks = bool(self._sense.any())
        self.live, self.manual = np.zeros((2, len(self.rows)), np.bool_)
        self.lost = np.ones(len(self.rows), np.bool_)
        self.cascaded, self.remote = np.zeros(0, np.intp), np.zeros(0, np.intp)
        self._unlimited = np.zeros(len(self.rows))
        self._fallen, self._fallback = np.zeros(0, np.intp), np.zeros(0)

    def fall_back(self, fallen: Flags, fallback: F8) -> None:
        """Controllers without a valid value that put out ``fallback`` meanwhile, shape ``(rows,)``."""
        self._fallen = np.flatnonzero(fallen)
        self._fallback = fallback[self._fallen]

    def control(self, signals: Signals, sp: F8, manual: F8, limited: F8, dt: float, targets: F8, requests: F8) -> None:
        """Compute the controllers and spread their outputs; fills in ``targets`` of outputs and ``requests`` to slaves.

        ``sp``, ``manual``, ``limited`` and ``requests`` are over all loops.
        """
        bank = self.bank
        if any_of(self.manual):
            np.copyto(bank.achieved, manual[self.rows], where=self.manual)
        if len(self._fallen):
            bank.achieved[self._fallen] = self._fallback
        if len(self.schedules.rows):
            self.schedules.apply(signals, bank)
        extra = self.forwards.step(signals, dt) if len(self.forwards) else None
        up, down = self._blocked(limited) if self._blocks else (None, None)
        output = bank.step(signals.value[self.pv], sp[self.rows], self.live, dt, up, down, extra)
        values = self.legs.spread(output)
        targets[self.outputs] = values[self._moves_output]
        if len(self.slaves):
            requests[self.slaves] = values[self._moves_loop]

    def _blocked(self, limited: F8) -> tuple[Flags, Flags] | tuple[None, None]:
        """Masters whose slave controller is at a limit and cannot follow further up, or down."""
        ends = limited[self.slaves]
        if not any_number(ends):
            return None, None
        stuck = ends * self._sense
        up, down = np.zeros((2, len(self.rows)), np.bool_)
        up[self._masters[stuck > 0.0]] = True
        down[self._masters[stuck < 0.0]] = True
        return up, down

    def track(self, actual: F8, positions: F8) -> F8:
        """Tell the controllers what they achieved: ``actual`` of the outputs, ``positions`` of all loops (what a slave
        works to). Returns it. Controllers that ``lost`` their actuators start from where these are.
        """
        values = np.empty(len(self.legs.target))
        values[self._moves_output] = actual[self.outputs]
        if len(self.slaves):
            values[self._moves_loop] = positions[self.slaves]
        bank = self.bank
        achieved = self.legs.achieved(bank.output, values)
        if any_of(self.lost):
            np.copyto(achieved, self.legs.seed(values), where=self.lost)
        bank.achieved[...] = achieved
        return achieved

    def limited(self) -> F8:
        """+1 where a running controller wants more than its limit, -1 where less, else 0."""
        beyond = self.bank.wanted - self.bank.output
        if beyond.dot(beyond) < LIMITED * LIMITED:
            return self._unlimited
        ends: F8 = np.sign(beyond)
        ends[(np.abs(beyond) <= LIMITED) | ~self.live] = 0.0
        return ends
