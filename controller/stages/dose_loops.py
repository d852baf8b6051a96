"""The dose loops of a site: their bank between the loops' tables and the outputs' targets."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from controller.commands import Event, EventType, Json
from controller.frame import BAD, F8
from controller.model.loops import LoopTable
from controller.stages.dosing import Block, DosingBank
from controller.stages.signals import Signals

Flags = NDArray[np.bool_]
WORDS = {
    Block.NONE: "gives doses again",
    Block.IN_VAIN: "gives no more doses: so many had no effect",
    Block.HOUR: "gives no dose: the most of an hour is given",
    Block.BATCH: "gives no dose: the most of the batch is given",
}


class DoseLoops:
    """Loops of type *dose*; ``rows`` are their places in the loop table. ``blocked``, of shape ``(loops,)``, are those
    that give nothing although their PV asks for it.
    """

    def __init__(self, table: LoopTable, longest_dt: float) -> None:
        found = [(row, loop, loop.dose) for row, loop in enumerate(table.rows) if loop.dose]
        self.rows = np.array([row for row, _, _ in found], np.intp)
        self.bank = DosingBank([dose for _, _, dose in found], longest_dt)
        self.blocked = np.zeros(len(table), np.bool_)
        self._loops = [loop for _, loop, _ in found]
        self._names: list[Json] = [loop.full_name for loop in self._loops]
        self._output = np.array([loop.output for loop in self._loops], np.intp)
        self._pv = np.array([loop.pv for loop in self._loops], np.intp)

    def __len__(self) -> int:
        return len(self.rows)

    def step(
        self, signals: Signals, sp: F8, manual: F8, live: Flags, off: Flags, by_hand: Flags, targets: F8, dt: float
    ) -> list[Event]:
        """Compute the flows, into the outputs' ``targets``; the other arrays are over all loops. Tells what is blocked,
        and what no longer is.

        ``live`` may act, ``off`` are switched off and forgiven, and the output of ``by_hand`` is the operator's.
        """
        rows, bank = self.rows, self.bank
        bank.forgive(off[rows])
        pv = np.where(signals.quality[self._pv] < BAD, signals.value[self._pv], np.nan)
        flow = bank.step(pv, sp[rows], live[rows], dt)
        targets[self._output] = np.where(by_hand[rows], manual[rows], flow)
        blocked = bank.blocked != Block.NONE
        changed = np.flatnonzero(blocked != self.blocked[rows]).tolist()
        self.blocked[rows] = blocked
        return [self._event(place) for place in changed]

    def reach(self, actual: F8, op: F8) -> None:
        """Fill in, over all loops, the outputs of these: what their actuators were brought to."""
        op[self.rows] = actual[self._output]

    def _event(self, place: int) -> Event:
        loop, text = self._loops[place], WORDS[Block(int(self.bank.blocked[place]))]
        return Event(
            EventType.EQUIPMENT, "Status Change", loop.full_name, f"{loop.title}: {text}", loop.vessel, value=text
        )

    def rebase(self, vessel: str) -> None:
        """A batch begins on ``vessel``: its doses are counted from zero."""
        self.bank.rebase(np.array([loop.vessel == vessel for loop in self._loops], np.bool_))

    def state(self) -> dict[str, Json]:
        """What was given and when."""
        return self.bank.state(self._names)

    def restore(self, state: Mapping[str, Json], outage_s: float) -> None:
        """Take over what :meth:`state` gave ``outage_s`` seconds ago."""
        self.bank.restore(state, self._names, outage_s)
