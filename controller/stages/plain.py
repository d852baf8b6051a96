"""Loops that pass their setpoint on: actuators, loops inside instruments, ratios and stations."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from controller.frame import BAD, F8
from controller.model.loops import Loop
from controller.stages.pid_block import Flags
from controller.stages.signals import Signals

TINY = 1e-12


class Plain:
    """The loops ``rows`` of a level (places in the loop table) that compute no control law.

    A ratio multiplies its setpoint with a signal: while that is Bad or no number, the output stays what it was.
    """

    def __init__(self, loops: Sequence[Loop], rows: Sequence[int]) -> None:
        mine = [loops[row] for row in rows]
        self.rows = np.array(rows, np.intp)
        self._writes = np.array([place for place, loop in enumerate(mine) if loop.output >= 0], np.intp)
        self.outputs = np.array([mine[place].output for place in self._writes], np.intp)
        self._leads = np.array([place for place, loop in enumerate(mine) if loop.slave >= 0], np.intp)
        self.slaves = np.array([mine[place].slave for place in self._leads], np.intp)
        self._ratios = np.array([place for place, loop in enumerate(mine) if loop.type == "ratio"], np.intp)
        self._of = np.array([mine[place].of for place in self._ratios], np.intp)
        self._factor = np.array([mine[place].factor for place in self._ratios], np.float64)
        self._low = np.array([mine[place].op_low for place in self._ratios], np.float64)
        self._high = np.array([mine[place].op_high for place in self._ratios], np.float64)
        self._stations = np.array([place for place, loop in enumerate(mine) if loop.type == "station"], np.intp)
        self._held = np.full(len(self._ratios), np.nan)
        self._led = np.array([at for at, place in enumerate(self._ratios) if mine[place].slave >= 0], np.intp)
        self._writing, self._leading = self.rows[self._writes], self.rows[self._ratios[self._led]]
        self._standing = self.rows[self._stations]
        self._by_hand, self._handled = np.zeros(0, np.intp), np.zeros(len(self._ratios), np.bool_)

    def __len__(self) -> int:
        return len(self.rows)

    def take_by_hand(self, by_hand: Flags) -> None:
        """Which loops are in manual now, over all loops."""
        self._by_hand, self._handled = np.flatnonzero(by_hand[self.rows]), by_hand[self.rows[self._ratios]]

    def control(self, signals: Signals, sp: F8, manual: F8, targets: F8, requests: F8) -> None:
        """Pass the setpoints on, to ``targets`` of outputs and ``requests`` to slaves; all arrays but ``targets`` are
        over all loops.
        """
        value = sp[self.rows]
        if len(self._by_hand):
            value[self._by_hand] = manual[self.rows[self._by_hand]]
        if len(self._ratios):
            self._multiply(signals, value)
        targets[self.outputs] = value[self._writes]
        if len(self._leads):
            requests[self.slaves] = value[self._leads]

    def _multiply(self, signals: Signals, value: F8) -> None:
        wanted = value[self._ratios] * self._scale(signals)
        wanted = np.minimum(np.maximum(wanted, self._low), self._high)
        np.copyto(self._held, wanted, where=np.isfinite(wanted))
        np.copyto(self._held, value[self._ratios], where=self._handled)
        value[self._ratios] = self._held

    def _scale(self, signals: Signals) -> F8:
        """What one of each ratio's setpoint gives now, NaN while its signal is Bad: what that reads is no basis."""
        return np.where(signals.quality[self._of] < BAD, self._factor * signals.value[self._of], np.nan)

    def reach(self, signals: Signals, actual: F8, sp: F8, reached: F8, op: F8, positions: F8) -> None:
        """Fill in, over all loops, the outputs ``op`` of these loops and the setpoints ``positions`` that they really
        work to: what their actuators were brought to, what others made of a station (``reached``, NaN where nobody
        told), and of a ratio the quotient.
        """
        op[self._writing] = actual[self.outputs]
        if len(self._leading):
            op[self._leading] = self._held[self._led]
        if len(self._standing):
            told = reached[self._standing]
            op[self._standing] = np.where(np.isnan(told), sp[self._standing], told)
        positions[self.rows] = op[self.rows]
        if len(self._ratios):
            ratios = self.rows[self._ratios]
            scale = self._scale(signals)
            usable = np.abs(scale) > TINY
            positions[ratios] = np.where(usable, np.divide(op[ratios], scale, where=usable, out=sp[ratios]), sp[ratios])
